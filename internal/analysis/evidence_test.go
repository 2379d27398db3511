package analysis

import (
	"math"
	"testing"
	"time"
)

const second = time.Second

// mixed is the mean of a likelihood ratio over the ratios, written out.
func mixed(lr func(r float64) float64) float64 {
	return 0.06*lr(1.5) + 0.09*lr(2) + 0.13*lr(3) + 0.16*lr(5) + 0.21*lr(10) + 0.18*lr(100) + 0.17*lr(1000)
}

func (a *absolute) value() float64 {
	log, _ := a.judge()
	return evidence(log)
}

func (c *comparison) value() float64 {
	log, _ := c.judge()
	return evidence(log)
}

func TestPartsAreAMean(t *testing.T) {
	near(t, "sum of the parts", mixed(func(float64) float64 { return 1 }), 1)
	for i, r := range []float64{1.5, 2, 3, 5, 10, 100, 1000} {
		near(t, "ratio", ratios[i], r)
		near(t, "its part", parts[i], mixed(func(x float64) float64 {
			if x == r {
				return 1
			}
			return 0
		}))
	}
}

func TestEvidenceByHand(t *testing.T) {
	a := newAbsolute(2*second, usualTerms)
	near(t, "nothing seen", a.value(), 1)
	// One of one in the first second where 5 % are allowed. Of the 0.15 that are not staked at once, 1/61 is staked on that second.
	idle := 0.15 * 60 / 61
	one := func(r float64) float64 { return r / (1 + 0.05*(r-1)) }
	a.add(Tally{1, 1}, second, 0.05, true)
	near(t, "1 of 1", a.value(), idle+(1-idle)*mixed(one))
	near(t, "1 of 1, in numbers", a.value(), 7.8968503871)
	// Two of two: the mean of the squares, not the square of the mean. The window is the same, so nothing more is staked.
	square := func(r float64) float64 { return one(r) * one(r) }
	a.add(Tally{1, 1}, second, 0.05, true)
	near(t, "2 of 2", a.value(), idle+(1-idle)*mixed(square))
	// A new window at 3 s: stakes lie on it from now on.
	later := 0.15 * 60 / 63
	a.add(Tally{1, 1}, second, 0.05, true)
	near(t, "3 of 3", a.value(), later+(idle-later)*mixed(one)+(1-idle)*mixed(func(r float64) float64 { return one(r) * square(r) }))
	// A step: a fifth of what is left is staked on it.
	a.step()
	a.add(Tally{0, 20}, second, 0.05, true)
	none := func(r float64) float64 { return math.Pow(1+0.05*(r-1), -20) }
	last := 0.15 * 0.8 * 60 / 64
	near(t, "a step", a.value(), last+(later-last)*mixed(none)+
		(idle-later)*mixed(func(r float64) float64 { return none(r) * one(r) })+
		(1-idle)*mixed(func(r float64) float64 { return none(r) * one(r) * square(r) }))
}

// Where bad answers may come in bursts, as many as chance has at the limit count: of 100 requests at 5 %, 5 + 3·√5, which is 11. And three such
// windows make it at the least: one is worth the third root of the limit and a little.
func TestAbsoluteCountsNoBurst(t *testing.T) {
	a := newAbsolute(2*second, usualTerms)
	a.add(Tally{80, 100}, second, 0.05, false)
	idle := 0.15 * 60 / 61
	near(t, "80 of 100", a.value(), idle+(1-idle)*mixed(func(r float64) float64 {
		return min(math.Pow(r, 11)/math.Pow(1+0.05*(r-1), 100), math.Cbrt(100*math.Sqrt(math.E)))
	}))
	if _, events := a.judge(); events != 1 {
		t.Errorf("it rests on %v events, want 1", events)
	}
}

