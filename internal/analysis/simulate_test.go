package analysis

import (
	"math/rand/v2"
	"testing"
)

// chance draws counts; the seed is fixed, so every run of a test sees the same.
type chance struct{ *rand.Rand }

func seeded(seed uint64) chance { return chance{rand.New(rand.NewPCG(seed, 42))} } // #nosec G404 -- wanted: the same every time.

func (c chance) failing(all int, p float64) Counts {
	bad := 0
	for range all {
		if c.Float64() < p {
			bad++
		}
	}
	return failing(float64(bad), float64(all))
}

// A release that keeps its limit exactly, and is exactly as good as stable, is the hardest one not to blame.
func TestFalseRestoresAreAsRareAsPromised(t *testing.T) {
	const runs, looks, confidence = 2000, 40, 0.9
	for name, c := range map[string]struct {
		rule ErrorRule
		next func(c chance, look int) (candidate, stable Counts)
		// before is what stable's baseline is drawn from, 0 for none.
		before int
	}{
		"at the absolute limit": {rule: ErrorRule{MaxRate: portion(0.05)}, next: func(c chance, _ int) (Counts, Counts) {
			return c.failing(10, 0.05), Counts{}
		}},
		"as good as stable": {rule: ErrorRule{VersusStable: true}, next: func(c chance, _ int) (Counts, Counts) {
			return c.failing(5, 0.1), c.failing(15, 0.1)
		}},
		"as good as stable, in steps and with a rate that changes": {rule: ErrorRule{VersusStable: true}, next: func(c chance, look int) (Counts, Counts) {
			p := []float64{0, 0.05, 0.6, 0.2}[look/3%4]
			candidate := []int{1, 5, 10, 18}[look/10]
			return c.failing(candidate, p), c.failing(20-candidate, p)
		}},
		"as good as a short baseline": {rule: ErrorRule{VersusStable: true}, before: 60, next: func(c chance, _ int) (Counts, Counts) {
			return c.failing(10, 0.05), Counts{}
		}},
		"both rules": {rule: ErrorRule{MaxRate: portion(0.05), VersusStable: true}, next: func(c chance, _ int) (Counts, Counts) {
			return c.failing(10, 0.05), c.failing(10, 0.05)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			draw, restored := seeded(7), 0
			for range runs {
				j := judgeOf(t, Config{Confidence: confidence, Errors: &c.rule})
				if c.before > 0 {
					j.Baseline(draw.failing(c.before, 0.05))
				}
				for look := range looks {
					if j.Look(c.next(draw, look)).Decision == Restore {
						restored++
						break
					}
				}
			}
			t.Logf("%d of %d good releases restored", restored, runs)
			if float64(restored) > (1-confidence)*runs {
				t.Errorf("%d of %d good releases restored, want at most %v", restored, runs, (1-confidence)*runs)
			}
		})
	}
}

// Half of the requests bad, ten requests a second, a look a second, all four rules.
func TestAGreatFaultIsFoundWithinAFewLooks(t *testing.T) {
	const runs = 300
	for name, stable := range map[string]int{"beside stable": 90, "alone": 0} {
		t.Run(name, func(t *testing.T) {
			draw, total, most := seeded(11), 0, 0
			for range runs {
				j, looks := judgeOf(t, whole()), 1
				for j.Look(draw.failing(10, 0.5), draw.failing(stable, 0.01)).Decision != Restore && looks < 100 {
					looks++
				}
				total, most = total+looks, max(most, looks)
			}
			mean := float64(total) / runs
			t.Logf("found after %.2f looks in the mean, %d at most", mean, most)
			if mean > 2 || most > 6 {
				t.Errorf("found after %.2f looks in the mean, %d at most, want 2 and 6", mean, most)
			}
		})
	}
}

