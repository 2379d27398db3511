package delivery_test

import (
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// The split passes, its answer is lost, and the store is gone: traffic goes back to stable, and the failure is owed to the ledger, which
// says that the split passed. It is paid when the run closes, or goes on, and the next run finds an attempt to recover.
func TestOwedFailureIsRecorded(t *testing.T) {
	t.Parallel()
	for name, goOn := range map[string]func(*provider){
		"when the run closes": func(p *provider) { p.close() },
		"when the run goes on": func(p *provider) {
			defer p.close()
			_ = wantSummary(t, p.apply(t.Context(), "2"), "Service Changed Since Plan")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			objects, p := overTheNetwork(t, w, leaseLength)
			objects.spoil(func(e ledger.Event) error {
				if e.Type == ledger.StagePassed && e.Stage == service.StageTrafficSplit {
					objects.fail(true)
					return errNoAnswer
				}
				return nil
			}, nil)
			_ = wantSummary(t, p.applyWith(t.Context(), "2", atStep(0, quickAnalysis())), "Restore Failed")
			w.set(func() {
				if w.weights["blue"] != 100 {
					t.Errorf("weights are %v", w.weights)
				}
			})
			state, events := told(t, objects.memoryStore)
			if a := state.OpenAttempt(); a == nil || a.Busy() || events[len(events)-1].Type != ledger.StagePassed {
				t.Fatalf("the ledger ends with %s: %+v", events[len(events)-1].Type, a)
			}
			objects.spoil(nil, nil)
			objects.fail(false)
			goOn(p)
			_, events = told(t, objects.memoryStore)
			recorded := 0
			for _, e := range events {
				if e.Type == ledger.StageFailed && e.Failure != nil && e.Stage == service.StageTrafficSplit {
					recorded++
				}
			}
			if recorded != 1 {
				t.Errorf("the failure is recorded %d times", recorded)
			}
			next := newProvider(t, w, objects)
			defer next.close()
			if _, err := next.service().Recover(t.Context()); err != nil {
				t.Fatal(err)
			}
			stands(t, w, next, "1")
			oneEndEach(t, objects.memoryStore)
			if err := next.apply(t.Context(), "2"); err != nil {
				t.Fatal(err)
			}
			stands(t, w, next, "2")
		})
	}
}

// What speaks against a release counts also where the store does not answer when it is put back: the next run recovers it as that, and
// not as one that was interrupted.
func TestOwedEvidenceIsNotForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld()
	objects, p := overTheNetwork(t, w, leaseLength)
	w.set(func() { w.erring[releaseOf("2")] = true })
	p.process.before = func(_ int, what string) {
		if what == "weights done" {
			w.set(func() {
				if w.weights["blue"] == 100 {
					objects.fail(true)
				}
			})
		}
	}
	_ = wantSummary(t, p.applyWith(t.Context(), "2", atStep(0, quickAnalysis())), "Restore Failed")
	objects.fail(false)
	p.close()
	next := newProvider(t, w, objects)
	defer next.close()
	if _, err := next.service().Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	stands(t, w, next, "1")
	state := next.state()
	if failure := state.LastFailure[releaseOf("2")].Failure; failure.Cause != ledger.CauseEvidence || state.Failures[releaseOf("2")] != 1 || len(failure.Judgement) == 0 {
		t.Errorf("%d failures on evidence, the last one %+v", state.Failures[releaseOf("2")], failure)
	}
}
