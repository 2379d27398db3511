package analysis

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func judgeOf(t interface {
	Helper()
	Fatal(...any)
}, c Config) Judge {
	t.Helper()
	j, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// failing counts bad errors of all requests.
func failing(bad, all float64) Counts { return Counts{Requests: all, Errors: bad, Timed: all} }

func maxRate(x float64) Config { return Config{Confidence: 0.99, Errors: &ErrorRule{MaxRate: &x}} }

func versusStable() Config {
	return Config{Confidence: 0.99, Errors: &ErrorRule{VersusStable: true}}
}

// look is one look with what it must come to.
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
	for name, c := range map[string]struct {
		config Config
		looks  []look
	}{
		"nothing seen": {maxRate(0.05), []look{
			{failing(0, 0), failing(0, 100), Wait, "0 of the 1 requests that a step needs: 0 of 0 requests failed (no requests), allowed 5.0 %; evidence 1 < limit 100"},
		}},
		"one good request": {maxRate(0.05), []look{{failing(0, 1), failing(0, 0), Pass, "0 of 1 requests failed (0.0 %), allowed 5.0 %; evidence 0.65 < limit 100"}}},
		// The evidence of two of two is 106.5; that of one of one, 7.7, is no proof.
		"two of two": {maxRate(0.05), []look{
			{failing(1, 1), failing(0, 0), Wait, "100.0 % of this step failed, above the allowed 5.0 % but too few to be sure: 1 of 1 requests failed (100.0 %), allowed 5.0 %; evidence 7.66 < limit 100"},
			{failing(1, 1), failing(0, 0), Restore, "2 of 2 requests failed (100.0 %), allowed 5.0 %; evidence 107 ≥ limit 100"},
		}},
		"none allowed":     {maxRate(0), []look{{failing(0, 1e6), failing(0, 0), Pass, "allowed 0.0 %"}, {failing(1, 1e6), failing(0, 0), Restore, "1 of 2000000 requests failed (0.00005 %), allowed 0.0 %; evidence ∞ ≥ limit 100"}}},
		"all allowed":      {maxRate(1), []look{{failing(1e6, 1e6), failing(0, 0), Pass, ""}}},
		"at the limit":     {maxRate(0.05), []look{{failing(50, 1000), failing(0, 0), Pass, ""}}},
		"over by chance":   {maxRate(0.05), []look{{failing(6, 100), failing(0, 0), Wait, "6.0 % of this step failed, above the allowed 5.0 %"}}},
		"over for certain": {maxRate(0.05), []look{{failing(150, 1000), failing(0, 0), Restore, "150 of 1000 requests failed (15.0 %)"}}},

		"worse than stable": {versusStable(), []look{
			{failing(12, 240), failing(3, 2200), Restore, "12 of 240 requests failed (5.0 %), stable 3 of 2200 (0.1 %); evidence "},
		}},
		"as bad as stable":          {versusStable(), []look{{failing(50, 100), failing(500, 1000), Pass, ""}, {failing(100, 100), failing(1000, 1000), Pass, ""}}},
		"better than stable":        {versusStable(), []look{{failing(0, 100), failing(500, 1000), Pass, ""}}},
		"stable without requests":   {versusStable(), []look{{failing(0, 1000), failing(0, 0), Wait, "stable has had no requests to compare with: 0 of 1000 requests failed (0.0 %), stable 0 of 0 (no requests)"}}},
		"sides one after the other": {versusStable(), []look{{failing(0, 0), failing(0, 1000), Wait, ""}, {failing(100, 100), failing(0, 0), Pass, ""}}},

		"minimum of requests": {enough(maxRate(0.05), 100), []look{
			{failing(0, 99), failing(0, 1000), Wait, "99 of the 100 requests that a step needs"},
			{failing(0, 0), failing(0, 1000), Wait, ""},
			{failing(0, 1), failing(0, 0), Pass, ""},
		}},
		"fault before the minimum": {enough(maxRate(0.05), 100), []look{{failing(5, 5), failing(0, 0), Restore, ""}}},

		"margin": {margin(0.01), []look{
			{failing(2, 100), failing(9, 1000), Wait, "2.0 % of this step failed, more than 1.0 % above stable's 0.9 %"},
			{failing(0, 100), failing(9, 1000), Pass, ""},
		}},
		"margin without stable":   {margin(0.01), []look{{failing(5, 100), failing(0, 0), Wait, "stable has had no requests"}}},
		"no margin":               {margin(0), []look{{failing(2, 100), failing(9, 1000), Pass, ""}}},
		"slow beyond the limit":   {latency(LatencyRule{MaxRatio: portion(0.05)}), []look{{slow(5, 10), slow(0, 0), Restore, "5 of 10 requests took longer than 400ms (50.0 %), allowed 5.0 %"}}},
		"slower than stable":      {latency(LatencyRule{VersusStable: true}), []look{{slow(20, 100), slow(10, 1000), Restore, "20 of 100 requests took longer than 400ms (20.0 %), stable 10 of 1000 (1.0 %)"}}},
		"errors are not slow":     {latency(LatencyRule{MaxRatio: portion(0)}), []look{{Counts{Requests: 10, Errors: 10, Timed: 10}, failing(0, 0), Pass, ""}}},
		"slow ones are no errors": {maxRate(0), []look{{slow(10, 10), failing(0, 0), Pass, ""}}},
		"no rule":                 {Config{Confidence: 0.99}, []look{{failing(0, 0), failing(0, 9), Wait, ""}, {failing(5, 5), failing(0, 0), Pass, "5 requests, and no rule to judge them by"}}},
		"a second rule halves alpha": {func() Config { c := maxRate(0.05); c.Errors.VersusStable = true; return c }(), []look{
			{failing(2, 2), failing(0, 0), Wait, "evidence 107 < limit 200"}, {failing(1, 1), failing(0, 0), Restore, "≥ limit 200"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			j := judgeOf(t, c.config)
			for i, l := range c.looks {
				v := j.Look(l.candidate, l.stable)
				if v.Decision != l.want || !strings.Contains(v.Reason, l.reason) || v.Reason == "" || v.Shared {
					t.Errorf("look %d: %s (shared %v): %s\nwant %s: %s", i+1, v.Decision, v.Shared, v.Reason, l.want, l.reason)
				}
			}
		})
	}
}

func TestJudgementsAreInOrderWithTheirNumbers(t *testing.T) {
	j := judgeOf(t, whole())
	j.Look(Counts{Requests: 10, Errors: 1, Timed: 10, Slow: 2}, Counts{Requests: 90, Errors: 3, Timed: 90, Slow: 4})
	v := j.Look(Counts{Requests: 10, Errors: 1, Timed: 10}, Counts{Requests: 10, Timed: 10})
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
	}
	if len(v.Judgements) != 4 {
		t.Errorf("%d judgements, want 4", len(v.Judgements))
	}
}

