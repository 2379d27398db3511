package delivery_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// stands asserts what runs, where the traffic is, and that nothing else is there.
func stands(t *testing.T, w *world, p *provider, version string) {
	t.Helper()
	state := p.state()
	want := releaseOf(version)
	if state.Stable != want {
		t.Errorf("stable is %q, want %q", state.Stable, want)
	}
	if a := state.OpenAttempt(); a != nil {
		t.Errorf("attempt %d of %s is still open (stage %q)", a.Number, a.Release, a.Stage)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	stable := state.StableRelease()
	if stable == nil {
		t.Fatalf("no record of %s", want)
	}
	slot := stable.Placement.Slot
	if len(w.running) != 1 || w.running[slot] != want {
		t.Errorf("running is %v, want %s alone in %s", w.running, want, slot)
	}
	if w.router && (w.weights[slot] != 100 || w.weights["blue"]+w.weights["green"] != 100) {
		t.Errorf("weights are %v, want all with %s", w.weights, slot)
	}
	for id := range w.files {
		if id != want && !slices.Contains(state.Kept, id) {
			t.Errorf("files of %s are left, which no ledger knows", id)
		}
	}
}

func wantSummary(t *testing.T, err error, summary string) *delivery.Error {
	t.Helper()
	var e *delivery.Error
	if !errors.As(err, &e) || e.Summary != summary {
		t.Fatalf("got %v, want %s", err, summary)
	}
	return e
}

func TestSevenSteps(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	for _, version := range []string{"1", "2", "3"} {
		p := newProvider(t, w, objects)
		if err := p.apply(context.Background(), version); err != nil {
			t.Fatalf("apply %s: %v", version, err)
		}
		stands(t, w, p, version)
		p.close()
	}
}

// A failure at any stage puts back what was there, ends the attempt once and says so.
func TestFailureRestores(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil   func(*world)
		summary string
	}{
		"not healthy":              {func(w *world) { w.sick[releaseOf("2")] = true }, "Release Rolled Back"},
		"smoke test fails":         {func(w *world) { w.failing[releaseOf("2")] = true }, "Release Rolled Back"},
		"errors under traffic":     {func(w *world) { w.erring[releaseOf("2")] = true }, "Release Rolled Back"},
		"stable sick at preflight": {func(w *world) { w.sick[releaseOf("1")] = true }, "Preflight Failed"},
	} {
		t.Run(name, func(t *testing.T) {
			w, objects := newWorld(), newMemoryStore()
			p := newProvider(t, w, objects)
			if err := p.apply(context.Background(), "1"); err != nil {
				t.Fatal(err)
			}
			p.close()
			p = newProvider(t, w, objects)
			defer p.close()
			c.spoil(w)
			e := wantSummary(t, p.apply(context.Background(), "2"), c.summary)
			stands(t, w, p, "1")
			if len(e.Restored) == 0 || len(e.Leftovers) > 0 || e.Record == "" {
				t.Errorf("the error does not say what was restored, or names no record: %+v", e)
			}
			state := p.state()
			if last := state.Attempts[len(state.Attempts)-1]; last.End != service.EndRestored {
				t.Errorf("the attempt ended as %q", last.End)
			}
			for _, stage := range service.Stages {
				if passage := state.Standing(stage, 0, epochLater()); passage == nil || passage.Release != releaseOf("1") {
					t.Errorf("%s stands at %+v, want release 1", stage, passage)
				}
			}
		})
	}
}

func TestFirstReleaseThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := newProvider(t, w, newMemoryStore())
	defer p.close()
	w.failing[releaseOf("1")] = true
	_ = wantSummary(t, p.apply(context.Background(), "1"), "Release Rolled Back")
	state := p.state()
	if len(w.running) != 0 || len(w.files) != 0 || state.Stable != "" {
		t.Errorf("left behind: running %v, files %v, stable %q", w.running, w.files, state.Stable)
	}
	for _, stage := range service.Stages {
		if passage := state.Standing(stage, 0, epochLater()); passage != nil {
			t.Errorf("%s is said to stand", stage)
		}
	}
}

