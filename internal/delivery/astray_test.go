package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// fleetOfThree is a service on three hosts where version 3 is stable, and 2 and 1 are kept ready.
func fleetOfThree(t *testing.T, w *world) *provider {
	t.Helper()
	p := newFleet(t, w, "a", "b", "c")
	p.keep = 2
	for _, version := range []string{"2", "3"} {
		if err := p.apply(t.Context(), version); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// back puts right what a rollback left out, in the ways that there are.
var back = map[string]func(*provider) error{
	"recover": func(p *provider) error { _, err := p.service().Recover(context.Background()); return err },
	"apply":   func(p *provider) error { _, err := redefine(p, "a", "b", "c"); return err },
}

// settled asserts that a version is all that runs, on all hosts, and that a release follows it.
func settled(t *testing.T, w *world, p *provider, version string) {
	t.Helper()
	s := p.state()
	slot := s.StableRelease().Placement.Slot
	runsOn(t, w, version, slot+"/a", slot+"/b", slot+"/c")
	if s.Stable != releaseOf(version) || delivery.Unsized(s) || s.Untidied() != nil || len(s.LeftOut) > 0 {
		t.Errorf("stable is %s, unsized %t, untidied %v, left out %v", s.Stable, delivery.Unsized(s), s.Untidied(), s.LeftOut)
	}
	behind := slices.Sorted(slices.Values(strings.Fields(w.hostsBehind(slot))))
	if w.router && (!slices.Equal(behind, []string{"a", "b", "c"}) || w.weights[slot] != 100) {
		t.Errorf("the router sends to %v of %s, at %v", behind, slot, w.weights)
	}
	if err := p.apply(context.Background(), "5"); err != nil {
		t.Fatal(err)
	}
	slot = p.state().StableRelease().Placement.Slot
	runsOn(t, w, "5", slot+"/a", slot+"/b", slot+"/c")
}

// What runs on a host that one rollback left out is not forgotten by the next one: it is stopped there when the host is back.
func TestRollbackAfterRollbackWithoutAHost(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	// Each ends with b silent, and with what is stable then.
	for name, scenario := range map[string]func(*testing.T, *world, *provider) (version string){
		"the release that is stable, then another": func(t *testing.T, w *world, p *provider) string {
			w.set(func() { w.sick[releaseOf("4")] = true })
			_ = wantSummary(t, p.apply(ctx, "4"), "Release Rolled Back")
			w.set(func() { w.sick = map[service.ReleaseID]bool{}; w.silent["b"] = true })
			done, err := p.service().RestoreCheckpoint(ctx, "4", false, "")
			if err != nil || !strings.Contains(done, string(releaseOf("3"))+" is not known to run there") {
				t.Fatalf("%s, %v", done, err)
			}
			if _, err := p.service().Rollback(ctx, releaseOf("2"), ""); err != nil {
				t.Fatal(err)
			}
			return "2"
		},
		"one that was started there, then another": func(t *testing.T, w *world, p *provider) string {
			_, second := slotsOf(w)
			p.process.before = func(_ int, what string) {
				if what == "start done" {
					w.set(func() { w.silent["b"] = w.silent["b"] || w.running[second+"/b"] == releaseOf("2") })
				}
			}
			if done, err := p.service().Rollback(ctx, releaseOf("2"), ""); err != nil || !strings.Contains(done, "LEFT OUT: host b") {
				t.Fatalf("%s, %v", done, err)
			}
			p.process.before = nil
			if _, err := p.service().Rollback(ctx, releaseOf("1"), ""); err != nil {
				t.Fatal(err)
			}
			return "1"
		},
		"another one that came to nothing": func(t *testing.T, w *world, p *provider) string {
			w.set(func() { w.silent["b"] = true })
			if _, err := p.service().Rollback(ctx, releaseOf("2"), ""); err != nil {
				t.Fatal(err)
			}
			w.set(func() { w.sick[releaseOf("1")] = true })
			_, err := p.service().Rollback(ctx, releaseOf("1"), "")
			_ = wantSummary(t, err, "Release Rolled Back")
			return "2"
		},
	} {
		for how, putRight := range back {
			for _, slots := range [][]string{{"blue", "green"}, {"blue"}} {
				t.Run(fmt.Sprintf("%s, %s, %d", name, how, len(slots)), func(t *testing.T) {
					t.Parallel()
					w := newWorld()
					w.slots, w.router = slots, len(slots) > 1
					p := fleetOfThree(t, w)
					version := scenario(t, w, p)
					w.set(func() { delete(w.silent, "b") })
					if err := putRight(p); err != nil {
						t.Fatal(err)
					}
					settled(t, w, p, version)
				})
			}
		}
	}
}

// A host that is back takes part in the next rollback, whatever runs there still of the one before.
func TestRollbackWithAHostThatIsBack(t *testing.T) {
	t.Parallel()
	for _, slots := range [][]string{{"blue", "green"}, {"blue"}} {
		w := newWorld()
		w.slots, w.router = slots, len(slots) > 1
		p := fleetOfThree(t, w)
		_, second := slotsOf(w)
		p.process.before = func(_ int, what string) {
			if what == "start done" {
				w.set(func() { w.silent["b"] = w.silent["b"] || w.running[second+"/b"] == releaseOf("2") })
			}
		}
		if _, err := p.service().Rollback(t.Context(), releaseOf("2"), ""); err != nil {
			t.Fatal(err)
		}
		p.process.before = nil
		w.set(func() { delete(w.silent, "b") })
		if done, err := p.service().Rollback(t.Context(), releaseOf("1"), ""); err != nil || strings.Contains(done, "LEFT OUT") {
			t.Fatalf("%s, %v", done, err)
		}
		settled(t, w, p, "1")
	}
}

// A release that comes to another slot than the one that it was in is stopped in that one too, where a host did not answer when it was to be.
func TestRollbackToAnotherSlotThanBefore(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]func(*world){
		"the host stays silent":               func(*world) {},
		"it is back, and nothing stops there": func(w *world) { delete(w.silent, "b"); w.broken["stop"] = errors.New("it does not end") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rolledBackToAnotherSlot(t, meanwhile)
		})
	}
}

