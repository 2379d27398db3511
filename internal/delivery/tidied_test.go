package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Where all that runs is being removed, and that is interrupted, it goes on to its end: half of a service is nothing that anybody wants.
func TestStopIsInterrupted(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), &network{memoryStore: newMemoryStore()}
	p := applied(t, w, objects, "1", "2")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	objects.spoil(func(e ledger.Event) error {
		if e.Type == ledger.ReleaseRemoved {
			cancel()
		}
		return nil
	}, nil)
	if err := p.service().StopRelease(ctx, ""); err != nil {
		t.Fatal(err)
	}
	wantNothing(t, w, p)
	p.close()
}

// wantNothing asserts that nothing runs, and that the ledger knows of nothing.
func wantNothing(t *testing.T, w *world, p *provider) {
	t.Helper()
	state := p.state()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.running) > 0 || len(w.files) > 0 || state.Stable != "" || len(state.Releases) > 0 {
		t.Errorf("%v run, files %v; the ledger says that %q is stable, and knows %v", w.running, w.files, state.Stable, state.Releases)
	}
}

// Killed at every point of it, the same again ends it, and the release can be made anew.
func TestStopIsKilled(t *testing.T) {
	t.Parallel()
	for _, parked := range []bool{false, true} {
		t.Run(fmt.Sprintf("parked %t", parked), func(t *testing.T) {
			for point := 1; ; point++ {
				w, objects := newWorld(), newMemoryStore()
				if parked {
					parkedOver1(t, w, objects, 25).close()
				} else {
					applied(t, w, objects, "1", "2").close()
				}
				more := crash(t, w, objects, point, func(p *provider) { _ = p.service().StopRelease(context.Background(), "") })
				p := newProvider(t, w, objects)
				if err := p.service().StopRelease(context.Background(), ""); err != nil {
					t.Error(err)
				}
				wantNothing(t, w, p)
				if err := p.apply(context.Background(), "2"); err != nil {
					t.Error(err)
				}
				stands(t, w, p, "2")
				p.close()
				if t.Failed() {
					t.Fatalf("killed at point %d", point)
				}
				if !more {
					return
				}
			}
		})
	}
}

// A run that goes on with another's attempt, finalizes it and is lost before it tidied: that is seen, and done by whoever comes next.
func TestLostBeforeItTidied(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]func(*provider) error{
		"recover": func(p *provider) error { _, err := p.service().Recover(context.Background()); return err },
		"define": func(p *provider) error {
			state := p.state()
			_, err := p.service().Define(context.Background(), delivery.DefineRequest{Definition: *state.Definition, Owner: state.Owner})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, objects := newWorld(), newMemoryStore()
			parkedOver1(t, w, objects, 25).close()
			killedWhen(t, w, objects, func(what string) bool { return what == "stop" }, func(p *provider) { _ = p.apply(context.Background(), "2") })
			p := newProvider(t, w, objects)
			defer p.close()
			view, err := p.service().Read(context.Background())
			if err != nil || view.Untidied() == nil || len(w.running) != 2 {
				t.Fatalf("%v: it is not seen; %v run", err, w.running)
			}
			if err := next(p); err != nil {
				t.Fatal(err)
			}
			stands(t, w, p, "2")
			if view, err := p.service().Read(context.Background()); err != nil || view.Untidied() != nil {
				t.Errorf("%v: it is still said to be untidied", err)
			}
		})
	}
}

// What could not be tidied, by a run that came to its end all the same, is seen, and tidied by a recovery.
func TestTidyingFailed(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := applied(t, w, objects, "1")
	w.set(func() { w.broken["stop"] = errors.New("it does not end") })
	if err := p.apply(context.Background(), "2"); err != nil {
		t.Fatal(err)
	}
	p.close()
	w.set(func() { clear(w.broken) })
	p = newProvider(t, w, objects)
	defer p.close()
	view, err := p.service().Read(context.Background())
	if err != nil || view.Untidied() == nil {
		t.Fatalf("%v: it is not seen", err)
	}
	if recovery, err := p.service().Recover(context.Background()); err != nil || !recovery.Recovered {
		t.Fatalf("%+v, %v", recovery, err)
	}
	stands(t, w, p, "2")
}

