package delivery_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// A candidate that turns bad while one waits, before a raise, for something else is judged once more before it is raised, or left where it is:
// also where the next look of its analysis is far off.
func TestCandidateIsJudgedAfterAWaitBeforeARaise(t *testing.T) {
	t.Parallel()
	unready := errors.New("the router is not ready")
	for name, wait := range map[string]func(*world){
		"for a router that is ready again": func(w *world) {
			w.set(func() { w.unsplit = unready })
			time.AfterFunc(1500*time.Millisecond, func() { w.set(func() { w.unsplit = nil }) })
		},
		"for a router that is not": func(w *world) { w.set(func() { w.unsplit = unready }) },
		"for stable": func(w *world) {
			lost := 0
			w.set(func() {
				w.probed = func(r service.ReleaseID) error {
					if r == releaseOf("1") && lost < 5 {
						lost++
						return errors.New("no answer")
					}
					return nil
				}
			})
		},
		"for a machine": func(w *world) { w.silentFor("b", 20*time.Second, false) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				objects := &network{memoryStore: newMemoryStore()}
				p := newFleetOver(t, w, objects, "a", "b", "c")
				turn, most := w.turns(), 0
				objects.spoil(func(e ledger.Event) error {
					if passes(e) && *e.Weight == 10 {
						wait(w)
						turn()
					}
					return nil
				}, nil)
				p.process.before = func(int, string) { most = max(most, w.weightOf("green")) }
				none, spec := 0, quickAnalysis()
				spec.Interval, spec.MaxPause = service.Duration(5*time.Minute), service.Duration(time.Hour)
				spec.Errors.FailureLimit = &none // One look that is bad will do.
				err := p.applyWith(t.Context(), "2", delivery.SplitSpec{Weight: 100, Steps: []delivery.Step{{Weight: 10}, {Weight: 50}}, Analysis: spec})
				e := wantSummary(t, err, "Release Rolled Back")
				if !strings.Contains(e.What, "requests failed") || most != 10 {
					t.Errorf("it had %d %% at most; it says: %s", most, e.Detail())
				}
				w.silentFor("b", 0, false)
				time.Sleep(time.Second)
			})
		})
	}
}
