package delivery_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
)

var errCold = errors.New("HAProxy's own checks do not find up server blue-0")

func wantSaid(t *testing.T, said string, all ...string) {
	t.Helper()
	for _, want := range all {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not said: %s", want, said)
		}
	}
}

// A split that could not be set, and was put back on all that were told, moved nothing: the rollback is taken back without the part of the router
// that is gone, and is tried again when its cause is mended.
func TestRollbackWhoseSplitIsPutBack(t *testing.T) {
	t.Parallel()
	for name, rollBack := range rollBacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			w := newWorld()
			p := applied(t, w, newMemoryStore(), "1", "2")
			defer p.close()
			w.set(func() { w.partly, w.cold = errNode, errCold })
			e := wantSummary(t, rollBack(ctx, p), "Release Rolled Back")
			wantSaid(t, e.Detail(), errCold.Error(), "no weight was changed")
			if s := p.state(); s.Broken != nil || s.OpenAttempt() != nil || s.Stable != releaseOf("2") || w.weightOf("green") != 100 {
				t.Errorf("broken %v, open %v, stable %s, weights %v", s.Broken, s.OpenAttempt(), s.Stable, w.weights)
			}
			w.set(func() { w.cold = nil })
			_ = wantSummary(t, rollBack(ctx, p), "Rollback Unfinished")
			w.set(func() { w.partly = nil })
			if _, err := p.service().Recover(ctx); err != nil {
				t.Fatal(err)
			}
			stands(t, w, p, "1")
		})
	}
}

// Once a split of the attempt was made, one that is put back does not make it one that moved nothing.
func TestSplitIsPutBackAfterAnother(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := applied(t, w, newMemoryStore(), "1")
	defer p.close()
	w.set(func() {
		w.moving = func(context.Context) {
			if w.weightOf("green") == 10 {
				w.set(func() { w.partly = errNode })
			}
		}
	})
	split := delivery.SplitSpec{Weight: 100, Steps: []delivery.Step{{Weight: 10}}}
	e := wantSummary(t, p.applyWith(t.Context(), "2", split), "Restore Failed")
	if strings.Contains(e.Detail(), "no weight was changed") || w.running["green"] != releaseOf("2") {
		t.Errorf("running %v: %s", w.running, e.Detail())
	}
}
