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
		if v := looked(j, failing(60, 100), Counts{}); v.Decision != Wait || !strings.Contains(v.Reason, "stable has had no requests to compare with") {
			t.Errorf("%s: %s", v.Decision, v.Reason)
		}
	}
}

// At 100 % stable has no traffic. What it did at the steps before is what it is known by.
func TestStableOfEarlierStepsIsCompared(t *testing.T) {
	c := versusStable()
	c.Errors.Margin = 0.01
	j := judgeOf(t, c)
	if v := looked(j, failing(0, 1000), failing(1, 10_000)); v.Decision != Pass {
		t.Fatalf("%+v", v)
	}
	j.Step()
	if v := looked(j, failing(3, 100), Counts{}); v.Decision != Wait || !strings.Contains(v.Reason, "1.0 % is the margin (3.0 % of this step failed, stable 0.01 %)") {
		t.Errorf("%s: %s", v.Decision, v.Reason)
	}
	if v := looked(j, failing(0, 3900), Counts{}); v.Decision != Pass {
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
	// Four windows of three looks, since stable may fail in bursts.
	for name, l := range map[string]struct {
		baseline, candidate Counts
		want                Decision
		reason              string
	}{
		"as good":         {at(100, 200, 10_000), at(10, 20, 1000), Pass, "120 of 12000 requests failed (1.0 %), stable 0 of 0 (no requests), before 100 of 10000 (1.0 %)"},
		"errors":          {at(10, 20, 1000), at(60, 2, 100), Restore, " requests failed (60.0 %), stable 0 of 0 (no requests), before 10 of 1000 (1.0 %)"},
		"slow":            {at(10, 20, 1000), at(1, 60, 100), Restore, "requests took longer than 500ms (the bound that the source has for 400ms) (60.0 %)"},
		"over the margin": {at(10, 20, 1000), at(2, 2, 100), Wait, "1.0 % is the margin (2.0 % of this step failed, stable 1.0 %)"},
		"a small one":     {at(0, 0, 1), at(0, 0, 2), Wait, "1.0 % is the margin (0.0 % of this step failed, stable 0.0 %)"},
		"none":            {Counts{}, at(0, 0, 100), Wait, "stable has had no requests"},
		"cannot be true":  {failing(5, 1), at(0, 0, 100), Wait, "stable has had no requests"},
	} {
		j := judgeOf(t, c)
		j.Baseline(l.baseline)
		var v Verdict
		for range 12 {
			v = looked(j, l.candidate, Counts{})
		}
		if v.Decision != l.want || !strings.Contains(v.Reason, l.reason) {
			t.Errorf("%s: %s: %s\nwant %s: %s", name, v.Decision, v.Reason, l.want, l.reason)
		}
	}
}

// A clean baseline tells that stable does not fail in bursts: a fault is found at once.
func TestACleanBaselineMakesBadOnesCountOneByOne(t *testing.T) {
	for name, c := range map[string]struct {
		baseline Counts
		want     Decision
	}{
		"clean": {failing(0, 5000), Restore}, "too short": {failing(0, 300), Pass}, "dirty": {failing(1, 1e6), Pass}, "none": {Counts{}, Pass},
	} {
		j := judgeOf(t, versusStable())
		j.Baseline(c.baseline)
		if v := looked(j, failing(5, 10), failing(0, 90)); v.Decision != c.want {
			t.Errorf("%s: %s: %s", name, v.Decision, v.Reason)
		}
	}
}

func TestAloneComparesWithNobody(t *testing.T) {
	c := whole()
	for name, alone := range map[string]Config{"limits too": c.Alone(), "nothing else": versusStable().Alone()} {
		alone.MinRequests = 1
		v := looked(judgeOf(t, alone), failing(0, 100), Counts{})
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
		v = looked(j, c, Counts{})
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

// Stable's record lets expect nine bad answers by now, and it has had none: its errors come in clumps, and the candidate may have had the first of them.
func TestWhereStableLacksItsUsualErrorsTheCandidateMayHaveThem(t *testing.T) {
	after := func(before Counts) float64 {
		j := judgeOf(t, versusStable())
		j.Baseline(before)
		var v Verdict
		for range 10 {
			v = looked(j, failing(1, 10), failing(0, 90))
		}
		return v.Judgements[0].Evidence
	}
	usual, rare := after(failing(10_000, 1e6)), after(failing(100, 1e6))
	if usual*10 > rare {
		t.Errorf("evidence %v where stable lacks nine bad answers, and %v where it lacks none", usual, rare)
	}
}
