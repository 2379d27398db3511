package analysis

import (
	"math"
	"strings"
	"testing"
)

func orders(least float64) BusinessRule {
	return BusinessRule{Query: "orders", Direction: Up, VersusStableMin: &least}
}

// counts draws what both sides have of some requests.
type counts func(c chance, requests float64, ratio float64) float64

func poisson(c chance, requests, ratio float64) float64 {
	return float64(c.poisson(requests * 0.1 * ratio))
}

// clustered has the variance of a negative binomial, three times the mean: clusters that come by chance, of sizes as of a geometric one.
func clustered(c chance, requests, ratio float64) float64 {
	sum := 0.0
	for range c.poisson(requests * 0.05 * ratio) {
		for sum++; c.Float64() < 0.5; sum++ {
		}
	}
	return sum
}

// money has amounts: what counts for one is fifty.
func money(c chance, requests, ratio float64) float64 { return 50 * poisson(c, requests, ratio) }

// found is the look at which a counter's rule is broken, 0 for never.
func (c *counter) found(draw chance, looks int, next counts, ratio float64) int {
	for look := range looks {
		ours, theirs := float64(20), float64(60)
		c.count(Tally{next(draw, ours, ratio), ours}, Tally{next(draw, theirs, 1), theirs}, second)
		for _, s := range []*sided{c.least, c.most} {
			if s != nil && s.process.logEvidence(perRatio{}) >= math.Log(c.terms.limit) {
				return look + 1
			}
		}
	}
	return 0
}

func TestCounters(t *testing.T) {
	const runs, looks, risk = 150, 500, 0.1
	for name, c := range map[string]struct {
		next counts
		// within is by when a fall to 60 % is found in the median.
		within int
	}{
		"one by one": {poisson, 240}, "in clusters": {clustered, 500}, "amounts": {money, 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := func(ratio float64, rule BusinessRule, seed uint64, runs int) (broken, early int) {
				draw := seeded(seed)
				for range runs {
					look := newCounter("orders", rule, 2*second, terms{limit: 1 / risk, whole: 1 / risk, minBad: 3}).found(draw, looks, c.next, ratio)
					if look > 0 {
						broken++
					}
					if look > 0 && look <= c.within {
						early++
					}
				}
				return broken, early
			}
			both := orders(1)
			both.VersusStableMax, both.Direction = portion(1), Either
			for name, healthy := range map[string]struct {
				ratio float64
				rule  BusinessRule
				share float64
			}{"as stable": {1, orders(0.95), 1}, "as little as allowed": {0.95, orders(0.95), 1}, "within both": {1, both, 2}} {
				broken, _ := at(healthy.ratio, healthy.rule, 23, runs)
				t.Logf("%s: %d of %d are broken", name, broken, runs)
				if float64(broken) > healthy.share*risk*runs {
					t.Errorf("%s: %d of %d are broken, want at most %v", name, broken, runs, healthy.share*risk*runs)
				}
			}
			if _, early := at(0.6, orders(0.95), 29, 50); early < 25 {
				t.Errorf("a fall to 60 %% is found within %d looks in %d of 50", c.within, early)
			}
		})
	}
}

// A fall to 80 %, of a counter of which there is enough.
func TestAFallToFourFifthsIsFound(t *testing.T) {
	many := func(c chance, requests, ratio float64) float64 { return float64(c.poisson(requests * ratio)) }
	draw := seeded(31)
	for range 20 {
		c := newCounter("orders", orders(0.95), 2*second, terms{limit: 100, whole: 100, minBad: 3})
		if look := c.found(draw, 600, many, 0.8); look == 0 || look > 180 {
			t.Fatalf("found at look %d", look)
		}
	}
}

// A rise is told by the other bound.
func TestARiseIsFound(t *testing.T) {
	rule := BusinessRule{Query: "refunds", Direction: Down, VersusStableMax: portion(1.1)}
	c := newCounter("refunds", rule, 2*second, terms{limit: 100, whole: 100, minBad: 3})
	look := c.found(seeded(37), 600, poisson, 2)
	if look == 0 || look > 240 {
		t.Errorf("found at look %d", look)
	}
	f := c.findings()[0]
	if f.Rule != "business.refunds.versus_stable_max" || !f.Broken || !strings.Contains(f.sentence, "of stable's, at most 110 % is allowed") {
		t.Errorf("%+v", f)
	}
}

// By hand: nothing counts before stable's spread is known, by ten windows; then, with stable's windows alike, one look.
func TestCounterByHand(t *testing.T) {
	c := newCounter("orders", orders(0.5), 2*second, terms{limit: 100})
	for range 20 {
		c.count(Tally{0, 100}, Tally{10, 100}, second)
	}
	near(t, "too little is known", evidence(c.least.process.logEvidence(perRatio{})), 1)
	if d := c.doubts(1); len(d) != 0 {
		t.Errorf("after ten windows: %+v", d)
	}
	near(t, "spread", c.spread(), 1)
	c.count(Tally{1, 100}, Tally{3, 100}, second)
	idle := 0.15 * 60 / 61
	// The candidate has a third of the weight where half as many are allowed.
	lr := func(r float64) float64 { return 1 / r / math.Pow(1+(1/r-1)/3, 4) }
	near(t, "one look", evidence(c.least.process.logEvidence(perRatio{})), idle+(1-idle)*
		(0.06*lr(1.05)+0.09*lr(1.1)+0.13*lr(1.2)+0.16*lr(1.5)+0.21*lr(2)+0.18*lr(5)+0.17*lr(100)))
	// Windows of 0 and 20 have a variance of ten times their mean, by n/(n-1), and what an estimate of 20 windows may miss.
	wild := newCounter("orders", orders(0.5), second, terms{limit: 100})
	for look := range 20 {
		wild.count(Tally{}, Tally{float64(20 * (look % 2)), 100}, second)
	}
	near(t, "spread of a wild one", wild.spread(), 10*20.0/19*(1+math.Sqrt(0.1)))
}

func TestCountersThatCannotBeTrueAreLeftOut(t *testing.T) {
	c := newCounter("orders", orders(0.5), 2*second, terms{limit: 100})
	for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, 1e300} {
		for _, p := range []Pair{{x, 1}, {1, x}} {
			c.add(Look{Took: second, Candidate: failing(0, 10), Stable: failing(0, 10), Series: map[string]Pair{"orders": p}})
		}
	}
	if c.total != (sides{}) {
		t.Errorf("counted %+v", c.total)
	}
	if d := c.doubts(1); len(d) != 1 || !strings.Contains(d[0].text, "not measured on both sides") {
		t.Errorf("doubts %+v", d)
	}
}