// An interrupt restores with the traffic first, whatever stage it comes in.
func TestCancelRestores(t *testing.T) {
	t.Parallel()
	for n := 1; ; n++ {
		w, objects := newWorld(), newMemoryStore()
		p := newProvider(t, w, objects)
		if err := p.apply(context.Background(), "1"); err != nil {
			t.Fatal(err)
		}
		p.close()
		p = newProvider(t, w, objects)
		ctx, cancel := context.WithCancel(context.Background())
		reached := false
		p.process.before = func(point int, _ string) {
			if point == n {
				reached = true
				cancel()
			}
		}
		err := p.apply(ctx, "2")
		cancel()
		if !reached {
			if err != nil {
				t.Fatal(err)
			}
			p.close()
			return
		}
		want := "1"
		if p.state().Stable == releaseOf("2") {
			want = "2" // The finalization had been decided.
		} else if err == nil {
			t.Fatalf("point %d: no error, though it was cancelled", n)
		}
		if a := p.state().OpenAttempt(); a != nil && !a.Busy() {
			// Between two stages the service is safe, and the next apply goes on.
			if err := p.apply(context.Background(), "2"); err != nil {
				t.Fatalf("point %d: go on: %v", n, err)
			}
			want = "2"
		}
		stands(t, w, p, want)
		p.close()
		if t.Failed() {
			t.Fatalf("cancelled at point %d: %v", n, err)
		}
	}
}

func TestParkedAtAWeightAndOn(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := newProvider(t, w, objects)
	defer p.close()
	ctx := context.Background()
	if err := p.apply(ctx, "1"); err != nil {
		t.Fatal(err)
	}
	if err := p.applyWith(ctx, "2", delivery.SplitSpec{Weight: 25}); err != nil {
		t.Fatal(err)
	}
	state := p.state()
	if a := state.OpenAttempt(); a == nil || a.Weight != 25 || w.weights["green"] != 25 {
		t.Fatalf("not parked at 25: %+v, %v", a, w.weights)
	}
	t.Run("reverted", func(t *testing.T) {
		if err := p.apply(ctx, "1"); err != nil {
			t.Fatal(err)
		}
		stands(t, w, p, "1")
	})
	t.Run("raised", func(t *testing.T) {
		if err := p.applyWith(ctx, "2", delivery.SplitSpec{Weight: 25}); err != nil {
			t.Fatal(err)
		}
		if err := p.apply(ctx, "2"); err != nil {
			t.Fatal(err)
		}
		stands(t, w, p, "2")
	})
}

func TestRollbackToTheKeptRelease(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := newProvider(t, w, objects)
	defer p.close()
	for _, version := range []string{"1", "2", "1"} {
		if err := p.apply(context.Background(), version); err != nil {
			t.Fatalf("apply %s: %v", version, err)
		}
		stands(t, w, p, version)
	}
	state := p.state()
	if last := state.Attempts[len(state.Attempts)-1]; last.Mode != service.ModeRollback || last.End != service.EndFinalized {
		t.Errorf("the last attempt is %s and %s, want a finalized rollback", last.Mode, last.End)
	}
}

