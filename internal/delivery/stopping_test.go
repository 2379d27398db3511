package delivery_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// A release that was told to end runs on for a while, answers, and is gone then. Who goes back to it meanwhile waits for that end, and starts it
// again.
func TestBackToWhatIsBeingStopped(t *testing.T) {
	t.Parallel()
	told := func(what string) bool { return what == "stop done" }
	// In a new process, after the run was killed while it waited; empty: that run goes back itself, since it was interrupted then.
	ways := map[string]func(*provider) error{
		"interrupted": nil,
		"recovered":   func(p *provider) error { _, err := p.service().Recover(context.Background()); return err },
		"rolled back": func(p *provider) error { _, err := p.service().Rollback(context.Background(), "", ""); return err },
	}
	for slots, begin := range map[string]func() *world{"two slots": withoutRouter, "one slot": oneSlot} {
		for name, way := range ways {
			t.Run(slots+", "+name, func(t *testing.T) {
				t.Parallel()
				w, objects := begin(), newMemoryStore()
				first := newProvider(t, w, objects)
				if err := first.apply(context.Background(), "1"); err != nil {
					t.Fatal(err)
				}
				first.close()
				if way == nil {
					second := newProvider(t, w, objects)
					ctx, interrupt := context.WithCancel(context.Background())
					defer interrupt()
					second.process.before = func(_ int, what string) {
						if told(what) {
							interrupt()
						}
					}
					_ = wantSummary(t, second.apply(ctx, "2"), "Release Rolled Back")
					second.close()
				} else {
					killedWhen(t, w, objects, told, func(p *provider) { _ = p.apply(context.Background(), "2") })
				}
				after := newProvider(t, w, objects)
				defer after.close()
				if way != nil {
					if err := way(after); err != nil {
						t.Error(err)
					}
				}
				w.later()
				stands(t, w, after, "1")
			})
		}
	}
}

// How often an instance had died before it was told to end says nothing of the one that is started after it.
func TestDeathsBeforeAStop(t *testing.T) {
	t.Parallel()
	w, objects := withoutRouter(), newMemoryStore()
	p := newProvider(t, w, objects)
	if err := p.apply(t.Context(), "1"); err != nil {
		t.Fatal(err)
	}
	w.died = map[string]int{"blue": 5}
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	p.process.before = func(_ int, what string) {
		switch {
		case what == "stop done":
			interrupt()
		case what == "start done" && ctx.Err() != nil:
			w.set(func() { w.died["blue"], w.sick[releaseOf("1")] = 1, true })
		}
	}
	e := wantSummary(t, p.apply(ctx, "2"), "Restore Failed")
	wantSaid(t, e.Detail(), "instance blue/0 of "+string(releaseOf("1"))+" died while it started")
}

// A release that somebody stops answers for a while still. It is not finalized: it would be the only one, and then none would be.
func TestFinalizationRefusesWhatIsBeingStopped(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := applied(t, w, objects, "1")
	defer p.close()
	told := false
	p.process.before = func(_ int, what string) {
		if !told && strings.HasPrefix(what, "created ") && p.stageOpen() == service.StageFinalization {
			told = true
			w.set(func() { w.stopping["green"] = true })
		}
	}
	e := wantSummary(t, p.apply(t.Context(), "2"), "Release Rolled Back")
	wantSaid(t, e.What, "at its finalization: instance green/0 of "+string(releaseOf("2"))+" is about to be gone: it is being stopped")
	w.later()
	stands(t, w, p, "1")
	if n := p.state().Failures[releaseOf("2")]; n != 1 {
		t.Errorf("%d failures on evidence, want 1", n)
	}
}

// What is about to be gone gets no more traffic.
func TestRaiseOfWhatIsBeingStopped(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := applied(t, w, objects, "1")
	defer p.close()
	most := 0
	w.set(func() {
		w.moved = func(map[string]int) { // with the world held still
			if most = max(most, w.weights["green"]); most > 0 {
				w.stopping["green"] = true
			}
		}
	})
	e := wantSummary(t, p.applyWith(t.Context(), "2", atStep(0, nil)), "Release Rolled Back")
	wantSaid(t, e.What, "at its traffic split: instance green/0 of "+string(releaseOf("2"))+" is about to be gone: it is being stopped")
	if most != 10 {
		t.Errorf("it got %d %% of the traffic", most)
	}
	w.later()
	stands(t, w, p, "1")
}

// Beside a candidate, stable's instances that are about to be gone are missing.
func TestRefreshOfWhatIsBeingStopped(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := newProvider(t, w, objects)
	p.router = &service.Router{}
	defer p.close()
	if err := errors.Join(p.apply(t.Context(), "1"), p.applyWith(t.Context(), "2", delivery.SplitSpec{Weight: 25})); err != nil {
		t.Fatal(err)
	}
	for _, stopping := range []bool{false, true} {
		w.set(func() { w.stopping["blue"] = stopping })
		refreshed, err := p.service().Refresh(t.Context(), service.StageRelease)
		if err != nil || refreshed.Unreachable != nil {
			t.Fatal(err, refreshed.Unreachable)
		}
		if gone := len(refreshed.Gone) == 1; gone != stopping {
			t.Errorf("being stopped: %t, gone: %+v", stopping, refreshed.Gone)
		}
	}
}

// Who accepts what is about to be gone is told.
func TestAcceptanceOfWhatIsBeingStopped(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := parkedOver1(t, w, objects, 25)
	defer p.close()
	w.set(func() { w.stopping["green"], w.weights = true, map[string]int{"blue": 0, "green": 100} })
	plan, planned := p.service().AcceptPlan(t.Context())
	done, err := p.service().Accept(t.Context())
	if err := errors.Join(planned, err); err != nil {
		t.Fatal(err)
	}
	for _, said := range []string{plan, done} {
		if _, going, found := strings.Cut(said, "; ABOUT TO BE GONE: "); !found || going != "green/0 runs "+releaseOf("2").Label()+" (it is being stopped)" {
			t.Errorf("it says: %s", said)
		}
	}
}
