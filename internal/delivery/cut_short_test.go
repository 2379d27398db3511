package delivery_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const reason = "it smells"

func (p *provider) rollBack() error {
	_, err := p.service().Rollback(context.Background(), "", reason)
	return err
}

// wantHeld asserts that a release is held, and for the reason that the operator gave.
func wantHeld(t *testing.T, p *provider, version string) {
	t.Helper()
	if held := p.state().Held[releaseOf(version)]; !strings.Contains(held, reason) {
		t.Errorf("held are %v, want %s because %s", p.state().Held, version, reason)
	}
}

// What an operator's rollback finds interrupted it ends as a rollback does: the introduction is taken out and held, and what was stable
// before it stays.
func TestRollbackOfAnInterruptedIntroduction(t *testing.T) {
	t.Parallel()
	for point := 1; ; point++ {
		w, objects := newWorld(), newMemoryStore()
		applied(t, w, objects, "1", "2").close()
		if !crash(t, w, objects, point, func(p *provider) { _ = p.apply(context.Background(), "3") }) {
			return
		}
		p := newProvider(t, w, objects)
		state := p.state()
		a := state.OpenAttempt()
		if a == nil {
			continue // It had not begun, or is stable: that is rolled back like any other.
		}
		plan, err := p.service().RollbackPlan(context.Background(), "")
		if err != nil || !strings.Contains(plan, string(releaseOf("3"))) || strings.Contains(plan, string(releaseOf("1"))) {
			t.Errorf("%v: %s", err, plan)
		}
		if err := p.rollBack(); err != nil {
			t.Error(err)
		}
		stands(t, w, p, "2")
		wantHeld(t, p, "3")
		_ = wantSummary(t, p.apply(context.Background(), "3"), "Release Held")
		p.close()
		oneEndEach(t, objects)
		neverCutOff(t, w)
		if t.Failed() {
			t.Fatalf("killed at point %d", point)
		}
	}
}

// An operator's rollback that was cut short, and is given again, takes out one release and not two.
func TestRollbackIsGivenAgain(t *testing.T) {
	t.Parallel()
	for point := 1; ; point++ {
		w, objects := newWorld(), newMemoryStore()
		p := newProvider(t, w, objects)
		p.keep = 2
		for _, version := range []string{"1", "2", "3"} {
			if err := p.apply(context.Background(), version); err != nil {
				t.Fatal(err)
			}
		}
		p.close()
		more := crash(t, w, objects, point, func(p *provider) { _ = p.rollBack() })
		if !more {
			return
		}
		p = newProvider(t, w, objects)
		if err := p.rollBack(); err != nil {
			t.Error(err)
		}
		stands(t, w, p, "2")
		wantHeld(t, p, "3")
		if held := p.state().Held; len(held) != 1 {
			t.Errorf("held are %v", held)
		}
		p.close()
		oneEndEach(t, objects)
		neverCutOff(t, w)
		if t.Failed() {
			t.Fatalf("killed at point %d", point)
		}
	}
}

// A restore that failed is finished by an operator's rollback, and its release is held: what was stable stays.
func TestRollbackFinishesAFailedRestore(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := applied(t, w, objects, "1", "2")
	defer p.close()
	w.failing[releaseOf("3")] = true
	w.broken["remove"] = errors.New("the disk is gone")
	_ = wantSummary(t, p.apply(context.Background(), "3"), "Restore Failed")
	w.set(func() { clear(w.broken); clear(w.failing) })
	plan, err := p.service().RollbackPlan(context.Background(), "")
	if err != nil || strings.Contains(plan, string(releaseOf("1"))) {
		t.Errorf("%v: %s", err, plan)
	}
	if err := p.rollBack(); err != nil {
		t.Fatal(err)
	}
	stands(t, w, p, "2")
	wantHeld(t, p, "3")
	_ = wantSummary(t, p.apply(context.Background(), "3"), "Release Held")
}

