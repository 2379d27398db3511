package delivery_test

import (
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// What another resource owns by now is not ended by the one that owned it before.
func TestAnothersStageIsNotEnded(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := applied(t, w, objects, "1")
	defer p.close()
	for name, end := range map[string]func(s *delivery.Procedure) error{
		"forget":   func(s *delivery.Procedure) error { return s.Forget(t.Context(), service.StageSmokeTest, "another") },
		"withdraw": func(s *delivery.Procedure) error { return s.Withdraw(t.Context(), "another") },
		"stop":     func(s *delivery.Procedure) error { return s.StopRelease(t.Context(), "another") },
	} {
		if err := end(p.service()); err == nil {
			t.Errorf("%s: it is ended", name)
		} else {
			_ = wantSummary(t, err, "Already Managed")
		}
	}
	if state := p.state(); state.Stable != releaseOf("1") || w.weightOf("blue") != 100 {
		t.Errorf("stable is %q, with %d %%", state.Stable, w.weightOf("blue"))
	}
	// Whoever took the turn gave it back.
	if err := p.service().StopRelease(t.Context(), ""); err != nil {
		t.Error(err)
	}
}