func TestOperatorRollbackHolds(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := newProvider(t, w, objects)
	defer p.close()
	ctx := context.Background()
	for _, version := range []string{"1", "2"} {
		if err := p.apply(ctx, version); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.service().Rollback(ctx, "", "it smells"); err != nil {
		t.Fatal(err)
	}
	stands(t, w, p, "1")
	state := p.state()
	for _, stage := range service.Stages {
		if passage := state.Standing(stage, 0, epochLater()); passage == nil || passage.Release != releaseOf("1") {
			t.Errorf("%s stands at %+v, want release 1", stage, passage)
		}
	}
	_ = wantSummary(t, p.apply(ctx, "2"), "Release Held")
	stands(t, w, p, "1")
	if _, err := p.service().Unhold(ctx, ""); err != nil {
		t.Fatal(err)
	}
	if err := p.apply(ctx, "2"); err != nil {
		t.Fatal(err)
	}
	stands(t, w, p, "2")
}

// A restore whose stable release does not answer moves no traffic and calls a person.
func TestRestoreToASickStableFails(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := newProvider(t, w, objects)
	defer p.close()
	ctx := context.Background()
	if err := p.apply(ctx, "1"); err != nil {
		t.Fatal(err)
	}
	if err := p.applyWith(ctx, "2", delivery.SplitSpec{Weight: 50}); err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	w.erring[releaseOf("2")], w.sick[releaseOf("1")] = true, true
	w.mu.Unlock()
	// It is not raised while there is nothing to go back to.
	if e := wantSummary(t, p.apply(ctx, "2"), "Release Paused"); !strings.Contains(e.What, string(releaseOf("1"))) {
		t.Errorf("it does not say why: %s", e.What)
	}
	e := wantSummary(t, p.apply(ctx, "3"), "Restore Failed")
	if len(e.Leftovers) == 0 || !strings.Contains(e.Detail(), "accept") {
		t.Errorf("the error does not say what is left and what to do: %s", e.Detail())
	}
	if e.Running == "" || !strings.Contains(e.Running, "the router's weights are blue 0 %, green 100 %") && !strings.Contains(e.Running, "the router's weights are blue 50 %, green 50 %") {
		t.Errorf("what runs now is not told truly: %s", e.Running)
	}
	if w.weights["green"] == 0 || len(w.running) != 2 {
		t.Errorf("weights %v, running %v: both had to stay", w.weights, w.running)
	}
	_ = wantSummary(t, p.apply(ctx, "3"), "Restore Unfinished")
	w.mu.Lock()
	w.sick[releaseOf("1")] = false
	w.mu.Unlock()
	if _, err := p.service().Recover(ctx); err != nil {
		t.Fatal(err)
	}
	stands(t, w, p, "1")
}

func TestLostUpdateIsRefused(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := newProvider(t, w, objects)
	ctx := context.Background()
	if err := p.apply(ctx, "1"); err != nil {
		t.Fatal(err)
	}
	owner := p.state().Attempts[0].Passages[service.StagePreflight].Owner
	if err := p.apply(ctx, "2"); err != nil {
		t.Fatal(err)
	}
	p.close()
	p = newProvider(t, w, objects)
	defer p.close()
	// A plan that was made when attempt 1 was the newest.
	_, err := p.service().Preflight(ctx, delivery.Request{Release: releaseOf("3"), Owner: owner, PriorAttempt: 1, Seen: 1}, delivery.PreflightSpec{})
	_ = wantSummary(t, err, "Service Changed Since Plan")
	stands(t, w, p, "2")
	if n := p.state().LastAttempt; n != 2 {
		t.Errorf("attempt %d was opened", n)
	}
}

// An apply that ended between two stages, before anything was placed, leaves an open attempt; another release abandons it.
func TestAttemptBetweenTwoStagesIsAbandoned(t *testing.T) {
	t.Parallel()
	for _, next := range []string{"1", "3"} {
		t.Run(next, func(t *testing.T) {
			w, objects := newWorld(), newMemoryStore()
			p := newProvider(t, w, objects)
			ctx := context.Background()
			if err := p.apply(ctx, "1"); err != nil {
				t.Fatal(err)
			}
			passed := p.state().Attempts[0].Passages
			p.close()
			p = newProvider(t, w, objects)
			request := func(stage service.Stage) delivery.Request {
				return delivery.Request{Release: releaseOf("2"), Owner: passed[stage].Owner, PriorAttempt: 1, Seen: 1, WorstCase: time.Minute}
			}
			if _, err := p.service().Preflight(ctx, request(service.StagePreflight), delivery.PreflightSpec{}); err != nil {
				t.Fatal(err)
			}
			if _, err := p.service().Checkpoint(ctx, request(service.StageCheckpoint), delivery.CheckpointSpec{Retain: 3}); err != nil {
				t.Fatal(err)
			}
			p.close()
			p = newProvider(t, w, objects)
			defer p.close()
			if err := p.apply(ctx, next); err != nil {
				t.Fatal(err)
			}
			stands(t, w, p, next)
			if a := p.state().Attempt(2); a == nil || a.End != service.EndAbandoned {
				t.Errorf("attempt 2 is %+v, want it abandoned", a)
			}
		})
	}
}

func TestNoRouter(t *testing.T) {
	t.Parallel()
	for _, slots := range [][]string{{"blue", "green"}, {"blue"}} {
		t.Run(strings.Join(slots, "+"), func(t *testing.T) {
			w, objects := newWorld(), newMemoryStore()
			w.router, w.slots = false, slots
			p := newProvider(t, w, objects)
			defer p.close()
			for _, version := range []string{"1", "2"} {
				if err := p.apply(context.Background(), version); err != nil {
					t.Fatalf("apply %s: %v", version, err)
				}
				stands(t, w, p, version)
			}
			w.failing[releaseOf("3")] = true
			_ = wantSummary(t, p.apply(context.Background(), "3"), "Release Rolled Back")
			stands(t, w, p, "2")
			if err := p.apply(context.Background(), "1"); err != nil {
				t.Fatalf("roll back: %v", err)
			}
			stands(t, w, p, "1")
		})
	}
}

// A release that was paused has passed nothing: the next apply judges the same step again.
func TestPausedIsJudgedAgain(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := newProvider(t, w, objects)
	defer p.close()
	ctx := context.Background()
	if err := p.apply(ctx, "1"); err != nil {
		t.Fatal(err)
	}
	undecided := quickAnalysis()
	undecided.MinRequests, undecided.MaxPause = 1_000_000_000, service.Duration(20*time.Millisecond)
	split := delivery.SplitSpec{Weight: 100, Steps: []delivery.Step{{Weight: 10}}, Analysis: undecided}
	for range 2 {
		_ = wantSummary(t, p.applyWith(ctx, "2", split), "Release Paused")
		if a := p.state().OpenAttempt(); a == nil || a.Weight != 10 || a.Judged != 0 {
			t.Fatalf("want it at 10 %%, not passed: %+v", a)
		}
	}
	if err := p.apply(ctx, "2"); err != nil {
		t.Fatal(err)
	}
	stands(t, w, p, "2")
}

// A store that does not answer stands between nobody and the stable release: while the lease cannot be another's yet,
// traffic goes back.
func TestStoreOutageUnderTraffic(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := newProviderFor(t, w, objects, shortLease)
	ctx := context.Background()
	if err := p.apply(ctx, "1"); err != nil {
		t.Fatal(err)
	}
	split := delivery.SplitSpec{Weight: 100, Steps: []delivery.Step{{Weight: 50, Pause: service.Duration(time.Hour)}}}
	failed := make(chan error, 1)
	go func() { failed <- p.applyWith(ctx, "2", split) }()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if a := p.state().OpenAttempt(); a != nil && a.Weight == 50 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the candidate never got its 50 %")
		}
	}
	objects.fail(true)
	e := wantSummary(t, <-failed, "Lease Lost")
	w.mu.Lock()
	weights := w.weights
	w.mu.Unlock()
	if weights["blue"] != 100 || len(e.Restored) == 0 {
		t.Errorf("weights are %v after the store was gone: %s", weights, e.Detail())
	}
	objects.fail(false)
	p = newProvider(t, w, objects)
	defer p.close()
	if _, err := p.service().Recover(ctx); err != nil {
		t.Fatal(err)
	}
	stands(t, w, p, "1")
}