func TestComparisonByHand(t *testing.T) {
	c := newComparison(2*second, terms{limit: 4, whole: 4, minBad: 3})
	c.setBaseline(Tally{0, 1000}) // So that bad ones count one by one, until stable has one.
	c.known = nil                 // What it is known by otherwise is tested below.
	near(t, "nothing seen", c.value(), 1)
	idle := 0.15 * 60 / 61
	first := func(r float64) float64 { return r * r / math.Pow(0.9+0.1*r, 2) }
	c.add(Tally{2, 10}, Tally{0, 90}, second)
	near(t, "one by one", c.value(), idle+(1-idle)*mixed(first))
	// Two quiet seconds are staked with the next bad one. From now on stable is known to fail: what is bad on one side is one event.
	c.add(Tally{0, 10}, Tally{0, 90}, second)
	c.add(Tally{0, 10}, Tally{0, 90}, second)
	c.add(Tally{3, 60}, Tally{2, 60}, second)
	later := 0.15 * 60 / 64
	near(t, "a window", c.value(), later+(idle-later)*mixed(func(r float64) float64 { return r * r * r / (0.5 + 0.5*r*r*r) / (0.5 + 0.5*r*r) })+
		(1-idle)*mixed(func(r float64) float64 { return first(r) * r * r * r / (0.5 + 0.5*r*r*r) / (0.5 + 0.5*r*r) }))
	// The window is evident, three bad ones of one side, so it lasts for four seconds: what comes in the next three belongs to it.
	c.add(Tally{0, 60}, Tally{0, 60}, second)
	c.add(Tally{0, 60}, Tally{0, 60}, second)
	c.add(Tally{2, 60}, Tally{0, 60}, second)
	five := func(r float64) float64 { return math.Pow(r, 5) / (0.5 + 0.5*math.Pow(r, 5)) / (0.5 + 0.5*r*r) }
	near(t, "more of the window", c.value(), later+(idle-later)*mixed(five)+(1-idle)*mixed(func(r float64) float64 { return first(r) * five(r) }))
	if _, events := c.judge(); events != 3 {
		t.Errorf("it rests on %v events, want the two and the burst", events)
	}
	c.add(Tally{1, 60}, Tally{0, 60}, second)
	last := 0.15 * 60 / 68
	near(t, "the next window", c.value(), last+
		(later-last)*mixed(func(r float64) float64 { return r / (0.5 + 0.5*r) })+
		(idle-later)*mixed(func(r float64) float64 { return five(r) * r / (0.5 + 0.5*r) })+
		(1-idle)*mixed(func(r float64) float64 { return first(r) * five(r) * r / (0.5 + 0.5*r) }))
}

// Beyond a share of 98 % there is nobody to compare with: the most that stable's baseline allows is the limit then. A tenth of the evidence
// is staked on that, and counts for as much less as it may be wrong.
func TestEvidenceAlone(t *testing.T) {
	c := newComparison(2*second, terms{limit: 100, whole: 100, minBad: 3})
	c.setBaseline(Tally{0, 1000})
	most := 1 - math.Pow(0.001, 0.001)
	near(t, "the most", c.most, most)
	c.add(Tally{1, 1}, Tally{0, 0}, second)
	idle := 0.15 * 60 / 61
	near(t, "alone", c.value(), 0.9+0.1*0.9*(idle+(1-idle)*mixed(func(r float64) float64 { return r / (1 + most*(r-1)) })))
}

func TestEvidenceAtTheEnds(t *testing.T) {
	none := newAbsolute(second, usualTerms)
	none.add(Tally{0, 1e6}, second, 0, true)
	near(t, "none allowed and none seen", none.value(), 1)
	none.add(Tally{1, 1}, second, 0, true)
	none.add(Tally{0, 1e6}, second, 0, true)
	if none.value() != math.MaxFloat64 {
		t.Errorf("none allowed and one seen: %v", none.value())
	}
	all := newAbsolute(second, usualTerms)
	all.add(Tally{largestCount, largestCount}, second, 1, true)
	if all.value() > 1 {
		t.Errorf("all allowed and all bad: %v", all.value())
	}
	worst, best := newAbsolute(second, usualTerms), newAbsolute(second, usualTerms)
	for range 1000 {
		worst.add(Tally{largestCount, largestCount}, second, 0.01, true)
		best.add(Tally{0, largestCount}, second, 0.01, true)
	}
	if worst.value() != math.MaxFloat64 {
		t.Errorf("no end of bad ones: %v", worst.value())
	}
	// What is not staked yet is left, so that a later fault is found.
	if got, want := best.value(), 0.15*60/1060; got < want*(1-1e-9) || got > 1.05*want {
		t.Errorf("no end of good ones: %v, want what is idle, %v", got, want)
	}
}

// A stake depends on the time alone, not on how often it is looked at.
func TestStakesDependOnTimeAlone(t *testing.T) {
	for _, every := range []time.Duration{200 * time.Millisecond, second, 4 * second} {
		a, p := newAbsolute(2*second, usualTerms), newProcess()
		for range 240 * second / every {
			a.add(Tally{}, every, 0.05, true)
			p.elapse(every)
		}
		near(t, "idle of a process", p.idle, 0.15*60/300)
		// The last look may be in the midst of a window.
		if a.process.idle < 0.15*60/300*(1-1e-9) || a.process.idle > 0.15*60/298 {
			t.Errorf("%v from look to look: %v is idle, want %v", every, a.process.idle, 0.15*60/300)
		}
	}
}
