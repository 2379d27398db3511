package routertest

import (
	"context"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/fence"
)

// under is a context of the run that had the lease in an epoch. valid is asked right before the effect.
func under(ctx context.Context, epoch int, valid func() bool) context.Context {
	return fence.With(ctx, fence.Fence{Ledger: "a", Epoch: epoch, Valid: valid})
}

func always() bool { return true }

// olderEpoch: once a newer run has set weights, an older one sets none, also where it was suspended right before the effect.
func olderEpoch(t *testing.T, d dataPlane) {
	w := newWorld(t, d, deadline)
	set := func(ctx context.Context, green int) error {
		return w.Router.SetWeights(ctx, w.split(map[string]int{Blue: 100 - green, Green: green}))
	}
	if err := set(under(t.Context(), 2, always), 25); err != nil {
		t.Fatal(err)
	}
	if err := set(under(t.Context(), 1, always), 75); err == nil {
		t.Error("an older run's weights are taken")
	}
	w.wantWeights(t, 25)
	if err := set(under(t.Context(), 2, func() bool { return false }), 75); err == nil {
		t.Error("weights are taken from a run that has lost its lease")
	}
	w.wantWeights(t, 25)
	// The older run has looked at its lease, and is suspended; the newer one sets its weights; then the older one goes on.
	if err := set(under(t.Context(), 2, func() bool {
		if err := set(under(t.Context(), 3, always), 50); err != nil {
			t.Error(err)
		}
		return true
	}), 75); err == nil {
		t.Error("the weights of a run that was suspended are taken")
	}
	w.wantWeights(t, 50)
	w.wantShare(t, 50)
	// Another ledger took the place of the lost one: its epochs begin anew.
	if err := set(fence.With(t.Context(), fence.Fence{Ledger: "b", Epoch: 1, Valid: always}), 10); err != nil {
		t.Errorf("the first epoch of another ledger: %v", err)
	}
	w.wantWeights(t, 10)
}