func TestStepCountsRequestsAnewAndKeepsTheEvidence(t *testing.T) {
	c := maxRate(0.05)
	c.MinRequests = 10
	j := judgeOf(t, c)
	first := j.Look(failing(1, 10), Counts{})
	if first.Decision != Wait || !strings.Contains(first.Reason, "above the allowed") {
		t.Errorf("%+v", first)
	}
	if v := j.Look(failing(0, 10), Counts{}); v.Decision != Pass {
		t.Errorf("%+v", v)
	}
	j.Step()
	v := j.Look(failing(0, 9), Counts{})
	if v.Decision != Wait || !strings.Contains(v.Reason, "9 of the 10 requests") {
		t.Errorf("after a step: %+v", v)
	}
	if got := v.Judgements[0].Candidate; got != (Tally{1, 29}) {
		t.Errorf("after a step: tally %+v", got)
	}
	if v := j.Look(failing(0, 1), Counts{}); v.Decision != Pass {
		t.Errorf("%+v", v)
	}
	var m mixture
	m.add(1, 30, 0.05)
	near(t, "evidence over both steps", j.Look(Counts{}, Counts{}).Judgements[0].Evidence, m.value())
}

func TestCountsThatCannotBeTrueAreLeftOut(t *testing.T) {
	good := Counts{Requests: 100, Timed: 100}
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
				if v := j.Look(good, good); v.Decision != Pass {
					t.Fatalf("%+v", v)
				}
				v := j.Look(counts[0], counts[1])
				if v.Decision != Wait || !strings.HasPrefix(v.Reason, "this look is left out because "+side+" "+c.reason) {
					t.Errorf("%s: %s: %s", side, v.Decision, v.Reason)
				}
				if got := v.Judgements[0]; got.Candidate != (Tally{0, 100}) || got.Stable != (Tally{0, 100}) {
					t.Errorf("%s: it was counted: %+v", side, got)
				}
				if v := j.Look(good, good); v.Decision != Pass {
					t.Errorf("%s: the look after it: %+v", side, v)
				}
			}
		})
	}
}