func rolledBackToAnotherSlot(t *testing.T, meanwhile func(*world)) {
	t.Helper()
	w := newWorld()
	p := newFleet(t, w, "a", "b", "c")
	p.keep = 3
	for _, version := range []string{"2", "3", "4"} {
		if err := p.apply(t.Context(), version); err != nil {
			t.Fatal(err)
		}
	}
	rollBack := func(version string) error {
		_, err := p.service().Rollback(context.Background(), releaseOf(version), "")
		return err
	}
	w.set(func() { w.silent["b"] = true })
	if err := rollBack("3"); err != nil { // To blue. It is not on b, so that a restore does not wait for that.
		t.Fatal(err)
	}
	w.set(func() { delete(w.silent, "b") })
	w.silencedOnceStarted(p, "green/b", "b", func() {})
	_ = wantSummary(t, rollBack("1"), "Release Rolled Back")
	p.process.before = nil
	w.set(func() { w.sick = map[service.ReleaseID]bool{} })
	if err := rollBack("2"); err != nil { // To green.
		t.Fatal(err)
	}
	w.set(func() { meanwhile(w) })
	if err := rollBack("1"); err != nil { // To blue.
		t.Fatal(err)
	}
	if got := w.runningOn("green", "1"); got != "b" {
		t.Fatalf("1 runs on %q of green", got)
	}
	w.set(func() { delete(w.silent, "b"); delete(w.broken, "stop") })
	if _, err := p.service().Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	settled(t, w, p, "1")
}

// What was started on a host that fell silent is not forgotten at whichever entry the rollback is killed, where it comes to nothing when it
// is finished.
func TestRollbackWithoutAHostIsKilledAndFails(t *testing.T) {
	t.Parallel()
	entries := 0
	startedThenKilled(t, func(what string) bool {
		if strings.HasPrefix(what, "create ") {
			entries++
		}
		return false
	})
	if entries < 8 {
		t.Fatalf("only %d entries", entries)
	}
	for at := range entries {
		n := 0
		startedThenKilled(t, func(what string) bool {
			if strings.HasPrefix(what, "create ") {
				n++
			}
			return n > at
		})
		if t.Failed() {
			t.Fatalf("killed at entry %d of %d", at, entries)
		}
	}
}

// startedThenKilled has b fall silent when a rollback has started 1 there, and the run killed. Then 1 is of no use, until b is back.
func startedThenKilled(t *testing.T, when func(what string) bool) {
	t.Helper()
	ctx := context.Background()
	w, objects := newWorld(), newMemoryStore()
	p := newProvider(t, w, objects)
	p.platform, p.keep = onHosts("a", "b", "c"), 2
	for _, version := range []string{"1", "2", "3"} {
		if err := p.apply(ctx, version); err != nil {
			t.Fatal(err)
		}
	}
	w.set(func() { w.silent["b"] = true })
	if _, err := p.service().Rollback(ctx, releaseOf("2"), ""); err != nil { // Not on b, so that a restore does not wait for that.
		t.Fatal(err)
	}
	p.close()
	w.set(func() { delete(w.silent, "b") })
	killed := newProvider(t, w, objects)
	killed.process.killWhen = when
	killed.process.before = func(_ int, what string) {
		if what == "start done" {
			w.set(func() { w.silent["b"] = w.silent["b"] || w.running["blue/b"] == releaseOf("1") })
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = killed.service().Rollback(ctx, releaseOf("1"), "")
	}()
	<-done
	if !killed.process.dead() {
		killed.close()
	}
	next := newProvider(t, w, objects)
	defer next.close()
	next.platform = onHosts("a", "b", "c")
	w.set(func() { w.sick[releaseOf("1")] = true })
	_, _ = next.service().Recover(ctx)
	w.set(func() { delete(w.silent, "b"); w.sick = map[service.ReleaseID]bool{} })
	if _, err := redefine(next, "a", "b", "c"); err != nil {
		t.Fatal(err)
	}
	settled(t, w, next, next.state().Stable.Label()[:1])
}