// What an operator took out stays held, also where the restore failed first.
func TestTakenOutIsHeldThoughTheRestoreFailed(t *testing.T) {
	t.Parallel()
	for name, mend := range map[string]func(*provider) error{
		"recover":  func(p *provider) error { _, err := p.service().Recover(context.Background()); return err },
		"rollback": func(p *provider) error { return p.rollBack() },
		"accept":   func(p *provider) error { _, err := p.service().Accept(context.Background()); return err },
	} {
		t.Run(name, func(t *testing.T) {
			w, objects := newWorld(), newMemoryStore()
			p := parkedOver1(t, w, objects, 25)
			defer p.close()
			w.set(func() { w.unreachable = true })
			_ = wantSummary(t, p.rollBack(), "Restore Failed")
			wantHeld(t, p, "2")
			w.set(func() { w.unreachable = false })
			if err := mend(p); err != nil {
				t.Fatal(err)
			}
			wantHeld(t, p, "2")
			if name != "accept" {
				stands(t, w, p, "1")
			}
			_ = wantSummary(t, p.apply(context.Background(), "2"), "Release Held")
		})
	}
}

// The store dies when the traffic of an operator's rollback, or of one by HCL, has moved: it stays where it is wanted, and a recovery
// finishes the rest.
func TestStoreDiesAfterARollbackMovedTheTraffic(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(*provider) error{
		"operator": (*provider).rollBack,
		"apply":    func(p *provider) error { return p.apply(context.Background(), "1") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, objects := newWorld(), &network{memoryStore: newMemoryStore()}
			applied(t, w, objects, "1", "2").close()
			p := newProvider(t, w, objects)
			p.process.before = func(_ int, what string) {
				if what == "weights done" {
					objects.fail(true)
				}
			}
			err := act(p)
			var refusal *delivery.Error
			if !errors.As(err, &refusal) || !strings.Contains(refusal.Running, "blue 100 %") && !strings.Contains(refusal.Detail(), string(releaseOf("1"))) {
				t.Errorf("it does not say what runs: %v", err)
			}
			w.mu.Lock()
			if w.weights["blue"] != 100 || w.running["blue"] != releaseOf("1") {
				t.Errorf("weights are %v, and %v run", w.weights, w.running)
			}
			w.mu.Unlock()
			objects.fail(false)
			p = newProvider(t, w, objects)
			defer p.close()
			if _, err := p.service().Recover(context.Background()); err != nil {
				t.Fatal(err)
			}
			stands(t, w, p, "1")
			if name == "operator" {
				wantHeld(t, p, "2")
			}
			oneEndEach(t, objects.memoryStore)
			neverCutOff(t, w)
		})
	}
}

// The recovery of a rollback is interrupted: it is finished all the same, and never undone.
func TestCancelOfARollbacksRecovery(t *testing.T) {
	t.Parallel()
	for point := 1; ; point++ {
		w, objects := newWorld(), &network{memoryStore: newMemoryStore()}
		applied(t, w, objects, "1", "2").close()
		killedWhen(t, w, objects, func(what string) bool { return what == "weights" }, func(p *provider) { _ = p.rollBack() })
		p := newProvider(t, w, objects)
		ctx, cancel := context.WithCancel(context.Background())
		reached := false
		p.process.before = func(n int, _ string) {
			if n == point {
				reached = true
				cancel()
			}
		}
		_, _ = p.service().Recover(ctx)
		cancel()
		p.close()
		p = newProvider(t, w, objects)
		if _, err := p.service().Recover(context.Background()); err != nil {
			t.Error(err)
		}
		stands(t, w, p, "1")
		if p.lastEnd() != service.EndFinalized {
			t.Errorf("the rollback ended as %q", p.lastEnd())
		}
		p.close()
		oneEndEach(t, objects.memoryStore)
		if t.Failed() {
			t.Fatalf("cancelled at point %d", point)
		}
		if !reached {
			return
		}
	}
}

// After a rollback in a ledger that was begun anew, which does not know when the older release stood, no stage claims what is gone.
func TestRollbackAfterAdoption(t *testing.T) {
	t.Parallel()
	w := newWorld()
	applied(t, w, newMemoryStore(), "1", "2").close()
	p := newProvider(t, w, newMemoryStore())
	defer p.close()
	passages := map[service.Stage]ledger.Passage{}
	for _, stage := range service.Stages {
		passages[stage] = ledger.Passage{Attempt: 7, Release: releaseOf("2"), Owner: "o", Exports: []byte("{}")}
	}
	if _, _, err := p.service().Adopt(context.Background(), remembered(passages)); err != nil {
		t.Fatal(err)
	}
	if err := p.rollBack(); err != nil {
		t.Fatal(err)
	}
	stands(t, w, p, "1")
	wantHeld(t, p, "2")
	state := p.state()
	for _, stage := range service.Stages {
		if passage := state.Standing(stage, 0, epochLater()); passage != nil {
			t.Errorf("%s reads %s, which was taken out", stage, passage.Release)
		}
	}
	if err := p.apply(context.Background(), "3"); err != nil {
		t.Fatal(err)
	}
	stands(t, w, p, "3")
}

