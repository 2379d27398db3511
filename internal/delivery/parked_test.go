package delivery_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// parkedAt leaves release 2 at 25 % over 1, between two applies.
func parkedAt(t *testing.T, w *world, objects *memoryStore) {
	t.Helper()
	p := newProvider(t, w, objects)
	if err := p.apply(t.Context(), "1"); err != nil {
		t.Fatal(err)
	}
	if err := p.applyWith(t.Context(), "2", delivery.SplitSpec{Weight: 25, Analysis: quickAnalysis()}); err != nil {
		t.Fatal(err)
	}
	p.close()
}

// What turns bad while it is parked is rolled back by the split's own analysis, with its evidence, as the split would.
func TestGuardRestoresAParkedCandidate(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	parkedAt(t, w, objects)
	p := newProvider(t, w, objects)
	defer p.close()
	looks := 0
	_, err := p.service().Guard(t.Context(), func(ledger.Progress) {
		if looks++; looks == 5 {
			w.mu.Lock()
			w.erring[releaseOf("2")] = true
			w.mu.Unlock()
		}
	})
	refusal := wantSummary(t, err, "Release Rolled Back")
	if len(refusal.Evidence) == 0 || !strings.Contains(refusal.What, "traffic split") {
		t.Errorf("it says: %s", refusal.Detail())
	}
	if looks < 5 {
		t.Errorf("it was restored after %d looks, before it was bad", looks)
	}
	stands(t, w, p, "1")
	if state := p.state(); state.Failures[releaseOf("2")] != 1 || state.Attempts[len(state.Attempts)-1].End != service.EndRestored {
		t.Errorf("failures %v, the last attempt ended %q", state.Failures, state.Attempts[len(state.Attempts)-1].End)
	}
}

// While it is judged nobody is kept from the service: an apply goes on with it, and the guard ends with the attempt.
func TestGuardGivesWayToAnApply(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	parkedAt(t, w, objects)
	guarding, p := newProvider(t, w, objects), newProvider(t, w, objects)
	defer guarding.close()
	looked, ended := make(chan struct{}, 1), make(chan error, 1)
	var done string
	go func() {
		var err error
		done, err = guarding.service().Guard(t.Context(), func(ledger.Progress) {
			select {
			case looked <- struct{}{}:
			default:
			}
		})
		ended <- err
	}()
	<-looked
	if err := p.apply(t.Context(), "2"); err != nil {
		t.Fatal(err)
	}
	p.close()
	select {
	case err := <-ended:
		if err != nil || !strings.Contains(done, "finalized") {
			t.Errorf("the guard ended with %v: %s", err, done)
		}
	case <-time.After(time.Minute):
		t.Fatal("the guard goes on after the attempt has ended")
	}
	stands(t, w, guarding, "2")
}

func TestGuardOfNothing(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := newProvider(t, w, objects)
	defer p.close()
	_, err := p.service().Guard(t.Context(), func(ledger.Progress) {})
	_ = wantSummary(t, err, "Service Not Found")
	if err := p.apply(context.Background(), "1"); err != nil {
		t.Fatal(err)
	}
	if done, err := p.service().Guard(t.Context(), func(ledger.Progress) {}); err != nil || !strings.Contains(done, "nothing is parked") {
		t.Errorf("%v: %s", err, done)
	}
}
