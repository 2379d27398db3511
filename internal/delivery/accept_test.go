package delivery_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// parkedOver1 has release 2 stay at a weight over release 1.
func parkedOver1(t *testing.T, w *world, objects *memoryStore, weight int) *provider {
	t.Helper()
	p := newProvider(t, w, objects)
	if err := p.apply(context.Background(), "1"); err != nil {
		t.Fatal(err)
	}
	if err := p.applyWith(context.Background(), "2", delivery.SplitSpec{Weight: weight}); err != nil {
		t.Fatal(err)
	}
	return p
}

// What an operator accepts while traffic is split stays as it is: neither a recovery nor a later release stops what has traffic. What
// carries most of it is stable.
func TestAcceptOfASplit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		weight int
		stable string
	}{"most with stable": {25, "1"}, "most with the candidate": {75, "2"}, "the half": {50, "1"}} {
		for _, next := range []string{"1", "2", "3"} {
			t.Run(name+", then "+next, func(t *testing.T) {
				w, objects := newWorld(), newMemoryStore()
				p := parkedOver1(t, w, objects, c.weight)
				plan, err := p.service().AcceptPlan(context.Background())
				if err != nil || !strings.Contains(plan, string(releaseOf(c.stable))+" carries the traffic") {
					t.Errorf("%v: %s", err, plan)
				}
				if _, err := p.service().Accept(context.Background()); err != nil {
					t.Fatal(err)
				}
				p.close()
				p = newProvider(t, w, objects)
				if _, err := p.service().Recover(context.Background()); err != nil {
					t.Fatal(err)
				}
				w.mu.Lock()
				if len(w.running) != 2 || w.weights["green"] != c.weight {
					t.Errorf("it did not stay as it was: %v run, weights %v", w.running, w.weights)
				}
				w.mu.Unlock()
				if state := p.state(); state.Stable != releaseOf(c.stable) || len(state.Kept) != 1 {
					t.Errorf("stable is %s, kept are %v", state.Stable, state.Kept)
				}
				p.close()
				p = newProvider(t, w, objects)
				defer p.close()
				if err := p.apply(context.Background(), next); err != nil {
					t.Fatal(err)
				}
				neverCutOff(t, w)
				oneEndEach(t, objects)
				stands(t, w, p, next)
			})
		}
	}
}

// Where the traffic goes to nothing that runs, there is nothing to accept.
func TestAcceptOfTrafficToNowhere(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := parkedOver1(t, w, objects, 25)
	defer p.close()
	w.set(func() { w.weights = map[string]int{"blue": 0, "green": 100}; delete(w.running, "green") })
	_, err := p.service().AcceptPlan(context.Background())
	_ = wantSummary(t, err, "Nothing Carries The Traffic")
	_, err = p.service().Accept(context.Background())
	_ = wantSummary(t, err, "Nothing Carries The Traffic")
	if state := p.state(); state.OpenAttempt() == nil || state.Stable != releaseOf("1") {
		t.Errorf("the ledger says that %s is stable", state.Stable)
	}
}

// bothRun leaves two releases running where no router says which of them is asked, and a restore that failed.
func bothRun(t *testing.T, w *world, objects *memoryStore) *provider {
	t.Helper()
	applied(t, w, objects, "1").close()
	p := newProvider(t, w, objects)
	w.set(func() {
		w.broken["stop"], w.broken["remove"] = errors.New("it does not end"), errors.New("it does not end")
	})
	_ = wantSummary(t, p.apply(context.Background(), "2"), "Restore Failed")
	w.set(func() { clear(w.broken) })
	if len(w.running) != 2 {
		t.Fatalf("%v run", w.running)
	}
	return p
}