// A router that does not answer during a restore calls a person, and a recovery finishes it.
func TestRouterUnreachableDuringTheRestore(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := newProvider(t, w, newMemoryStore())
	defer p.close()
	ctx := context.Background()
	if err := p.apply(ctx, "1"); err != nil {
		t.Fatal(err)
	}
	if err := p.applyWith(ctx, "2", delivery.SplitSpec{Weight: 50}); err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	w.unreachable = true
	w.mu.Unlock()
	_ = wantSummary(t, p.apply(ctx, "1"), "Restore Failed")
	w.mu.Lock()
	w.unreachable = false
	w.mu.Unlock()
	if _, err := p.service().Recover(ctx); err != nil {
		t.Fatal(err)
	}
	stands(t, w, p, "1")
}

// Back past a kept release: every stage reads what runs.
func TestOperatorRollbackPastAKeptRelease(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := newProvider(t, w, newMemoryStore())
	defer p.close()
	p.keep = 2
	ctx := context.Background()
	for _, version := range []string{"1", "2", "3"} {
		if err := p.apply(ctx, version); err != nil {
			t.Fatal(err)
		}
	}
	for _, version := range []string{"1", "2"} {
		if _, err := p.service().Rollback(ctx, releaseOf(version), ""); err != nil {
			t.Fatal(err)
		}
		stands(t, w, p, version)
		if passage := p.state().Standing(service.StageRelease, 0, epochLater()); passage == nil || passage.Release != releaseOf(version) {
			t.Errorf("the release reads %+v, want %s", passage, version)
		}
	}
}

