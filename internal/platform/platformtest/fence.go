package platformtest

import (
	"context"
	"errors"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/fence"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// under is a context of the run that had the lease in an epoch. valid is asked right before each effect.
func (b *bench) under(epoch int, valid func() bool) context.Context {
	return fence.With(b.Context(), fence.Fence{Ledger: "a", Epoch: epoch, Valid: valid})
}

func always() bool { return true }

// olderEpoch: once a newer run was at work, an older one changes nothing, also where it was suspended right before the effect.
func olderEpoch(b *bench) {
	r := b.placed("1.0.0", "blue")
	older, newer := b.under(1, always), b.under(2, always)
	b.ok(b.Platform.Start(older, r, nil))
	b.answers(r)
	b.ok(b.Platform.Start(newer, r, nil)) // it runs already
	for what, act := range map[string]func(context.Context) error{
		"stop":   func(ctx context.Context) error { return b.Platform.Stop(ctx, r.Placement) },
		"remove": func(ctx context.Context) error { return b.Platform.Remove(ctx, r.Placement) },
		"start":  func(ctx context.Context) error { return b.Platform.Start(ctx, r, nil) },
		"place":  func(ctx context.Context) error { _, err := b.Platform.Place(ctx, r, "blue"); return err },
	} {
		if err := act(older); !errors.Is(err, fence.ErrStale) {
			b.Errorf("%s by an older run: %v", what, err)
		}
	}
	b.runs(r)
	// A run that stops has looked at its lease, and is suspended; a newer one wants the instance; then the older one goes on.
	for n, stop := range []func(context.Context, service.Placement) error{b.Platform.Stop, b.Platform.Remove} {
		epoch := 2 * (n + 1)
		suspended := b.under(epoch, func() bool {
			b.ok(b.Platform.Start(b.under(epoch+1, always), r, nil))
			return true
		})
		if err := stop(suspended, r.Placement); !errors.Is(err, fence.ErrStale) {
			b.Errorf("a run that was suspended: %v", err)
		}
		b.runs(r)
	}
}

// suspendedStart: a run that starts has looked at its lease, and is suspended; a newer one is at work; then the older one goes on.
func suspendedStart(b *bench) {
	r := b.placed("1.0.0", "blue")
	other := b.Release("2.0.0")
	suspended := b.under(1, func() bool {
		placement, err := b.Platform.Place(b.under(2, always), other, "green")
		b.ok(err)
		b.Cleanup(func() { b.ok(b.Platform.Remove(context.Background(), placement)) })
		return true
	})
	if err := b.Platform.Start(suspended, r, nil); err == nil {
		b.Error("a run that was suspended started its release")
	}
	b.still(r)
}