// Without a router of two that run stable is taken, unless it does not answer.
func TestAcceptWithoutARouter(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sick   []string
		stable string
	}{"both answer": {nil, "1"}, "stable does not answer": {[]string{"1"}, "2"}, "the candidate does not answer": {[]string{"2"}, "1"}} {
		t.Run(name, func(t *testing.T) {
			w, objects := withoutRouter(), newMemoryStore()
			p := bothRun(t, w, objects)
			defer p.close()
			w.set(func() {
				for _, version := range c.sick {
					w.sick[releaseOf(version)] = true
				}
			})
			if _, err := p.service().Accept(context.Background()); err != nil {
				t.Fatal(err)
			}
			state := p.state()
			if state.Stable != releaseOf(c.stable) || state.Broken != nil {
				t.Errorf("stable is %s (broken: %v)", state.Stable, state.Broken)
			}
			if len(w.running) != 2 || len(state.Kept) != 1 {
				t.Errorf("%v run, kept are %v: nothing was to be stopped or forgotten", w.running, state.Kept)
			}
		})
	}
	t.Run("neither answers", func(t *testing.T) {
		w, objects := withoutRouter(), newMemoryStore()
		p := bothRun(t, w, objects)
		defer p.close()
		w.set(func() { w.sick[releaseOf("1")], w.sick[releaseOf("2")] = true, true })
		_, err := p.service().Accept(context.Background())
		_ = wantSummary(t, err, "Nothing Carries The Traffic")
	})
}

// A restore that failed, of a stable that does not answer: an operator takes the candidate for stable, and the service takes releases.
func TestAcceptOfAFailedRestore(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := parkedOver1(t, w, objects, 50)
	w.set(func() { w.sick[releaseOf("1")] = true })
	_ = wantSummary(t, p.apply(context.Background(), "3"), "Restore Failed")
	w.set(func() { w.weights = map[string]int{"blue": 0, "green": 100} })
	if _, err := p.service().Accept(context.Background()); err != nil {
		t.Fatal(err)
	}
	p.close()
	p = newProvider(t, w, objects)
	defer p.close()
	if passage := p.state().Standing(service.StageRelease, 0, epochLater()); passage == nil || passage.Release != releaseOf("2") {
		t.Errorf("the release reads %+v, want 2", passage)
	}
	if err := p.apply(context.Background(), "3"); err != nil {
		t.Fatal(err)
	}
	stands(t, w, p, "3")
	neverCutOff(t, w)
	oneEndEach(t, objects)
}

// Killed in the middle, and again: what was accepted, or is recovered instead, agrees with the world.
func TestAcceptIsKilled(t *testing.T) {
	t.Parallel()
	for point := 1; ; point++ {
		w, objects := newWorld(), newMemoryStore()
		parkedOver1(t, w, objects, 75).close()
		more := crash(t, w, objects, point, func(p *provider) { _, _ = p.service().Accept(context.Background()) })
		p := newProvider(t, w, objects)
		for _, act := range []func() error{
			func() error { _, err := p.service().Recover(context.Background()); return err },
			func() error { _, err := p.service().Accept(context.Background()); return err },
			func() error { return p.apply(context.Background(), "3") },
		} {
			if err := act(); err != nil {
				t.Errorf("after a kill at point %d: %v", point, err)
			}
			wantTrafficToSomethingThatRuns(t, w)
		}
		stands(t, w, p, "3")
		neverCutOff(t, w)
		oneEndEach(t, objects)
		p.close()
		if t.Failed() {
			t.Fatalf("killed at point %d", point)
		}
		if !more {
			return
		}
	}
}

func wantTrafficToSomethingThatRuns(t *testing.T, w *world) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for slot, weight := range w.weights {
		if weight > 0 && w.running[slot] == "" {
			t.Errorf("slot %s has %d %% of the traffic, and runs nothing", slot, weight)
		}
	}
}

// What is kept beside stable by an operator's word is kept ready: it can be rolled back to.
func TestAcceptedSplitIsRolledBack(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := parkedOver1(t, w, objects, 75)
	defer p.close()
	if _, err := p.service().Accept(context.Background()); err != nil {
		t.Fatal(err)
	}
	if kept := p.state().Kept; !slices.Contains(kept, releaseOf("1")) {
		t.Fatalf("kept are %v", kept)
	}
	if _, err := p.service().Rollback(context.Background(), "", ""); err != nil {
		t.Fatal(err)
	}
	stands(t, w, p, "1")
	neverCutOff(t, w)
}
