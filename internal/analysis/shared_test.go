package analysis

import (
	"fmt"
	"strings"
	"testing"
)

// outage is a fault that both sides suffer, of a part bad of all requests in the looks from begin to end. The candidate's lasts lag looks
// longer, as where it is asked last.
type outage struct {
	begin, end, lag int
	bad             float64
}

// release is one of many looks of a second in which both sides fail alike.
type release struct {
	config       Config
	rate, weight float64
	// usual is the share of bad ones outside of the outages.
	usual   float64
	looks   int
	outages []outage
}

// of gives the verdicts of a release, until one restores.
func (r release) of(t *testing.T, draw chance, each func(look int, v Verdict)) (restored bool) {
	t.Helper()
	j := judgeOf(t, r.config)
	s := &stream{chance: draw, rate: r.rate, weight: r.weight, every: second}
	for look := range r.looks {
		ours, theirs := r.usual, r.usual
		for _, o := range r.outages {
			if look >= o.begin && look < o.end {
				theirs = o.bad
			}
			if look >= o.begin && look < o.end+o.lag {
				ours = o.bad
			}
		}
		c, st := s.requests()
		v := looked(j, s.failing(c, ours), s.failing(st, theirs))
		each(look, v)
		if v.Decision == Restore {
			return true
		}
	}
	return false
}

// Outages of many kinds blame a good release no more often than chance does anyway.
func TestSharedFaultsRestoreAsSeldomAsPromised(t *testing.T) {
	const confidence, runs = 0.9, 5
	for name, outages := range map[string][]outage{
		"one":                {{60, 75, 0, 1}},
		"three":              {{60, 75, 0, 1}, {100, 110, 0, 1}, {150, 155, 0, 1}},
		"long":               {{40, 300, 0, 1}},
		"from the beginning": {{0, 20, 0, 1}},
		"a third":            {{60, 90, 0, 0.3}},
		"long, half":         {{40, 300, 0, 0.6}},
		"long, a fifth":      {{40, 300, 0, 0.2}},
		"one, later":         {{60, 75, 1, 1}},
		"three, later":       {{60, 75, 1, 1}, {100, 110, 1, 1}, {150, 155, 1, 1}},
		"long, later":        {{40, 300, 1, 1}},
		"long, half, later":  {{40, 300, 1, 0.6}},
		"long, fifth, later": {{40, 300, 1, 0.2}},
		"short ones, later":  {{60, 62, 1, 1}, {90, 92, 1, 1}, {120, 122, 1, 1}, {150, 152, 1, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for kind, rule := range map[string]ErrorRule{"versus": {VersusStable: true}, "both": {VersusStable: true, MaxRate: portion(0.05)}, "limit": {MaxRate: portion(0.05)}} {
				all, restored, why := 0, 0, ""
				draw := seeded(3)
				for _, weight := range []float64{0.05, 0.25, 0.5, 0.75, 0.9} {
					for _, rate := range []float64{10, 100} {
						r := release{
							config: Config{Confidence: confidence, Errors: &rule, MinBad: 1}, rate: rate, weight: weight, usual: 0.002,
							looks: 200, outages: outages,
						}
						if outages[0].end > 200 {
							r.looks = 340
						}
						for range runs {
							if all++; r.of(t, draw, func(look int, v Verdict) { why = fmt.Sprintf("look %d at %v of %v: %s", look, weight, rate, v.Reason) }) {
								restored++
								t.Logf("%s: %s", kind, why)
							}
						}
					}
				}
				if float64(restored) > (1-confidence)*float64(all) {
					t.Errorf("%s: %d of %d good releases restored", kind, restored, all)
				}
			}
		})
	}
}