// A dead database: both sides fail at once, and work again later.
func TestASharedFaultIsNotBlamedOnTheCandidate(t *testing.T) {
	for name, c := range map[string]struct {
		config             Config
		candidate, stable  float64
		before, fault, bad int
		// unseen: the fault is too short for what went before to be outweighed, so the limit is not broken.
		unseen bool
	}{
		"canary":                         {whole(), 5, 95, 100, 30, 100, false},
		"most of the traffic":            {whole(), 75, 25, 100, 30, 100, false},
		"from the first look":            {whole(), 25, 75, 0, 30, 100, false},
		"after a long good time":         {whole(), 50, 50, 2000, 30, 100, true},
		"a fifth of all requests":        {whole(), 50, 50, 100, 60, 20, false},
		"without comparison with stable": {maxRate(0.05), 50, 50, 100, 30, 100, false},
	} {
		t.Run(name, func(t *testing.T) {
			c.config.MinRequests = 100
			j := judgeOf(t, c.config)
			counts := func(percent int) (Counts, Counts) {
				return failing(c.candidate*float64(percent)/100, c.candidate), failing(c.stable*float64(percent)/100, c.stable)
			}
			for range c.before {
				j.Look(counts(0))
			}
			shared := false
			for look := range c.fault {
				v := j.Look(counts(c.bad))
				// A fifth of one look's requests is no proof yet.
				if v.Decision == Restore || v.Decision == Pass && look > 1 {
					t.Fatalf("look %d of the fault: %s: %s", look+1, v.Decision, v.Reason)
				}
				shared = shared || v.Shared
			}
			if shared == c.unseen {
				t.Errorf("shared %v", shared)
			}
			passed := false
			for look := range 300 {
				v := j.Look(counts(0))
				if v.Decision == Restore {
					t.Fatalf("look %d after the fault: %s", look+1, v.Reason)
				}
				passed = passed || v.Decision == Pass
			}
			if !passed {
				t.Error("it never passed after the fault")
			}
		})
	}
}

func TestAfterASharedFaultTheCandidateIsJudgedAnew(t *testing.T) {
	c := maxRate(0.05)
	j := judgeOf(t, c)
	for range 20 {
		if v := j.Look(failing(50, 50), failing(50, 50)); v.Decision != Wait || !v.Shared || !v.Judgements[0].Broken {
			t.Fatalf("%+v", v)
		}
	}
	if v := j.Look(failing(5, 5), failing(0, 50)); v.Decision != Restore || v.Shared {
		t.Errorf("stable works again, the candidate does not: %+v", v)
	}
}

// A fault that a long good time outweighs in sum must not pass for good service.
func TestAFreshFaultDoesNotPassAfterALongGoodTime(t *testing.T) {
	j := judgeOf(t, maxRate(0.05))
	for range 600 {
		if v := j.Look(failing(1, 100), Counts{}); v.Decision != Pass {
			t.Fatalf("%+v", v)
		}
	}
	for look := range 1000 {
		switch v := j.Look(failing(100, 100), Counts{}); v.Decision {
		case Pass:
			t.Fatalf("look %d of an outage: %s", look+1, v.Reason)
		case Restore:
			t.Logf("restored after %d looks of an outage", look+1)
			return
		}
	}
	t.Error("never restored")
}

// Stable over its limit is no excuse for a candidate that is far worse, whether or not a rule compares them.
func TestAnAilingStableDoesNotExcuseAWorseCandidate(t *testing.T) {
	for name, c := range map[string]Config{"compared": whole(), "not compared": maxRate(0.05)} {
		t.Run(name, func(t *testing.T) {
			j := judgeOf(t, c)
			for range 5 {
				if v := j.Look(failing(10, 10), failing(20, 100)); v.Decision == Restore {
					return
				}
			}
			t.Error("not restored within five looks")
		})
	}
}

// What stable did long ago is no excuse either.
func TestAnOldFaultOfStableIsNoExcuse(t *testing.T) {
	for _, limit := range []float64{0, 0.05} {
		j := judgeOf(t, maxRate(limit))
		for range 10 {
			j.Look(Counts{}, failing(100, 100))
		}
		for range 300 {
			j.Look(Counts{}, failing(0, 100))
		}
		if v := j.Look(failing(5, 5), failing(0, 1)); v.Decision != Restore {
			t.Errorf("limit %v: %+v", limit, v)
		}
	}
}
