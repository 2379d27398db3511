package analysis

import "testing"

// While stable cannot be measured the candidate's bad ones are compared with nobody; they are as soon as it can, with all that stable did meanwhile.
func TestStableThatIsNotMeasuredIsComparedLater(t *testing.T) {
	gap, whole := judgeOf(t, versusStable()), judgeOf(t, versusStable())
	for _, j := range []Judge{gap, whole} {
		j.Baseline(failing(0, 1e6))
		j.Look(Look{Took: second, Candidate: failing(0, 10), Stable: failing(0, 90)})
	}
	for range 5 {
		if v := gap.Look(Look{Took: second, Candidate: failing(5, 10), Unmeasured: true}); v.Decision == Restore {
			t.Fatalf("compared with nobody: %s", v.Reason)
		}
	}
	v := gap.Look(Look{Took: second, Candidate: failing(5, 10), Stable: failing(30, 540)})
	want := whole.Look(Look{Took: 6 * second, Candidate: failing(30, 60), Stable: failing(30, 540)})
	if got, want := v.Judgements[0].Evidence, want.Judgements[0].Evidence; got != want {
		t.Errorf("evidence %v, want %v, as of one look", got, want)
	}
}

// An absolute limit holds whether or not stable can be asked.
func TestLimitHoldsWhileStableIsNotMeasured(t *testing.T) {
	j := judgeOf(t, maxRate(0.05))
	looked(j, failing(0, 10), failing(0, 90))
	for range 30 {
		if v := j.Look(Look{Took: second, Candidate: failing(10, 10), Unmeasured: true}); v.Decision == Restore {
			return
		}
	}
	t.Error("not restored in 30 looks of an outage")
}
