package analysis

import (
	"math"
	"testing"
	"time"
)

// stream has requests that arrive by chance, of which weight go to the candidate.
type stream struct {
	chance
	// rate of requests a second, and the time from look to look.
	rate   float64
	weight float64
	every  time.Duration
	// left over of a burst that is going on: bad answers of each side in the looks to come.
	coming []split
}

// requests of one look.
func (s *stream) requests() (candidate, stable int) {
	mean := s.rate * s.every.Seconds()
	return s.poisson(mean * s.weight), s.poisson(mean * (1 - s.weight))
}

// plain bad answers, one by one, of a part p of the requests.
func (s *stream) plain(p float64) (candidate, stable Counts) {
	c, st := s.requests()
	return s.failing(c, p), s.failing(st, p)
}

// burst begins one of size bad answers within lasting, on one side: the candidate's with a probability of its weight.
func (s *stream) burst(size int, lasting time.Duration) {
	looks := max(1, int(lasting/s.every))
	for len(s.coming) < looks {
		s.coming = append(s.coming, split{})
	}
	ours := s.Float64() < s.weight
	for range size {
		at := &s.coming[s.IntN(looks)]
		if ours {
			at.candidate++
		} else {
			at.stable++
		}
	}
}

// next adds what is coming of bursts to what else there is.
func (s *stream) next(candidate, stable Counts) (Counts, Counts) {
	if len(s.coming) == 0 {
		return candidate, stable
	}
	add := func(c Counts, bad float64) Counts {
		c.Errors += bad
		c.Requests = max(c.Requests, c.Errors)
		c.Timed = c.Requests
		return c
	}
	now := s.coming[0]
	s.coming = s.coming[1:]
	return add(candidate, now.candidate), add(stable, now.stable)
}

// healthy is a kind of release with which nothing is wrong.
type healthy struct {
	rule ErrorRule
	// runs of so many looks, a step after step looks; 0: none.
	runs, looks, step int
	// weights of the steps, one after the other.
	weights []float64
	// rate, every: of the stream.
	rate  float64
	every time.Duration
	// baseline of so many requests, of which so many are bad.
	baseline int
	before   func(c chance, requests int) int
	next     func(s *stream, look int) (candidate, stable Counts)
}

// restored tells whether a release is restored.
func (h healthy) restored(t *testing.T, draw chance, confidence float64) bool {
	j := judgeOf(t, Config{Confidence: confidence, Errors: &h.rule, MinBad: 1})
	if h.baseline > 0 {
		j.Baseline(failing(float64(h.before(draw, h.baseline)), float64(h.baseline)))
	}
	s := &stream{chance: draw, rate: h.rate, weight: h.weights[0], every: h.every}
	for look := range h.looks {
		if h.step > 0 && look > 0 && look%h.step == 0 {
			j.Step()
			s.weight = h.weights[look/h.step%len(h.weights)]
		}
		c, st := s.next(h.next(s, look))
		if j.Look(Look{Took: h.every, Candidate: c, Stable: st}).Decision == Restore {
			return true
		}
	}
	return false
}

// bursting has bursts of least to most bad answers, so many a second in the mean, each within up to a second, and single ones.
func bursting(single, perSecond float64, least, most int) func(*stream, int) (Counts, Counts) {
	return func(s *stream, _ int) (Counts, Counts) {
		for range s.poisson(perSecond * s.every.Seconds()) {
			s.burst(least+s.IntN(most-least+1), time.Duration(s.Float64()*float64(time.Second)))
		}
		return s.plain(single)
	}
}

