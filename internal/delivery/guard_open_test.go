package delivery_test

import (
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// A plan that was made while another release was being introduced is not for the world in which that has been finalized, unless the
// run that applies it did so itself.
func TestWhatWasOpenAndIsFinalizedIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end     service.End
		by      string
		wanted  string
		refused bool
	}{
		"finalized by another run": {service.EndFinalized, "other", "3", true},
		"finalized by this run":    {service.EndFinalized, "this", "3", false},
		"the same release":         {service.EndFinalized, "other", "2", false},
		"still open":               {"", "", "3", false},
		"restored":                 {service.EndRestored, "other", "3", false}, // GuardPlan's to tell.
	} {
		view := ledger.View{State: ledger.State{Attempts: []ledger.Attempt{{Number: 2, Release: releaseOf("2"), End: c.end, EndedRun: c.by}}}}
		if err := delivery.GuardOpen(view, "this", releaseOf(c.wanted), 2); (err != nil) != c.refused {
			t.Errorf("%s: %v", name, err)
		}
	}
}