// A dead database: both sides fail at once, and work again later. It is told as what it is, nothing passes meanwhile, and after it the release
// goes on.
func TestASharedFaultIsNotBlamedOnTheCandidate(t *testing.T) {
	versus := versusStable()
	for name, c := range map[string]struct {
		config             Config
		candidate, stable  float64
		before, fault, bad int
		// untold: versus stable alone the fault is what was always so.
		untold bool
	}{
		"canary":                               {whole(), 5, 95, 100, 30, 100, false},
		"most of the traffic":                  {whole(), 75, 25, 100, 30, 100, false},
		"from the first look":                  {whole(), 25, 75, 0, 30, 100, false},
		"after a long good time":               {whole(), 50, 50, 2000, 30, 100, false},
		"a fifth of all requests":              {whole(), 50, 50, 100, 60, 20, false},
		"without comparison with stable":       {maxRate(0.05), 50, 50, 100, 30, 100, false},
		"without a limit":                      {versus, 50, 50, 100, 30, 100, false},
		"without a limit, from the first look": {versus, 50, 50, 0, 30, 100, true},
	} {
		t.Run(name, func(t *testing.T) {
			c.config.MinRequests = 100
			j := judgeOf(t, c.config)
			counts := func(percent int) (Counts, Counts) {
				return failing(c.candidate*float64(percent)/100, c.candidate), failing(c.stable*float64(percent)/100, c.stable)
			}
			at := func(percent int) Verdict {
				ours, theirs := counts(percent)
				return looked(j, ours, theirs)
			}
			for range c.before {
				at(0)
			}
			shared := 0
			for look := range c.fault {
				v := at(c.bad)
				// A fifth of one look's requests is no proof yet.
				if v.Decision == Restore || v.Decision == Pass && look > 1 && !c.untold {
					t.Fatalf("look %d of the fault: %s: %s", look+1, v.Decision, v.Reason)
				}
				if v.Shared {
					shared++
					if !strings.Contains(v.Reason, "stable suffers the same, so the release is not blamed: ") {
						t.Fatalf("%+v", v)
					}
				}
			}
			if few := shared < c.fault/2; few != c.untold {
				t.Errorf("it was told as shared in %d looks of %d", shared, c.fault)
			}
			passed := false
			for look := range 1000 {
				v := at(0)
				if v.Decision == Restore {
					t.Fatalf("look %d after the fault: %s", look+1, v.Reason)
				}
				if v.Decision == Pass && !passed {
					passed = true
					t.Logf("passed in look %d after the fault", look+1)
				}
			}
			if !passed {
				t.Error("it never passed after the fault")
			}
		})
	}
}

// The candidate has most of the requests, so its evidence is first: a break is not held against it while stable has too few to tell.
func TestABreakIsEarlyWhileStableMaySufferToo(t *testing.T) {
	j := judgeOf(t, maxRate(0.05))
	for range 20 {
		v := looked(j, failing(10, 20), failing(1, 5))
		if v.Decision != Wait || v.Shared {
			t.Fatalf("%s (shared %v): %s", v.Decision, v.Shared, v.Reason)
		}
		if !v.Judgements[0].Broken {
			continue
		}
		if v.TooFew || !strings.Contains(v.Reason, "stable may suffer the same, which a few more requests will tell") {
			t.Errorf("%+v", v)
		}
		if v := looked(j, failing(0, 0), failing(0, 80)); v.Decision != Restore {
			t.Errorf("stable works: %+v", v)
		}
		return
	}
	t.Error("the limit was never broken")
}

func TestAfterASharedFaultTheCandidateIsJudgedAnew(t *testing.T) {
	j := judgeOf(t, maxRate(0.05))
	for range 20 {
		if v := looked(j, failing(50, 50), failing(50, 50)); v.Decision == Restore || v.Decision == Pass {
			t.Fatalf("%+v", v)
		}
	}
	// What was seen until then no longer counts, for nor against.
	if got := looked(j, Counts{}, Counts{}).Judgements[0].Evidence; got != 1 {
		t.Errorf("evidence %v, want 1", got)
	}
	for look := range 10 {
		if v := looked(j, failing(5, 5), failing(0, 50)); v.Decision == Restore {
			t.Logf("restored in look %d", look+1)
			return
		}
	}
	t.Error("stable works again, the candidate does not, and it is not restored")
}

// Stable over its limit is no excuse for a candidate that is far worse, whether or not a rule compares them.
func TestAnAilingStableDoesNotExcuseAWorseCandidate(t *testing.T) {
	for name, c := range map[string]Config{"compared": whole(), "not compared": maxRate(0.05)} {
		t.Run(name, func(t *testing.T) {
			j := judgeOf(t, c)
			for look := range 200 {
				if v := looked(j, failing(10, 10), failing(20, 100)); v.Decision == Restore {
					t.Logf("restored in look %d", look+1)
					return
				}
			}
			t.Error("not restored")
		})
	}
}

// What stable did long ago is no excuse either.
func TestAnOldFaultOfStableIsNoExcuse(t *testing.T) {
	for _, limit := range []float64{0, 0.05} {
		j := judgeOf(t, maxRate(limit))
		for range 10 {
			looked(j, Counts{}, failing(100, 100))
		}
		for range 300 {
			looked(j, Counts{}, failing(0, 100))
		}
		var v Verdict
		for look := range 10 {
			if v = looked(j, failing(5, 5), failing(0, 1)); v.Decision == Restore {
				t.Logf("limit %v: restored in look %d", limit, look+1)
				break
			}
		}
		if v.Decision != Restore {
			t.Errorf("limit %v: %+v", limit, v)
		}
	}
}