// A release that keeps its limit exactly, and is exactly as good as stable, is the hardest one not to blame. MinBad is 1, so that the
// evidence stands alone.
func TestFalseRestoresAreAsRareAsPromised(t *testing.T) {
	const confidence = 0.9
	versus, limit, both := ErrorRule{VersusStable: true}, ErrorRule{MaxRate: portion(0.05)}, ErrorRule{MaxRate: portion(0.05), VersusStable: true}
	plain := func(p float64) func(*stream, int) (Counts, Counts) {
		return func(s *stream, _ int) (Counts, Counts) { return s.plain(p) }
	}
	binomially := func(p float64) func(chance, int) int { return func(c chance, n int) int { return c.binomial(n, p) } }
	for name, h := range map[string]healthy{
		"at the absolute limit":       {rule: limit, next: plain(0.05)},
		"as good as stable":           {rule: versus, next: plain(0.05)},
		"both rules":                  {rule: both, next: plain(0.05)},
		"looks of 200 ms":             {rule: versus, every: 200 * time.Millisecond, runs: 150, looks: 600, next: plain(0.05)},
		"low traffic":                 {rule: versus, rate: 2, weights: []float64{0.1}, runs: 150, looks: 600, next: plain(0.1)},
		"low traffic, at the limit":   {rule: limit, rate: 2, weights: []float64{0.1}, runs: 150, looks: 600, next: plain(0.05)},
		"as good as a baseline":       {rule: versus, weights: []float64{1}, baseline: 2000, before: binomially(0.02), next: plain(0.02)},
		"as good as a short baseline": {rule: versus, weights: []float64{1}, baseline: 60, before: binomially(0.02), next: plain(0.02)},
		"in steps, at a rate that changes": {rule: versus, looks: 200, step: 40, weights: []float64{0.05, 0.25, 0.5, 0.75, 0.9}, next: func(s *stream, look int) (Counts, Counts) {
			return s.plain([]float64{0, 0.05, 0.6, 0.2}[look/3%4])
		}},
		"in steps to 100 %": {rule: both, looks: 200, step: 40, baseline: 5000, before: binomially(0.03), weights: []float64{0.05, 0.25, 0.5, 0.9, 1}, next: plain(0.03)},
		"a rate that drifts": {rule: versus, looks: 300, next: func(s *stream, look int) (Counts, Counts) {
			return s.plain(0.05 * (1 + math.Sin(float64(look)/60)))
		}},
		"bursts at a tenth":               {rule: versus, rate: 100, weights: []float64{0.1}, runs: 200, looks: 300, next: bursting(0, 0.1, 3, 30)},
		"bursts at a half":                {rule: versus, rate: 100, weights: []float64{0.5}, runs: 200, looks: 300, next: bursting(0, 0.1, 3, 30)},
		"bursts in looks of 200 ms":       {rule: versus, rate: 100, every: 200 * time.Millisecond, runs: 60, looks: 1500, next: bursting(0, 0.1, 3, 30)},
		"bursts beside single ones":       {rule: versus, rate: 100, weights: []float64{0.1}, runs: 200, looks: 300, next: bursting(0.01, 0.05, 3, 30)},
		"rare bursts beside single ones":  {rule: versus, rate: 100, weights: []float64{0.1}, runs: 200, looks: 300, next: bursting(0.01, 0.01, 3, 10)},
		"small bursts in looks of 200 ms": {rule: versus, rate: 100, weights: []float64{0.1}, every: 200 * time.Millisecond, runs: 60, looks: 1500, next: bursting(0.01, 0.1, 3, 5)},
		"rare bursts after a long baseline": {rule: versus, rate: 100, runs: 200, looks: 300, baseline: 100_000, before: func(c chance, n int) int {
			return 16 * c.poisson(0.002*float64(n)/100)
		}, next: bursting(0, 0.002, 3, 30)},
		"bursts beside a baseline alone": {rule: versus, weights: []float64{1}, runs: 200, looks: 300, baseline: 12_000, before: func(c chance, n int) int {
			return 15 * c.poisson(0.02*float64(n)/20)
		}, next: bursting(0, 0.02, 5, 25)},
		// What comes in bursts varies by more than chance: exactly at the limit it would be blamed.
		"bursts at half the absolute limit": {rule: limit, rate: 100, weights: []float64{0.1}, runs: 200, looks: 300, next: bursting(0, 0.4, 3, 9)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if h.runs == 0 {
				h.runs, h.looks = 250, max(120, h.looks)
			}
			if h.rate == 0 {
				h.rate = 20
			}
			if h.every == 0 {
				h.every = second
			}
			if h.weights == nil {
				h.weights = []float64{0.25}
			}
			draw, restored := seeded(7), 0
			for range h.runs {
				if h.restored(t, draw, confidence) {
					restored++
				}
			}
			t.Logf("%d of %d good releases restored", restored, h.runs)
			if float64(restored) > (1-confidence)*float64(h.runs) {
				t.Errorf("%d of %d good releases restored, want at most %v", restored, h.runs, (1-confidence)*float64(h.runs))
			}
		})
	}
}