// A stage that is new in a configuration does not take out what another run introduced: its plan could not know of it.
func TestNewStageTakesNoOthersCandidateOut(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w, objects := newWorld(), newMemoryStore()
	p := newProvider(t, w, objects)
	if _, err := p.service().Define(ctx, delivery.DefineRequest{Definition: service.Definition{ID: web}, Create: true}); err != nil {
		t.Fatal(err)
	}
	first := delivery.Request{Release: releaseOf("1"), Create: true, WorstCase: time.Minute}
	outcome, err := p.service().Execute(ctx, first, delivery.ReleaseSpec{Content: content("1"), Health: quickHealth})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.service().Finalize(ctx, first, delivery.FinalizationSpec{KeepPrevious: 1}); err != nil {
		t.Fatal(err)
	}
	p.close()
	p = newProvider(t, w, objects)
	second := delivery.Request{Release: releaseOf("2"), Owner: outcome.Owner, PriorAttempt: 1, Seen: 1, WorstCase: time.Minute}
	if _, err := p.service().Execute(ctx, second, delivery.ReleaseSpec{Content: content("2"), Health: quickHealth}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.service().Shift(ctx, delivery.Request{Release: releaseOf("2"), Create: true, WorstCase: time.Minute}, delivery.SplitSpec{Weight: 25}); err != nil {
		t.Fatal(err)
	}
	p.close()
	p = newProvider(t, w, objects)
	defer p.close()
	// A plan from before: release 3, with a preflight that is new.
	_, err = p.service().Preflight(ctx, delivery.Request{Release: releaseOf("3"), Create: true, WorstCase: time.Minute}, delivery.PreflightSpec{})
	_ = wantSummary(t, err, "Service Changed Since Plan")
	if a := p.state().OpenAttempt(); a == nil || a.Release != releaseOf("2") || w.weights["green"] != 25 {
		t.Errorf("release 2 is not parked any more: %+v, weights %v", a, w.weights)
	}
	// One that is added together with the candidate may.
	if _, err := p.service().Preflight(ctx, delivery.Request{Release: releaseOf("2"), Create: true, WorstCase: time.Minute}, delivery.PreflightSpec{}); err != nil {
		t.Error(err)
	}
}

// A restore whose lease is another's meanwhile stops: the traffic is with stable, and the rest is the new owner's.
func TestRestoreStopsWhenTheLeaseIsLost(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	applied(t, w, objects, "1").close()
	p := newProvider(t, w, objects)
	var taken atomic.Bool
	w.set(func() {
		w.erring[releaseOf("2")] = true
		w.draining = func(ctx context.Context) error {
			// Suspended, for its observers: another run takes the lease while the candidate is drained.
			if taken.CompareAndSwap(false, true) {
				overtake(t, objects)
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(30 * time.Second):
				t.Error("it goes on draining without the lease")
				return nil
			}
		}
	})
	e := wantSummary(t, p.apply(context.Background(), "2"), "Lease Lost")
	w.mu.Lock()
	if w.weights["blue"] != 100 {
		t.Errorf("weights are %v", w.weights)
	}
	if w.running["green"] != releaseOf("2") || !w.files[releaseOf("2")] {
		t.Errorf("the candidate was removed without the lease: %v run; %s", w.running, e.Detail())
	}
	w.draining = nil
	w.mu.Unlock()
	p = newProvider(t, w, objects)
	defer p.close()
	if _, err := p.service().Recover(context.Background()); err != nil {
		t.Fatal(err)
	}
	stands(t, w, p, "1")
	oneEndEach(t, objects)
}

// overtake has another run take the lease, though its holder lives: as an observer does that does not see its heartbeats.
func overtake(t *testing.T, m *memoryStore) {
	t.Helper()
	state, _ := told(t, m)
	gone := ledger.ThisProcess("test")
	gone.Started = "never"
	e := ledger.Event{
		Number: state.Number + 1, MinVersion: 1, Time: time.Now(), Epoch: state.Epoch + 1, Run: "another", Nonce: "another",
		Type: ledger.LeaseAcquired, Lease: &ledger.LeaseTerms{Holder: gone, Length: leaseLength},
	}
	m.write(t, e)
}