// Requests that do not end keep nothing that was replaced alive for ever: it is said that they were cut off.
func TestDrainOfTheOldReleaseTakesTooLong(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := applied(t, w, objects, "1")
	defer p.close()
	w.set(func() { w.draining = func(context.Context) error { return errors.New("3 requests are in flight") } })
	if err := p.apply(context.Background(), "2"); err != nil {
		t.Fatal(err)
	}
	stands(t, w, p, "2")
}

// A service whose restore failed still has something of a release somewhere: it is not retired.
func TestBrokenServiceIsNotRetired(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := newProvider(t, w, objects)
	defer p.close()
	w.failing[releaseOf("1")], w.broken["remove"] = true, errors.New("the disk is gone")
	_ = wantSummary(t, p.apply(context.Background(), "1"), "Restore Failed")
	owner := p.state().Owner
	_ = wantSummary(t, p.service().Retire(context.Background(), owner), "Restore Unfinished")
	w.set(func() { clear(w.broken) })
	if _, err := p.service().Recover(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := p.service().Retire(context.Background(), owner); err != nil {
		t.Error(err)
	}
	if len(w.running) > 0 || len(w.files) > 0 {
		t.Errorf("left: %v run, files %v", w.running, w.files)
	}
}

// A split that is removed takes the traffic back that a killed run gave, whether or not the ledger knows of it.
func TestWithdrawAfterAKill(t *testing.T) {
	t.Parallel()
	for point := 1; ; point++ {
		w, objects := newWorld(), newMemoryStore()
		applied(t, w, objects, "1").close()
		more := crash(t, w, objects, point, func(p *provider) {
			_ = p.applyWith(context.Background(), "2", delivery.SplitSpec{Weight: 50, Steps: []delivery.Step{{Weight: 25}}})
		})
		p := newProvider(t, w, objects)
		if err := p.service().Withdraw(context.Background(), ""); err != nil {
			t.Error(err)
		}
		state := p.state()
		w.mu.Lock()
		if w.weights["blue"] != 100 {
			t.Errorf("weights are %v", w.weights)
		}
		if a := state.OpenAttempt(); a != nil && (a.Busy() || a.Weight != 0) {
			t.Errorf("the ledger says: %+v", a)
		}
		w.mu.Unlock()
		p.close()
		if t.Failed() {
			t.Fatalf("killed at point %d", point)
		}
		if !more {
			return
		}
	}
}

// A rollback finds in its way what an earlier run did not tidy: that goes first.
func TestRollbackOverWhatWasNotTidied(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := newProvider(t, w, objects)
	p.keep = 2
	for _, version := range []string{"1", "2"} {
		if err := p.apply(context.Background(), version); err != nil {
			t.Fatal(err)
		}
	}
	w.set(func() { w.broken["stop"] = errors.New("it does not end") })
	if err := p.apply(context.Background(), "3"); err != nil {
		t.Fatal(err)
	}
	w.set(func() { clear(w.broken) })
	if len(w.running) != 2 {
		t.Fatalf("%v run", w.running)
	}
	if _, err := p.service().Rollback(context.Background(), releaseOf("1"), ""); err != nil {
		t.Fatal(err)
	}
	stands(t, w, p, "1")
	p.close()
	neverCutOff(t, w)
}

// The state does not grow with what was rolled back and is forgotten.
func TestStateDoesNotGrowWithRollbacks(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := applied(t, w, objects, "1")
	defer p.close()
	for i := range 20 {
		if err := p.apply(context.Background(), fmt.Sprintf("2.%d", i)); err != nil {
			t.Fatal(err)
		}
		if err := p.rollBack(); err != nil {
			t.Fatal(err)
		}
		if _, err := p.service().Unhold(context.Background(), ""); err != nil {
			t.Fatal(err)
		}
	}
	state := p.state()
	for what, n := range map[string]int{
		"attempts": len(state.Attempts), "last failures": len(state.LastFailure), "tries": len(state.Tries), "failures": len(state.Failures), "held": len(state.Held),
	} {
		if n > 12 {
			t.Errorf("%d %s are kept", n, what)
		}
	}
}

// Without a router the release itself raises its weight to 100 %: a freeze that began after its preflight holds it back.
func TestFreezeHoldsAReleaseWithoutARouter(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w, objects := withoutRouter(), newMemoryStore()
	p := applied(t, w, objects, "1")
	defer p.close()
	passages := p.state().Attempts[0].Passages
	request := func(stage service.Stage) delivery.Request {
		return delivery.Request{Release: releaseOf("2"), Owner: passages[stage].Owner, PriorAttempt: 1, Seen: 1, WorstCase: time.Minute}
	}
	// Passed by its health alone: the window was open then, and it is not now.
	frozen := delivery.PreflightSpec{Window: &delivery.Window{Freezes: []string{"2000-01-01/2999-12-31"}}}
	if _, err := p.service().Preflight(ctx, request(service.StagePreflight), delivery.PreflightSpec{}); err != nil {
		t.Fatal(err)
	}
	passage := p.state().OpenAttempt().Passages[service.StagePreflight]
	argued := request(service.StagePreflight)
	argued.Owner, argued.PriorAttempt = passage.Owner, passage.Attempt
	if _, err := p.service().ChangeArguments(ctx, service.StagePreflight, argued, frozen, delivery.Exports{}); err != nil {
		t.Fatal(err)
	}
	_, err := p.service().Execute(ctx, request(service.StageRelease), delivery.ReleaseSpec{Content: content("2"), Health: quickHealth})
	e := wantSummary(t, err, "Release Paused")
	if !strings.Contains(e.What, "freeze") && !strings.Contains(e.What, "2999-12-31") {
		t.Errorf("it does not say why: %s", e.What)
	}
	if w.running["blue"] != releaseOf("1") || len(w.running) != 1 {
		t.Errorf("%v run", w.running)
	}
}

// A checkpoint that is retaken, and whose run is killed in the middle of it, lists nothing that is not whole.
func TestCheckpointListsWhatIsWhole(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for point := 1; ; point++ {
		w, objects := newWorld(), newMemoryStore()
		p := applied(t, w, objects, "1")
		passages := p.state().Attempts[0].Passages
		request := delivery.Request{Release: releaseOf("2"), Owner: passages[service.StageCheckpoint].Owner, PriorAttempt: 1, Seen: 1, WorstCase: time.Minute}
		take := func(p *provider) error {
			_, err := p.service().Checkpoint(ctx, request, delivery.CheckpointSpec{Retain: 1, Backups: discarding(), ValidFor: service.Duration(time.Nanosecond)})
			return err
		}
		if err := take(p); err != nil {
			t.Fatal(err)
		}
		p.close()
		more := crash(t, w, objects, point, func(p *provider) { _ = take(p) })
		wantListedWhole(t, w, objects)
		p = newProvider(t, w, objects)
		if _, err := p.service().Recover(ctx); err != nil {
			t.Error(err)
		}
		wantListedWhole(t, w, objects)
		p.close()
		if t.Failed() {
			t.Fatalf("killed at point %d", point)
		}
		if !more {
			return
		}
	}
}

// wantListedWhole asserts that all data of the checkpoints that the ledger lists is there.
func wantListedWhole(t *testing.T, w *world, m *memoryStore) {
	t.Helper()
	state, _ := told(t, m)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range state.Checkpoints {
		for _, place := range c.Data {
			if _, there := w.saved[place]; !there {
				t.Errorf("the checkpoint of attempt %d lists %s, which is not there", c.Attempt, place)
			}
		}
	}
}
