package analysis

import (
	"math"
	"slices"
	"testing"
)

// The defining property, exactly: whatever happens that the hypothesis allows, and whenever one stops, the evidence has a mean of at
// most 1. All that can happen in a few looks is enumerated, and the best time to stop is found backwards, by the Snell envelope:
// from the last look to the first, the larger of the evidence now and the mean of what it comes to. Where nature has a choice (how many
// are bad, and how they come together), it takes the worst.

// experiment is something that evidence is gathered about.
type experiment interface {
	value() float64
	// choices that nature has for the next look, each with all that can come of it.
	choices(look int) [][]outcome
}

// outcome is what may come next, with its probability.
type outcome struct {
	probability float64
	next        experiment
}

// worst is the largest mean of evidence that any rule for stopping gets within so many looks.
func worst(e experiment, look, looks int) float64 {
	best := e.value()
	if look == looks {
		return best
	}
	for _, outcomes := range e.choices(look) {
		mean := 0.0
		for _, o := range outcomes {
			mean += o.probability * worst(o.next, look+1, looks)
		}
		best = max(best, mean)
	}
	return best
}

// reaches is the largest probability that the evidence ever reaches a limit.
func reaches(e experiment, limit float64, look, looks int) float64 {
	switch {
	case e.value() >= limit:
		return 1
	case look == looks:
		return 0
	}
	most := 0.0
	for _, outcomes := range e.choices(look) {
		p := 0.0
		for _, o := range outcomes {
			p += o.probability * reaches(o.next, limit, look+1, looks)
		}
		most = max(most, p)
	}
	return most
}

// atTheEnd is the mean evidence after so many looks, where nature takes its first choice.
func atTheEnd(e experiment, look, looks int) float64 {
	if look == looks {
		return e.value()
	}
	mean := 0.0
	for _, o := range e.choices(look)[0] {
		mean += o.probability * atTheEnd(o.next, look+1, looks)
	}
	return mean
}

func checkStopping(t *testing.T, e experiment, looks int) {
	t.Helper()
	if got := worst(e, 0, looks); got > 1+1e-9 {
		t.Errorf("the best time to stop has a mean evidence of %v, want at most 1", got)
	}
	for _, limit := range []float64{1.1, 1.5, 2, 3, 5, 10, 100} {
		got := reaches(e, limit, 0, looks)
		if got > 1/limit {
			t.Errorf("the evidence reaches %v with a probability of %v", limit, got)
		}
		if limit == 1.1 && got == 0 {
			t.Errorf("the evidence never reaches %v: nothing is tested", limit)
		}
	}
}

// limited is a candidate that keeps an absolute limit exactly: a look has so many requests, each bad by chance. A step begins before look
// stepAt.
type limited struct {
	absolute
	allowed          float64
	requests, stepAt int
	burstless        bool
}

func (l limited) value() float64 { return l.absolute.value() }

func (l limited) choices(look int) [][]outcome {
	var outcomes []outcome
	for bad := range l.requests + 1 {
		next := l
		if look == l.stepAt {
			next.step()
		}
		next.add(Tally{float64(bad), float64(l.requests)}, second, l.allowed, l.burstless)
		outcomes = append(outcomes, outcome{chosen(l.requests, bad, l.allowed), next})
	}
	return [][]outcome{outcomes}
}

func TestAnyTimeToStopAtTheLimit(t *testing.T) {
	for _, l := range []limited{
		{requests: 2, allowed: 0.05, burstless: true},
		{requests: 2, allowed: 0.3, burstless: true},
		{requests: 3, allowed: 0.1},
		{requests: 2, allowed: 0.2},
	} {
		l.absolute, l.stepAt = newAbsolute(2*second, usualTerms), 4
		checkStopping(t, l, 8)
		if end := atTheEnd(l, 0, 8); l.burstless && math.Abs(end-1) > 1e-9 {
			t.Errorf("%+v: the mean evidence is %v, want 1", l, end)
		}
	}
}

// compared are two sides that fail alike. The candidate has ours of the hundreds of requests of a look, stable theirs.
type compared struct {
	*comparison
	ours, theirs float64
	stepAt       int
	// events that may happen in a look: sizes of those that come together.
	events [][]float64
}

func (c compared) value() float64 { return c.comparison.value() }

func (c compared) clone() *comparison {
	clone := *c.comparison
	clone.traffic.looks = slices.Clone(clone.traffic.looks)
	clone.texture.windows = slices.Clone(clone.texture.windows)
	clone.texture.lasted = slices.Clone(clone.texture.lasted)
	return &clone
}

