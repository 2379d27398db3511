package analysis

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func maxRate(x float64) Config { return Config{Confidence: 0.99, Errors: &ErrorRule{MaxRate: &x}} }

func versusStable() Config {
	return Config{Confidence: 0.99, Errors: &ErrorRule{VersusStable: true}}
}

// look is one look of a second with what it must come to.
type look struct {
	candidate, stable Counts
	want              Decision
	reason            string
}

func TestDecisions(t *testing.T) {
	slow := func(bad, all float64) Counts {
		return Counts{Requests: all, Timed: all, Slow: bad, Threshold: 400 * time.Millisecond}
	}
	latency := func(l LatencyRule) Config {
		l.Threshold = 400 * time.Millisecond
		return Config{Confidence: 0.99, Latency: &l}
	}
	enough := func(c Config, n int) Config { c.MinRequests = n; return c }
	margin := func(x float64) Config { c := versusStable(); c.Errors.Margin = x; return c }
	minBad := func(c Config, n int) Config { c.MinBad = n; return c }
	for name, c := range map[string]struct {
		config Config
		// clean requests of stable before the release, 0 for none.
		clean float64
		looks []look
	}{
		"nothing seen": {maxRate(0.05), 0, []look{
			{failing(0, 0), failing(0, 100), Wait, "0 of the 1 requests that a step needs: 0 of 0 requests failed (no requests), allowed 5.0 %; evidence 1 < limit 100"},
		}},
		"one good request": {maxRate(0.05), 0, []look{{failing(0, 1), failing(0, 0), Pass, "0 of 1 requests failed (0.0 %), allowed 5.0 %; evidence 0.637 < limit 100"}}},
		// The evidence of two of two is 111, and two are too few.
		"bad ones one by one": {maxRate(0.05), 1e6, []look{
			{failing(1, 1), failing(0, 0), Wait, "100.0 % of this step failed, above the allowed 5.0 % but too few to be sure: 1 of 1 requests failed (100.0 %), allowed 5.0 %; evidence 7.9 < limit 100"},
			{failing(1, 1), failing(0, 0), Wait, "2 of 2 requests failed (100.0 %), allowed 5.0 %; evidence 111 ≥ limit 100, on 2 bad of the 3 that it takes"},
			{failing(1, 1), failing(0, 0), Restore, "3 of 3 requests failed (100.0 %), allowed 5.0 %; evidence 1896 ≥ limit 100"},
		}},
		"one of a kind is enough": {minBad(maxRate(0.05), 1), 1e6, []look{{failing(2, 2), failing(0, 0), Restore, "evidence 111 ≥ limit 100"}}},
		// A burst counts once in a window of two looks where stable may have some as well.
		"bad ones in bursts": {maxRate(0.05), 0, []look{
			{failing(1, 1), failing(0, 0), Wait, "evidence 3.86 <"}, {failing(1, 1), failing(0, 0), Wait, "2 of 2 requests failed (100.0 %), allowed 5.0 %; evidence 2.45 <"},
			{failing(1, 1), failing(0, 0), Wait, ""}, {failing(1, 1), failing(0, 0), Wait, ""}, {failing(1, 1), failing(0, 0), Wait, ""},
		}},
		"none allowed":     {maxRate(0), 0, []look{{failing(0, 1e6), failing(0, 0), Pass, "allowed 0.0 %"}, {failing(1, 1e6), failing(0, 0), Restore, "1 of 2000000 requests failed (0.00005 %), allowed 0.0 %; evidence ∞ ≥ limit 100"}}},
		"all allowed":      {maxRate(1), 0, []look{{failing(1e6, 1e6), failing(0, 0), Pass, ""}}},
		"at the limit":     {maxRate(0.05), 0, []look{{failing(50, 1000), failing(0, 0), Pass, ""}}},
		"over by chance":   {maxRate(0.05), 0, []look{{failing(6, 100), failing(0, 0), Wait, "6.0 % of this step failed, above the allowed 5.0 %"}}},
		"over for certain": {maxRate(0.05), 1e6, []look{{failing(150, 1000), failing(0, 0), Restore, "150 of 1000 requests failed (15.0 %)"}}},

		"worse than a clean stable": {versusStable(), 1e6, []look{
			{failing(8, 240), failing(0, 2200), Restore, "8 of 240 requests failed (3.3 %), stable 0 of 2200 (0.0 %), before 0 of 1000000 (0.0 %); evidence "},
		}},
		// A burst counts once, three make it. Nothing forbids to go on until then: that takes a margin.
		"worse than stable": {versusStable(), 0, []look{
			{failing(12, 240), failing(0, 2200), Pass, "12 of 240 requests failed (5.0 %), stable 0 of 2200 (0.0 %); evidence 8.78 < limit 100"},
			{failing(0, 240), failing(0, 2200), Pass, ""}, {failing(0, 240), failing(0, 2200), Pass, ""}, {failing(0, 240), failing(0, 2200), Pass, ""},
			{failing(12, 240), failing(0, 2200), Pass, "evidence 87.6 <"},
			{failing(0, 240), failing(0, 2200), Pass, ""}, {failing(0, 240), failing(0, 2200), Pass, ""}, {failing(0, 240), failing(0, 2200), Pass, ""},
			{failing(12, 240), failing(0, 2200), Restore, "36 of 2160 requests failed (1.7 %), stable 0 of 19800 (0.0 %); evidence 886 ≥ limit 100"},
		}},
		"as bad as stable":          {versusStable(), 0, []look{{failing(50, 100), failing(500, 1000), Pass, ""}, {failing(100, 100), failing(1000, 1000), Pass, ""}}},
		"better than stable":        {versusStable(), 0, []look{{failing(0, 100), failing(500, 1000), Pass, ""}}},
		"stable without requests":   {versusStable(), 0, []look{{failing(0, 1000), failing(0, 0), Wait, "stable has had no requests to compare with: 0 of 1000 requests failed (0.0 %), stable 0 of 0 (no requests)"}}},
		"sides one after the other": {versusStable(), 0, []look{{failing(0, 0), failing(0, 1000), Wait, ""}, {failing(1, 100), failing(0, 0), Pass, ""}}},

		"minimum of requests": {enough(maxRate(0.05), 100), 0, []look{
			{failing(0, 99), failing(0, 1000), Wait, "99 of the 100 requests that a step needs"},
			{failing(0, 0), failing(0, 1000), Wait, ""},
			{failing(0, 1), failing(0, 0), Pass, ""},
		}},
		"fault before the minimum": {enough(maxRate(0.05), 100), 1e6, []look{{failing(5, 5), failing(0, 0), Restore, ""}}},

		// The bound is what must be within the margin, not the share that was seen.
		"margin": {margin(0.01), 0, []look{
			{failing(9, 1000), failing(90, 10_000), Wait, "worse than stable, and 1.0 % is the margin (0.9 % of this step failed, stable 0.9 %)"},
			{failing(27, 3000), failing(270, 30_000), Pass, ""},
		}},
		"beyond the margin": {margin(0.01), 0, []look{
			{failing(6, 200), failing(9, 1000), Wait, "and 1.0 % is the margin (3.0 % of this step failed, stable 0.9 %)"},
		}},
		"margin without stable":   {margin(0.01), 0, []look{{failing(5, 100), failing(0, 0), Wait, "stable has had no requests"}}},
		"no margin":               {margin(0), 0, []look{{failing(2, 100), failing(9, 1000), Pass, ""}}},
		"slow beyond the limit":   {latency(LatencyRule{MaxRatio: portion(0.05)}), 1e6, []look{{slow(5, 10), slow(0, 0), Restore, "5 of 10 requests took longer than 400ms (50.0 %), allowed 5.0 %"}}},
		"slower than stable":      {latency(LatencyRule{VersusStable: true}), 1e6, []look{{slow(20, 100), slow(0, 1000), Restore, "20 of 100 requests took longer than 400ms (20.0 %), stable 0 of 1000 (0.0 %)"}}},
		"errors are not slow":     {latency(LatencyRule{MaxRatio: portion(0)}), 0, []look{{Counts{Requests: 10, Errors: 10, Timed: 10}, failing(0, 0), Pass, ""}}},
		"slow ones are no errors": {maxRate(0), 0, []look{{slow(10, 10), failing(0, 0), Pass, ""}}},
		"no rule":                 {Config{Confidence: 0.99}, 0, []look{{failing(0, 0), failing(0, 9), Wait, ""}, {failing(5, 5), failing(0, 0), Pass, "5 requests, and no rule to judge them by"}}},
		"a second rule halves alpha": {func() Config { c := maxRate(0.05); c.Errors.VersusStable = true; return c }(), 1e6, []look{
			{failing(2, 2), failing(0, 20), Wait, "evidence 111 < limit 200"}, {failing(1, 1), failing(0, 10), Restore, "≥ limit 200"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			j := judgeOf(t, c.config)
			if c.clean > 0 {
				j.Baseline(failing(0, c.clean))
			}
			for i, l := range c.looks {
				v := looked(j, l.candidate, l.stable)
				if v.Decision != l.want || !strings.Contains(v.Reason, l.reason) || v.Reason == "" || v.Shared {
					t.Errorf("look %d: %s (shared %v): %s\nwant %s: %s", i+1, v.Decision, v.Shared, v.Reason, l.want, l.reason)
				}
			}
		})
	}
}

func TestJudgementsAreInOrderWithTheirNumbers(t *testing.T) {
	j := judgeOf(t, whole())
	looked(j, Counts{Requests: 10, Errors: 1, Timed: 10, Slow: 2}, Counts{Requests: 90, Errors: 3, Timed: 90, Slow: 4})
	v := looked(j, Counts{Requests: 10, Errors: 1, Timed: 10}, Counts{Requests: 10, Timed: 10})
	errors, slow := sides{Tally{2, 20}, Tally{3, 100}}, sides{Tally{2, 20}, Tally{4, 100}}
	for i, want := range []struct {
		rule string
		sides
	}{{"errors.max_rate", errors}, {"errors.versus_stable", errors}, {"latency.max_ratio", slow}, {"latency.versus_stable", slow}} {
		got := v.Judgements[i]
		if got.Rule != want.rule || got.Candidate != want.candidate || got.Stable != want.stable {
			t.Errorf("judgement %d: %+v, want %s of %+v", i, got, want.rule, want.sides)
		}
		near(t, "limit", got.Limit, 400)
		if got.Broken || got.Evidence <= 0 {
			t.Errorf("judgement %d: %+v", i, got)
		}
		if asked := want.rule == "errors.versus_stable"; asked != (got.Margin == 0.01) || asked != (got.Excess > 0) {
			t.Errorf("judgement %d: excess %v, margin %v", i, got.Excess, got.Margin)
		}
	}
	if len(v.Judgements) != 4 {
		t.Errorf("%d judgements, want 4", len(v.Judgements))
	}
}

func TestStepCountsRequestsAnewAndKeepsTheEvidence(t *testing.T) {
	c := maxRate(0.05)
	c.MinRequests = 10
	j := judgeOf(t, c)
	first := looked(j, failing(1, 10), Counts{})
	if first.Decision != Wait || !strings.Contains(first.Reason, "above the allowed") {
		t.Errorf("%+v", first)
	}
	if v := looked(j, failing(0, 10), Counts{}); v.Decision != Pass {
		t.Errorf("%+v", v)
	}
	j.Step()
	v := looked(j, failing(0, 9), Counts{})
	if v.Decision != Wait || !strings.Contains(v.Reason, "9 of the 10 requests") {
		t.Errorf("after a step: %+v", v)
	}
	if got := v.Judgements[0].Candidate; got != (Tally{1, 29}) {
		t.Errorf("after a step: tally %+v", got)
	}
	if v := looked(j, failing(0, 1), Counts{}); v.Decision != Pass {
		t.Errorf("%+v", v)
	}
	a := newAbsolute(2*second, usualTerms)
	a.add(Tally{1, 10}, second, 0.05, true)
	a.add(Tally{0, 10}, second, 0.05, true)
	a.step()
	a.add(Tally{0, 9}, second, 0.05, true)
	a.add(Tally{0, 1}, second, 0.05, true)
	near(t, "evidence over both steps", j.Look(Look{}).Judgements[0].Evidence, a.value())
}

// Checks that passed stand for requests that did not come, and tell nothing about the rules.
func TestChecksCountAsRequests(t *testing.T) {
	c := whole()
	c.Errors.Margin = 0
	j := judgeOf(t, c)
	if v := looked(j, failing(0, 60), failing(0, 500)); v.Decision != Wait || !v.TooFew {
		t.Fatalf("%+v", v)
	}
	j.Vouch(40)
	v := looked(j, failing(0, 0), failing(0, 0))
	if v.Decision != Pass || v.Judgements[0].Candidate != (Tally{0, 60}) {
		t.Errorf("%+v", v)
	}
	j.Step()
	if v := looked(j, failing(0, 60), failing(0, 500)); v.Decision != Wait {
		t.Errorf("checks of the step before count: %+v", v)
	}
}

func TestCountsThatCannotBeTrueAreLeftOut(t *testing.T) {
	good := Counts{Requests: 1000, Timed: 1000}
	for name, c := range map[string]struct {
		untrue Counts
		reason string
	}{
		"not a number":        {failing(0, math.NaN()), "counted NaN requests"},
		"infinite":            {failing(0, math.Inf(1)), "counted +Inf requests"},
		"beyond all measure":  {failing(0, 1e300), "counted 1e+300 requests"},
		"negative":            {failing(0, -1), "counted -1 requests"},
		"negative errors":     {failing(-1, 10), "counted -1 errors"},
		"NaN errors":          {failing(math.NaN(), 10), "counted NaN errors"},
		"more bad than all":   {failing(11, 10), "counted 11 errors of 10"},
		"more slow than all":  {Counts{Requests: 20, Timed: 10, Slow: 12}, "counted 12 slow requests of 10"},
		"bad without request": {failing(1, 0), "counted 1 errors of 0"},
	} {
		t.Run(name, func(t *testing.T) {
			for side, counts := range map[string][2]Counts{"candidate": {c.untrue, good}, "stable": {good, c.untrue}} {
				j := judgeOf(t, whole())
				if v := looked(j, good, good); v.Decision != Pass {
					t.Fatalf("%+v", v)
				}
				v := looked(j, counts[0], counts[1])
				if v.Decision != Wait || !strings.HasPrefix(v.Reason, "this look is left out because "+side+" "+c.reason) {
					t.Errorf("%s: %s: %s", side, v.Decision, v.Reason)
				}
				if got := v.Judgements[0]; got.Candidate != (Tally{0, 1000}) || got.Stable != (Tally{0, 1000}) {
					t.Errorf("%s: it was counted: %+v", side, got)
				}
				if v := looked(j, good, good); v.Decision != Pass {
					t.Errorf("%s: the look after it: %+v", side, v)
				}
			}
		})
	}
}

func TestInfiniteEvidenceEncodes(t *testing.T) {
	v := looked(judgeOf(t, maxRate(0)), failing(1, 1), Counts{})
	if v.Decision != Restore || v.Judgements[0].Evidence != math.MaxFloat64 {
		t.Errorf("%+v", v)
	}
	if _, err := json.Marshal(v); err != nil {
		t.Error(err)
	}
}

// The order of looks matters only to what is staked on later faults: what is known of a fault from the beginning is the same.
func TestMoreBadOnesAreMoreEvidence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := maxRate(rapid.Float64Range(0.001, 0.5).Draw(t, "limit"))
		c.Errors.VersusStable = true
		earlier, stable := drawCounts(t, "earlier"), drawCounts(t, "stable")
		clean := rapid.Bool().Draw(t, "clean")
		if clean {
			earlier.Errors, stable.Errors = 0, 0
		}
		all := rapid.IntRange(1, 50).Draw(t, "requests")
		bad := rapid.IntRange(0, all-1).Draw(t, "bad")
		judged := func(bad int, stable Counts) []Judgement {
			j := judgeOf(t, c)
			if clean {
				j.Baseline(failing(0, 1e6))
			}
			looked(j, earlier, stable)
			return looked(j, failing(float64(bad), float64(all)), stable).Judgements
		}
		less, more := judged(bad, stable), judged(bad+1, stable)
		for i := range less {
			if more[i].Evidence < less[i].Evidence*(1-1e-9) {
				t.Errorf("%s: one more bad one of the candidate took evidence from %v to %v", less[i].Rule, less[i].Evidence, more[i].Evidence)
			}
		}
		if clean && more[0].Evidence <= less[0].Evidence && more[0].Evidence > 0 && less[0].Evidence < math.MaxFloat64 {
			t.Errorf("%s: one more bad one left evidence at %v", less[0].Rule, less[0].Evidence)
		}
		if stable.Errors < stable.Requests {
			worse := stable
			worse.Errors++
			if now := judged(bad, worse)[1].Evidence; now > less[1].Evidence*(1+1e-9) {
				t.Errorf("one more bad one of stable took evidence from %v to %v", less[1].Evidence, now)
			}
		}
	})
}

func drawCounts(t *rapid.T, side string) Counts {
	all := rapid.IntRange(0, 50).Draw(t, side+"'s requests")
	return Counts{
		Requests: float64(all), Timed: float64(all),
		Errors: float64(rapid.IntRange(0, all).Draw(t, side+"'s errors")),
		Slow:   float64(rapid.IntRange(0, all).Draw(t, side+"'s slow ones")),
	}
}
