package delivery_test

import (
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// What cannot be told is neither a pass nor a restore: the step lasts for as long as it may, and then the release is paused.
func TestStepsThatCannotBeTold(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(w *world, spec *delivery.AnalysisSpec){
		"going on without a number is not going on without requests": func(w *world, spec *delivery.AnalysisSpec) {
			w.sampled = missing("orders", analysis.ErrNoData)
			onNoData(spec, delivery.PolicyContinue, 0)
			spec.MinRequests = 1e9
		},
		"a candidate is not compared with a stable that cannot be read": func(w *world, spec *delivery.AnalysisSpec) {
			spec.Business, spec.Errors.MaxRate, spec.Errors.Margin = nil, nil, 0.01
			w.sampled = func(at service.Placement, s *delivery.Sample) error {
				if at.Release == releaseOf("1") {
					return errRefused
				}
				s.Errors = s.Requests / 2
				return nil
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, objects := newWorld(), newMemoryStore()
			p := applied(t, w, objects, "1")
			defer p.close()
			spec := ordering()
			spec.MaxPause = service.Duration(time.Second / 4)
			w.set(func() { prepare(w, spec) })
			_ = wantSummary(t, p.applyWith(t.Context(), "2", atStep(0, spec)), "Release Paused")
		})
	}
}

// A source is not asked more often than it has something new.
func TestLooksKeepToTheResolution(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := applied(t, w, objects, "1")
	defer p.close()
	spec, looks := comparing(), 0
	spec.MinRequests, spec.MaxPause = 1e9, service.Duration(time.Second)
	w.set(func() {
		w.resolution = 300 * time.Millisecond
		w.sampled = func(at service.Placement, _ *delivery.Sample) error {
			if at.Release == releaseOf("2") {
				looks++
			}
			return nil
		}
	})
	_ = wantSummary(t, p.applyWith(t.Context(), "2", atStep(0, spec)), "Release Paused")
	if looks > 10 {
		t.Errorf("%d looks in a second at a source that has something new three times a second", looks)
	}
}