// A preflight that is too old does not begin an execution, and a checkpoint neither.
func TestExpiredPassagesBeginNothing(t *testing.T) {
	t.Parallel()
	for summary, valid := range map[string][2]service.Duration{
		"Preflight Expired":  {service.Duration(time.Nanosecond), service.Duration(time.Hour)},
		"Checkpoint Expired": {service.Duration(time.Hour), service.Duration(time.Nanosecond)},
	} {
		t.Run(summary, func(t *testing.T) {
			w := newWorld()
			p := newProvider(t, w, newMemoryStore())
			defer p.close()
			ctx := context.Background()
			if _, err := p.service().Define(ctx, delivery.DefineRequest{Definition: service.Definition{ID: web}, Create: true}); err != nil {
				t.Fatal(err)
			}
			request := delivery.Request{Release: releaseOf("1"), Create: true, WorstCase: time.Minute}
			if _, err := p.service().Preflight(ctx, request, delivery.PreflightSpec{ValidFor: valid[0]}); err != nil {
				t.Fatal(err)
			}
			if _, err := p.service().Checkpoint(ctx, request, delivery.CheckpointSpec{Retain: 1, ValidFor: valid[1]}); err != nil {
				t.Fatal(err)
			}
			_, err := p.service().Execute(ctx, request, delivery.ReleaseSpec{Content: content("1"), Health: quickHealth})
			_ = wantSummary(t, err, summary)
			if len(w.files) != 0 {
				t.Errorf("something was placed: %v", w.files)
			}
		})
	}
}

// A freeze is refused before anything is touched, and only an override that names the window passes it.
func TestFreezeIsRefusedUnlessOverridden(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := newProvider(t, w, newMemoryStore())
	defer p.close()
	ctx := context.Background()
	if err := p.apply(ctx, "1"); err != nil {
		t.Fatal(err)
	}
	p.preflight = delivery.PreflightSpec{
		Window:   &delivery.Window{Freezes: []string{"2000-01-01/2999-12-31"}},
		Override: &delivery.Override{Skip: []string{"nothing"}, Reason: "a test"},
	}
	_ = wantSummary(t, p.apply(ctx, "2"), "Preflight Failed")
	p.preflight.Override.Skip = []string{"window"}
	if err := p.apply(ctx, "2"); err != nil {
		t.Fatal(err)
	}
	stands(t, w, p, "2")
}

// Work on a service that is not there is refused, and writes nothing.
func TestUnknownServiceChangesNothing(t *testing.T) {
	t.Parallel()
	objects := newMemoryStore()
	p := newProvider(t, newWorld(), objects)
	defer p.close()
	ctx := context.Background()
	for name, act := range map[string]func() error{
		"preflight": func() error {
			_, err := p.service().Preflight(ctx, delivery.Request{Release: releaseOf("1"), Create: true}, delivery.PreflightSpec{})
			return err
		},
		"recover":  func() error { _, err := p.service().Recover(ctx); return err },
		"rollback": func() error { _, err := p.service().Rollback(ctx, "", ""); return err },
		"restore":  func() error { _, err := p.service().RestoreCheckpoint(ctx, "1", false, ""); return err },
		"unhold":   func() error { _, err := p.service().Unhold(ctx, ""); return err },
		"accept":   func() error { _, err := p.service().Accept(ctx); return err },
	} {
		t.Run(name, func(t *testing.T) {
			_ = wantSummary(t, act(), "Service Not Found")
			if keys, _ := objects.List(ctx, ""); len(keys) > 0 {
				t.Errorf("it wrote %v", keys)
			}
		})
	}
}
