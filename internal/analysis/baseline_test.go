package analysis

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestWithoutStableNothingPassesAsAComparison(t *testing.T) {
	c := versusStable()
	c.Errors.Margin = 0.01
	j := judgeOf(t, c)
	for range 5 {
		if v := j.Look(failing(60, 100), Counts{}); v.Decision != Wait || !strings.Contains(v.Reason, "stable has had no requests to compare with") {
			t.Errorf("%s: %s", v.Decision, v.Reason)
		}
	}
}

// At 100 % stable has no traffic. What it did at the steps before is what it is known by.
func TestStableOfEarlierStepsIsCompared(t *testing.T) {
	c := versusStable()
	c.Errors.Margin = 0.01
	j := judgeOf(t, c)
	if v := j.Look(failing(0, 100), failing(1, 1000)); v.Decision != Pass {
		t.Fatalf("%+v", v)
	}
	j.Step()
	if v := j.Look(failing(3, 100), Counts{}); v.Decision != Wait || !strings.Contains(v.Reason, "3.0 % of this step failed, more than 1.0 % above stable's 0.1 %") {
		t.Errorf("%s: %s", v.Decision, v.Reason)
	}
	if v := j.Look(failing(0, 900), Counts{}); v.Decision != Pass {
		t.Errorf("%s: %s", v.Decision, v.Reason)
	}
}

func TestBaselineStandsForStable(t *testing.T) {
	c := whole()
	c.Errors.MaxRate, c.Latency.MaxRatio, c.MinRequests = nil, nil, 0
	c.Errors.Margin = 0.01
	at := func(errors, slow, all float64) Counts {
		return Counts{Requests: all, Timed: all, Errors: errors, Slow: slow, Threshold: 500 * time.Millisecond}
	}
	for name, l := range map[string]struct {
		baseline, candidate Counts
		want                Decision
		reason              string
	}{
		"as good":         {at(10, 20, 1000), at(1, 2, 100), Pass, "1 of 100 requests failed (1.0 %), stable 0 of 0 (no requests), before 10 of 1000 (1.0 %)"},
		"errors":          {at(10, 20, 1000), at(60, 2, 100), Restore, "60 of 100 requests failed (60.0 %), stable 0 of 0 (no requests), before 10 of 1000 (1.0 %)"},
		"slow":            {at(10, 20, 1000), at(1, 60, 100), Restore, "60 of 100 requests took longer than 500ms (the bound that the source has for 400ms)"},
		"over the margin": {at(10, 20, 1000), at(3, 2, 100), Wait, "more than 1.0 % above stable's 1.0 %"},
		"a small one":     {at(0, 0, 1), at(1, 0, 2), Wait, "50.0 % of this step failed, more than 1.0 % above stable's 0.0 %"},
		"none":            {Counts{}, at(0, 0, 100), Wait, "stable has had no requests"},
		"cannot be true":  {failing(5, 1), at(0, 0, 100), Wait, "stable has had no requests"},
	} {
		j := judgeOf(t, c)
		j.Baseline(l.baseline)
		if v := j.Look(l.candidate, Counts{}); v.Decision != l.want || !strings.Contains(v.Reason, l.reason) {
			t.Errorf("%s: %s: %s\nwant %s: %s", name, v.Decision, v.Reason, l.want, l.reason)
		}
	}
}

func TestAloneComparesWithNobody(t *testing.T) {
	c := whole()
	for name, alone := range map[string]Config{"limits too": c.Alone(), "nothing else": versusStable().Alone()} {
		alone.MinRequests = 1
		v := judgeOf(t, alone).Look(failing(0, 100), Counts{})
		if v.Decision != Pass || strings.Contains(v.Reason, "stable") {
			t.Errorf("%s: %s: %s", name, v.Decision, v.Reason)
		}
	}
	if !c.Errors.VersusStable || !c.Latency.VersusStable {
		t.Error("the config itself was changed")
	}
}

// Requests are counted at their begin and timed at their end. One that takes longer than an interval is no untrue count,
// and is judged.
func TestSlowOnesAreComparedWithTimedOnes(t *testing.T) {
	ratio := 0.05
	j := judgeOf(t, Config{Confidence: 0.99, Latency: &LatencyRule{Threshold: 400 * time.Millisecond, MaxRatio: &ratio}})
	var v Verdict
	for i := range 60 {
		c := Counts{Threshold: 400 * time.Millisecond}
		switch i % 3 {
		case 0:
			c.Requests = 1
		case 2:
			c.Timed, c.Slow = 1, 1
		}
		v = j.Look(c, Counts{})
		if i == 0 && (v.Decision != Wait || !strings.Contains(v.Reason, "no request of this step was timed")) {
			t.Errorf("%s: %s", v.Decision, v.Reason)
		}
	}
	if v.Decision != Restore || v.Judgements[0].Candidate != (Tally{20, 20}) {
		t.Errorf("%s: %s", v.Decision, v.Reason)
	}
}

func TestUpperBound(t *testing.T) {
	for _, c := range []struct {
		tally      Tally
		risk, want float64
	}{
		{Tally{0, 100}, 0.01, 1 - math.Pow(0.01, 0.01)}, {Tally{10, 10}, 0.01, 1}, {Tally{50, 100}, 1, 0.5}, {Tally{0, 1}, 1e-6, 1 - 1e-6},
	} {
		if got := upperBound(c.tally, c.risk); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("of %+v with a risk of %v: %v, want %v", c.tally, c.risk, got, c.want)
		}
	}
}
