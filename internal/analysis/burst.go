package analysis

import (
	"math"
	"slices"
	"time"
)

// Bad answers come in bursts that share one cause: a lock, a pause of a collector, a client that tries again. Counted one by
// one, a burst of ten that happens to hit the candidate is overwhelming evidence against a good release. So what is bad on one side
// within a window may count as one event: window.
//
// What is usual is told by stable, see texture: as many bad answers as chance makes of stable's usual rate are single ones, and what is
// beyond is one burst, which lasts as long as stable's do. It takes Config.MinBad windows to restore, so a burst may last longer than a window.

// window collects what both sides did from the first bad answer on, for as long as a burst may last.
type window struct {
	candidate, stable Tally
	took              time.Duration
}

func (w *window) open() bool { return w.took > 0 }

func (w *window) add(candidate, stable Tally, took time.Duration) {
	w.candidate, w.stable, w.took = w.candidate.plus(candidate), w.stable.plus(stable), w.took+max(took, 1)
}

// cost is the logarithm of what bad events of one side cost against a ratio of e^theta, where an event is the candidate's with
// probability share. As many as chance has came one by one; where there are more, those beyond the usual came together, as one
// event that weighs as much.
//
// For an event of weight w, whoever's it is, exp(theta·w) if it is the candidate's and 1 if not, over 1-share+share·exp(theta·w), has
// the expectation 1. The logarithm of that is superadditive in w, so to take several events for one is on the safe side.
func cost(bad float64, usual usual, share, theta float64) float64 {
	if bad <= usual.most {
		return bad * logShare(share, theta)
	}
	return usual.mean*logShare(share, theta) + logShare(share, theta*(bad-usual.mean))
}

// logShare is log(1 - share + share·exp(x)), for x from 0 to any size.
func logShare(share, x float64) float64 {
	switch {
	case share <= 0:
		return 0
	case share >= 1:
		return x
	case x > 30:
		return x + math.Log(share+(1-share)*math.Exp(-x))
	}
	return math.Log1p(share * math.Expm1(x))
}

// texture is how stable's bad answers come: one by one, or in bursts.
type texture struct {
	// windows are the latest ones, oldest first; now collects the next one.
	windows []Tally
	now     window
	// usualRate is the share of bad answers in a usual window, and uneven that the windows vary by more than chance.
	usualRate float64
	uneven    bool
	// lasted are the latest bursts' lengths; current is that of one that may go on, quiet the time since its last bad answer.
	lasted         []time.Duration
	current, quiet time.Duration
	bursting       bool
}

const (
	// latestWindows are remembered, and enoughWindows tell something.
	latestWindows = 64
	enoughWindows = 10
	// latestBursts are remembered, and enoughBursts tell something.
	latestBursts = 32
	enoughBursts = 5
)

// usual is how many bad answers of a number of requests come one by one: mean of them, and least and most by chance.
type usual struct{ mean, least, most float64 }

// oneByOne is what is usual where there are no bursts.
var oneByOne = usual{most: math.Inf(1)}

// add what stable did.
func (t *texture) add(stable Tally, took, burst time.Duration) {
	t.time(stable, took, burst)
	t.now.add(Tally{}, stable, took)
	if t.now.took < burst {
		return
	}
	// Windows in which it had no requests tell nothing.
	if t.now.stable.All > 0 {
		if t.windows = append(t.windows, t.now.stable); len(t.windows) > latestWindows {
			t.windows = slices.Delete(t.windows, 0, 1)
		}
		t.measure()
	}
	t.now = window{}
}

// measure what a usual window is: the mean of the middle half, which rare bursts are not in. The median of a few bad ones a window would be
// off by up to a half.
func (t *texture) measure() {
	rates := make([]float64, len(t.windows))
	for i, w := range t.windows {
		rates[i] = w.Bad / w.All
	}
	slices.Sort(rates)
	middle := rates[len(rates)/4 : len(rates)-len(rates)/4]
	t.usualRate = 0
	for _, rate := range middle {
		t.usualRate += rate / float64(len(middle))
	}
	t.uneven = t.usualRate > 0 && t.dispersion(t.usualRate) > 1+4*t.deviation(t.usualRate)
}

// usual of so many requests: up to three standard deviations above stable's usual rate. None where too little is known, where stable's
// usual window has no bad answer, and where what it has varies by more than chance.
func (t *texture) usual(requests float64) usual {
	if len(t.windows) < enoughWindows || t.uneven || t.usualRate == 0 {
		return usual{}
	}
	mean := t.usualRate * requests
	return usual{mean: math.Floor(mean), least: mean - 3*math.Sqrt(mean*(1-t.usualRate)), most: byChance(mean)}
}

// time stable's bursts, once it is known what is more than chance.
func (t *texture) time(stable Tally, took, burst time.Duration) {
	if len(t.windows) < enoughWindows {
		return
	}
	bad := stable.Bad > byChance(t.usualRate*stable.All)
	switch {
	case bad && !t.bursting:
		t.bursting, t.current, t.quiet = true, took, 0
	case bad:
		t.current, t.quiet = t.current+t.quiet+took, 0
	case t.bursting:
		if t.quiet += took; t.quiet >= burst {
			t.bursting = false
			if t.lasted = append(t.lasted, t.current); len(t.lasted) > latestBursts {
				t.lasted = slices.Delete(t.lasted, 0, 1)
			}
		}
	}
}

// length is how long a burst may last: as long as most of stable's did, and least at least.
func (t *texture) length(least time.Duration) time.Duration {
	if len(t.lasted) < enoughBursts {
		return least
	}
	lasted := slices.Sorted(slices.Values(t.lasted))
	return max(least, min(lasted[len(lasted)*9/10]*5/4, longestBurst*least))
}

// longestBurst is how many times longer than the least a burst may last: what is bad for longer than that is no burst.
const longestBurst = 10

// byChance is how many bad answers there may be where so many are expected: three standard deviations more.
func byChance(expected float64) float64 { return math.Floor(expected + 3*math.Sqrt(expected)) }

// dispersion is the variance of the windows over that of independent requests with this rate: Pearson's statistic, in which
// a window counts for nine at most, so that a rare burst does not make all windows look like bursts.
func (t *texture) dispersion(rate float64) float64 {
	sum := 0.0
	for _, w := range t.windows {
		mean := rate * w.All
		sum += min((w.Bad-mean)*(w.Bad-mean)/(mean*max(1-rate, 1e-3)), 9)
	}
	return sum / float64(len(t.windows))
}

// deviation is how far chance takes the dispersion from 1, as a standard deviation: (2 + 1/mean)/n is the variance of Pearson's statistic of
// Poisson counts.
func (t *texture) deviation(rate float64) float64 {
	sum := 0.0
	for _, w := range t.windows {
		sum += 2 + 1/(rate*w.All)
	}
	return math.Sqrt(sum) / float64(len(t.windows))
}