// The defining property where it cannot be enumerated, with all that is learned of stable's bursts on the way: the mean of the evidence is
// at most 1 whenever one stops, and it ever reaches 1/α with a probability of at most α.
func TestEvidenceOfBursts(t *testing.T) {
	const runs, looks = 800, 240
	for name, c := range map[string]struct {
		rate, weight float64
		every        time.Duration
		next         func(*stream, int) (Counts, Counts)
	}{
		"bursts":              {100, 0.25, second, bursting(0, 0.1, 3, 30)},
		"at a half":           {100, 0.5, second, bursting(0, 0.05, 1, 10)},
		"most":                {100, 0.75, second, bursting(0, 0.1, 3, 30)},
		"beside single ones":  {100, 0.25, second, bursting(0.01, 0.05, 3, 30)},
		"looks of 200 ms":     {100, 0.25, 200 * time.Millisecond, bursting(0, 0.2, 3, 30)},
		"single ones":         {50, 0.5, second, bursting(0.02, 0, 1, 1)},
		"single ones, seldom": {10, 0.25, second, bursting(0.01, 0, 1, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			draw := seeded(43)
			limits := []float64{5, 10, 20}
			ever := make([]int, len(limits))
			stops := map[string]*struct{ sum, squares float64 }{"30 looks": {}, "240 looks": {}, "the first time above 3": {}, "the first bad one of the candidate": {}}
			for range runs {
				e := newComparison(2*second, terms{limit: 10, whole: 10, minBad: 3})
				s := &stream{chance: draw, rate: c.rate, weight: c.weight, every: c.every}
				largest, candidateBad := 0.0, false
				stop := func(at string, x float64) { stops[at].sum += x; stops[at].squares += x * x }
				for look := range looks {
					ours, theirs := s.next(c.next(s, look))
					e.add(Tally{ours.Errors, ours.Requests}, Tally{theirs.Errors, theirs.Requests}, c.every)
					now := e.value()
					if look == 29 {
						stop("30 looks", now)
					}
					if largest < 3 && (now >= 3 || look == looks-1) {
						stop("the first time above 3", now)
					}
					if !candidateBad && (ours.Errors > 0 || look == looks-1) {
						candidateBad = true
						stop("the first bad one of the candidate", now)
					}
					if look == looks-1 {
						stop("240 looks", now)
					}
					largest = max(largest, now)
				}
				for i, limit := range limits {
					if largest >= limit {
						ever[i]++
					}
				}
			}
			for at, s := range stops {
				mean := s.sum / runs
				deviation := math.Sqrt((s.squares/runs - mean*mean) / runs)
				t.Logf("at %s: a mean of %.3f ± %.3f", at, mean, deviation)
				if mean-3*deviation > 1 {
					t.Errorf("at %s: a mean of %v ± %v, want at most 1", at, mean, deviation)
				}
			}
			for i, limit := range limits {
				t.Logf("%v is reached in %d of %d", limit, ever[i], runs)
				if float64(ever[i]) > runs/limit {
					t.Errorf("%v is reached in %d of %d, want at most %v", limit, ever[i], runs, runs/limit)
				}
			}
		})
	}
}