// choices: each event is the candidate's with a probability of its share, however many answers it makes bad.
func (c compared) choices(look int) (choices [][]outcome) {
	share := c.ours / (c.ours + c.theirs)
	for _, sizes := range c.events {
		var outcomes []outcome
		for sides := range 1 << len(sizes) {
			p, candidate, stable := 1.0, Tally{All: c.ours}, Tally{All: c.theirs}
			for i, size := range sizes {
				if sides>>i&1 == 1 {
					p, candidate.Bad = p*share, candidate.Bad+size
				} else {
					p, stable.Bad = p*(1-share), stable.Bad+size
				}
			}
			next := c
			next.comparison = c.clone()
			if look == c.stepAt {
				next.step()
			}
			next.add(candidate, stable, second)
			outcomes = append(outcomes, outcome{p, next})
		}
		choices = append(choices, outcomes)
	}
	return choices
}

// evenly makes stable known to fail at a rate, one by one.
func evenly(c *comparison, rate float64) *comparison {
	c.dirty = true
	for range latestWindows {
		c.texture.windows = append(c.texture.windows, Tally{10_000 * rate, 10_000})
	}
	c.texture.measure()
	return c
}

func TestAnyTimeToStopAComparison(t *testing.T) {
	fresh := func() *comparison { c := newComparison(2*second, terms{limit: 100, whole: 100, minBad: 3}); return &c }
	singles := [][]float64{{1, 1}, {1}, {}}
	for name, c := range map[string]struct {
		compared
		looks int
		// exact: the mean is 1, since no event is taken for a part of another.
		exact bool
	}{
		"one by one, a quarter": {compared{comparison: evenly(fresh(), 0.01), ours: 100, theirs: 300, events: singles}, 5, true},
		"one by one, half":      {compared{comparison: evenly(fresh(), 0.01), ours: 100, theirs: 100, events: singles}, 5, true},
		"one by one, most":      {compared{comparison: evenly(fresh(), 0.01), ours: 450, theirs: 50, events: singles}, 5, true},
		"more than usual":       {compared{comparison: evenly(fresh(), 0.001), ours: 100, theirs: 100, events: [][]float64{{1, 1, 1}, {1}}}, 4, false},
		"bursts, a twentieth":   {compared{comparison: fresh(), ours: 50, theirs: 950, events: [][]float64{{}, {1}, {5}, {1, 3}}}, 5, false},
		"bursts, a quarter":     {compared{comparison: fresh(), ours: 100, theirs: 300, events: [][]float64{{}, {1}, {5}, {1, 3}}}, 5, false},
		"bursts, most":          {compared{comparison: fresh(), ours: 900, theirs: 100, events: [][]float64{{}, {2}, {40}, {1, 9}}}, 5, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.stepAt = 3
			checkStopping(t, c.compared, c.looks)
			if end := atTheEnd(c.compared, 0, c.looks); c.exact && math.Abs(end-1) > 1e-9 {
				t.Errorf("the mean evidence is %v, want 1", end)
			}
		})
	}
}

// Given the requests and the bad ones of both sides, each request is as likely to be a bad one: fewer surprises than the binomial
// that the comparison stands on.
func TestComparisonOfRequestsDrawnWithoutReplacement(t *testing.T) {
	for _, c := range []struct{ ours, theirs, bad int }{{50, 50, 100}, {50, 150, 20}, {50, 950, 3}, {950, 50, 40}} {
		share := float64(c.ours) / float64(c.ours+c.theirs)
		for _, theta := range logRatios {
			mean, sum := 0.0, 0.0
			for b := max(0, c.bad-c.theirs); b <= min(c.bad, c.ours); b++ {
				p := math.Exp(logChoose(c.ours, b) + logChoose(c.theirs, c.bad-b) - logChoose(c.ours+c.theirs, c.bad))
				gain := theta*float64(b) - cost(float64(b), oneByOne, share, theta) - cost(float64(c.bad-b), oneByOne, share, theta)
				sum, mean = sum+p, mean+p*math.Exp(gain)
			}
			near(t, "probability", sum, 1)
			if mean > 1+1e-9 {
				t.Errorf("%+v: the mean of the likelihood ratio is %v", c, mean)
			}
		}
	}
}

// chosen is the probability that so many of n are bad.
func chosen(n, bad int, p float64) float64 {
	return math.Exp(logChoose(n, bad)) * math.Pow(p, float64(bad)) * math.Pow(1-p, float64(n-bad))
}

func logChoose(n, k int) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return a - b - c
}
