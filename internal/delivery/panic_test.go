package delivery_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// What is asked beside a look, and what breaks down there, puts back what was there like any other defect: the process goes on.
func TestPanicBesideTheStageRestores(t *testing.T) {
	t.Parallel()
	for name, breaks := range map[string]func(*world){
		"a probe": func(w *world) {
			w.probed = func(r service.ReleaseID) error {
				if r == releaseOf("2") && w.weights["green"] > 0 {
					panic("probed " + string(r))
				}
				return nil
			}
		},
		"a repeated check": func(w *world) {
			w.checking = func(_ context.Context, _ string, r service.ReleaseID) {
				if r == releaseOf("2") && w.weightOf("green") > 0 {
					panic("checked " + string(r))
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, objects := newWorld(), newMemoryStore()
			p := applied(t, w, objects, "1")
			defer p.close()
			w.set(func() { breaks(w) })
			split := delivery.SplitSpec{Weight: 100, Steps: []delivery.Step{{Weight: 10, Pause: service.Duration(time.Hour)}}, Checks: map[string]service.Check{"home": {}}}
			e := wantSummary(t, p.applyWith(t.Context(), "2", split), "Release Rolled Back")
			if !strings.Contains(e.What, "a defect of the provider") {
				t.Errorf("it says: %s", e.Detail())
			}
			stands(t, w, p, "1")
		})
	}
}