func TestInfiniteEvidenceEncodes(t *testing.T) {
	v := judgeOf(t, maxRate(0)).Look(failing(1, 1), Counts{})
	if v.Decision != Restore || v.Judgements[0].Evidence != math.MaxFloat64 {
		t.Errorf("%+v", v)
	}
	if _, err := json.Marshal(v); err != nil {
		t.Error(err)
	}
}

func TestNothingPassesOnZeroMeasurements(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := draw(t)
		c.MinRequests = rapid.IntRange(0, 2).Draw(t, "minimum")
		j := judgeOf(t, c)
		for range rapid.IntRange(1, 10).Draw(t, "looks") {
			if rapid.Bool().Draw(t, "step") {
				j.Look(failing(0, 100), failing(0, 100))
				j.Step()
			}
			if v := j.Look(Counts{}, drawCounts(t, "stable")); v.Decision != Wait {
				t.Fatalf("%s: %s", v.Decision, v.Reason)
			}
		}
	})
}

func TestTheOrderOfLooksIsIrrelevantForAnAbsoluteLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.Float64Range(0.001, 1).Draw(t, "limit")
		looks := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Counts { return drawCounts(t, "candidate") }), 1, 10).Draw(t, "looks")
		var sum Counts
		forth, shuffled, at := judgeOf(t, maxRate(limit)), judgeOf(t, maxRate(limit)), judgeOf(t, maxRate(limit))
		var a, b Verdict
		for _, l := range looks {
			a = forth.Look(l, Counts{})
			sum = sum.Add(l)
		}
		for _, l := range rapid.Permutation(looks).Draw(t, "order") {
			b = shuffled.Look(l, Counts{})
		}
		once := at.Look(sum, Counts{})
		for _, v := range []Verdict{b, once} {
			x, y := a.Judgements[0].Evidence, v.Judgements[0].Evidence
			if math.Abs(math.Log(x)-math.Log(y)) > 1e-6 {
				t.Fatalf("evidence %v and %v of the same looks", x, y)
			}
		}
	})
}

func TestMoreBadOnesAreMoreEvidence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := maxRate(rapid.Float64Range(0.001, 0.999).Draw(t, "limit"))
		c.Errors.VersusStable = true
		earlier, stable := drawCounts(t, "earlier"), drawCounts(t, "stable")
		all := rapid.IntRange(1, 50).Draw(t, "requests")
		bad := rapid.IntRange(0, all-1).Draw(t, "bad")
		judged := func(bad int, stable Counts) []Judgement {
			j := judgeOf(t, c)
			j.Look(earlier, stable)
			return j.Look(failing(float64(bad), float64(all)), stable).Judgements
		}
		less, more := judged(bad, stable), judged(bad+1, stable)
		for i := range less {
			if more[i].Evidence < less[i].Evidence*(1-1e-9) {
				t.Errorf("%s: one more bad one of the candidate took evidence from %v to %v", less[i].Rule, less[i].Evidence, more[i].Evidence)
			}
		}
		if more[0].Evidence <= less[0].Evidence && more[0].Evidence > 0 && less[0].Evidence < math.MaxFloat64 {
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

func draw(t *rapid.T) Config {
	c := Config{Confidence: rapid.Float64Range(0.5, 0.999).Draw(t, "confidence")}
	share := rapid.Float64Range(0, 1)
	if rapid.Bool().Draw(t, "errors") {
		c.Errors = &ErrorRule{VersusStable: true, Margin: share.Draw(t, "margin")}
		if rapid.Bool().Draw(t, "errors limited") {
			c.Errors.MaxRate = portion(share.Draw(t, "max_rate"))
		}
	}
	if rapid.Bool().Draw(t, "latency") {
		c.Latency = &LatencyRule{Threshold: time.Second, MaxRatio: portion(share.Draw(t, "max_ratio")), VersusStable: rapid.Bool().Draw(t, "compared")}
	}
	return c
}

func drawCounts(t *rapid.T, side string) Counts {
	all := rapid.IntRange(0, 50).Draw(t, side+"'s requests")
	return Counts{
		Requests: float64(all), Timed: float64(all),
		Errors: float64(rapid.IntRange(0, all).Draw(t, side+"'s errors")),
		Slow:   float64(rapid.IntRange(0, all).Draw(t, side+"'s slow ones")),
	}
}
