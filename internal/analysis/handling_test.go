package analysis

import (
	"strings"
	"testing"
)

// handled is a limit of 5 % with a handling, and stable known to be clean.
func handled(t *testing.T, h Handling) Judge {
	t.Helper()
	c := maxRate(0.05)
	c.Errors.Handling = h
	j := judgeOf(t, c)
	j.Baseline(failing(0, 1e6))
	return j
}

func TestDryRunDecidesNothing(t *testing.T) {
	j := handled(t, Handling{DryRun: true})
	for range 10 {
		v := looked(j, failing(50, 100), failing(0, 100))
		if v.Decision != Pass || !strings.HasSuffix(v.Reason, "(dry run)") {
			t.Fatalf("%+v", v)
		}
		if judged := v.Judgements[0]; !judged.Broken || !judged.DryRun {
			t.Fatalf("%+v", judged)
		}
	}
	// A shared fault that only a dry run sees is none.
	for range 10 {
		if v := looked(j, failing(100, 100), failing(100, 100)); v.Shared || v.Decision != Pass {
			t.Fatalf("%+v", v)
		}
	}
}

func TestDryRunBesideARule(t *testing.T) {
	c := whole()
	c.Errors.Margin, c.Latency.DryRun = 0, true
	j := judgeOf(t, c)
	j.Baseline(failing(0, 1e6))
	slow := Counts{Requests: 1000, Timed: 1000, Slow: 900}
	if v := looked(j, slow, failing(0, 1000)); v.Decision != Pass || !v.Judgements[2].Broken {
		t.Errorf("%+v", v)
	}
	if v := looked(j, failing(500, 1000), failing(0, 1000)); v.Decision != Restore {
		t.Errorf("%+v", v)
	}
}

func TestUncriticalOnlyKeepsAStepFromEnding(t *testing.T) {
	j := handled(t, Handling{Uncritical: true})
	for range 3 {
		v := looked(j, failing(50, 100), failing(0, 100))
		if v.Decision != Wait || v.TooFew || !strings.Contains(v.Reason, "errors.max_rate is broken, and not critical") {
			t.Fatalf("%+v", v)
		}
	}
	// It stays broken by what it has: the evidence of a release does not end with a step.
	j.Step()
	if v := looked(j, failing(0, 100), failing(0, 100)); v.Decision != Wait {
		t.Errorf("%+v", v)
	}
}

func TestFailureLimits(t *testing.T) {
	over, within, none := failing(6, 100), failing(0, 100), Counts{}
	for name, c := range map[string]struct {
		handling Handling
		looks    []Counts
		// restores is the look that does, 0 for none.
		restores int
		reason   string
	}{
		"no limit":                  {Handling{}, []Counts{over, within, over, within, over, within}, 0, ""},
		"none may":                  {Handling{FailureLimit: some(0)}, []Counts{within, over}, 2, "the limit was exceeded in 1 looks, and failure_limit is 0: "},
		"two may":                   {Handling{FailureLimit: some(2)}, []Counts{over, within, within, over, none, within, over}, 7, "in 3 looks, and failure_limit is 2: "},
		"none in a row may":         {Handling{ConsecutiveFailureLimit: some(0)}, []Counts{over}, 1, "in 1 looks in a row, and consecutive_failure_limit is 0: "},
		"two in a row may":          {Handling{ConsecutiveFailureLimit: some(2)}, []Counts{over, over, within, over, over, within}, 0, ""},
		"three in a row do":         {Handling{ConsecutiveFailureLimit: some(2)}, []Counts{over, over, within, over, over, over}, 6, "in 3 looks in a row"},
		"no request breaks no row":  {Handling{ConsecutiveFailureLimit: some(1)}, []Counts{over, none, over}, 3, "in 2 looks in a row"},
		"at the limit is within it": {Handling{FailureLimit: some(0)}, []Counts{failing(5, 100), failing(5, 100)}, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			j := handled(t, c.handling)
			restored := 0
			for i, l := range c.looks {
				v := looked(j, l, failing(0, 1000))
				if v.Decision == Restore && restored == 0 {
					restored = i + 1
					if !strings.Contains(v.Reason, c.reason) || !v.Judgements[0].Broken || v.Judgements[0].Failures == 0 {
						t.Errorf("%+v", v)
					}
				}
			}
			if restored != c.restores {
				t.Errorf("restored in look %d, want %d", restored, c.restores)
			}
		})
	}
}

// What stable suffers as well counts for no failure.
func TestFailureLimitsForgiveSharedFaults(t *testing.T) {
	j := handled(t, Handling{FailureLimit: some(3), ConsecutiveFailureLimit: some(2)})
	for look := range 60 {
		bad := float64(100 * (look / 20 % 2)) // From look 20 to 39.
		if v := looked(j, failing(bad, 100), failing(3*bad, 300)); v.Decision == Restore {
			t.Fatalf("look %d: %+v", look+1, v)
		}
	}
	for look := range 5 {
		if v := looked(j, failing(6, 100), failing(0, 300)); (v.Decision == Restore) != (look >= 2) {
			t.Errorf("look %d after it: %+v", look+1, v)
		}
	}
}
