package delivery_test

import (
	"context"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// A router that does not answer, while no weight was changed, has the traffic where it was: nobody has to be called for that.
func TestRouterIsSilentAndNothingWasMoved(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		when, summary, says string
		sick                bool
	}{
		"before anything is changed":       {"stage opened", "Release Failed", "nothing had been changed", false},
		"after the candidate was started":  {"start done", "Release Rolled Back", "no weight was changed in this attempt", true},
		"before the candidate was started": {"place", "Release Rolled Back", "no weight was changed in this attempt", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			objects, p := overTheNetwork(t, w, leaseLength)
			defer p.close()
			w.sick[releaseOf("2")] = c.sick
			objects.spoil(func(e ledger.Event) error {
				if c.when == "stage opened" && e.Type == ledger.StageOpened && e.Stage == service.StageRelease {
					w.set(func() { w.unreachable = true })
				}
				return nil
			}, nil)
			p.process.before = func(_ int, what string) {
				if what == c.when {
					w.set(func() { w.unreachable = true })
				}
			}
			e := wantSummary(t, p.apply(t.Context(), "2"), c.summary)
			if !strings.Contains(e.Detail(), c.says) || len(e.Leftovers) > 0 || c.sick && !strings.Contains(e.Detail(), errRouter.Error()) {
				t.Errorf("it says: %s", e.Detail())
			}
			w.set(func() { w.unreachable = false })
			stands(t, w, p, "1")
			if s := p.state(); s.Broken != nil {
				t.Errorf("broken: %v", s.Broken)
			}
		})
	}
}

// Where a weight was changed, and the router cannot be asked, it is not known where the traffic is: that calls a person.
func TestRouterIsSilentAfterTheTrafficWasMoved(t *testing.T) {
	t.Parallel()
	w := newWorld()
	_, p := overTheNetwork(t, w, leaseLength)
	defer p.close()
	w.checking = func(_ context.Context, _ string, r service.ReleaseID) {
		if w.weightOf("green") == 100 {
			w.set(func() { w.unreachable, w.failing[r] = true, true })
		}
	}
	if e := wantSummary(t, p.apply(t.Context(), "2"), "Restore Failed"); !strings.Contains(strings.Join(e.Leftovers, "\n"), errRouter.Error()) {
		t.Errorf("it says: %s", e.Detail())
	}
	w.set(func() { w.unreachable = false })
	if _, err := p.service().Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	stands(t, w, p, "1")
}

// Killed before it moved anything, it is recovered while the router is still away.
func TestRecoveryWhileTheRouterIsSilent(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"place", "start done"} {
		w := newWorld()
		objects, p := overTheNetwork(t, w, leaseLength)
		p.process.killWhen = func(what string) bool { return what == at }
		done := make(chan struct{})
		go func() { defer close(done); _ = p.apply(t.Context(), "2") }()
		<-done
		if !p.process.dead() {
			t.Fatal("it was not killed")
		}
		w.set(func() { w.unreachable = true })
		next := newProvider(t, w, objects)
		defer next.close()
		if _, err := next.service().Recover(t.Context()); err != nil {
			t.Errorf("killed at %s: %v", at, err)
		}
		w.set(func() { w.unreachable = false })
		stands(t, w, next, "1")
	}
}
