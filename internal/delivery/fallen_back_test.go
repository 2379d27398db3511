package delivery_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
)

// A router that is reloaded in the middle of a restore has the weights of before again: they are set once more, and a candidate is not taken away
// while it has traffic.
func TestRestoreMovesTrafficOnceMore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		// at is when the weights fall back: "weights" right after they were set, "drain" while the candidate is drained, "removed" when it is gone.
		at     string
		always bool
	}{
		"as soon as they are set": {at: "weights"},
		"while it is drained":     {at: "drain"},
		"when it is gone":         {at: "removed"},
		"again and again":         {at: "weights", always: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, objects := newWorld(), newMemoryStore()
			p := applied(t, w, objects, "1")
			defer p.close()
			var before map[string]int
			fellBack, drained := 0, []int{} // with what share of the traffic
			fall := func(at string) {       // with the world held still
				if at == c.at && before != nil && (fellBack == 0 || c.always) {
					w.weights = maps.Clone(before)
					fellBack++
				}
			}
			w.set(func() {
				w.erring[releaseOf("2")] = true
				w.moved = func(had map[string]int) {
					if w.weights["blue"] == 100 && had["green"] > 0 {
						before = had
					}
					fall("weights")
				}
				w.draining = func(context.Context) error {
					w.set(func() {
						drained = append(drained, w.weights["green"])
						fall("drain")
					})
					return nil
				}
			})
			p.process.before = func(_ int, what string) {
				if what == "remove done" {
					w.set(func() { fall("removed") })
				}
			}
			summary := "Release Rolled Back"
			if c.always {
				summary = "Restore Failed"
			}
			e := wantSummary(t, p.applyWith(t.Context(), "2", atStep(0, comparing())), summary)
			w.mu.Lock()
			defer w.mu.Unlock()
			if said := strings.Join(e.Restored, "\n"); fellBack == 0 || !strings.Contains(said, "the router had blue 90 %, green 10 % again") {
				t.Errorf("it fell back %d times, and what was restored is\n%s", fellBack, said)
			}
			if len(w.cutOff) > 0 {
				t.Errorf("stopped under traffic: %v", w.cutOff)
			}
			if !c.always && slices.Max(drained) > 0 {
				t.Errorf("drained under traffic: %v", drained)
			}
			if !c.always && (w.weights["blue"] != 100 || w.running["green"] != "") {
				t.Errorf("the weights are %v, and there runs %v", w.weights, w.running)
			}
			if c.always && (w.running["green"] != releaseOf("2") || !strings.Contains(strings.Join(e.Leftovers, "\n"), "is still there: the router gives it 10 % of the traffic again")) {
				t.Errorf("there runs %v, and is left\n%s", w.running, strings.Join(e.Leftovers, "\n"))
			}
		})
	}
}

// What a router that is reloaded gives back to the release that a rollback is about to stop is taken away once more, and what came of it is drained.
func TestRollbackStopsNothingUnderTraffic(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := applied(t, w, objects, "1", "2")
	defer p.close()
	drains := 0
	w.set(func() {
		w.draining = func(context.Context) error {
			w.set(func() {
				if drains++; drains == 1 {
					w.weights = map[string]int{"blue": 0, "green": 100}
				}
			})
			return nil
		}
	})
	if err := p.rollBack(); err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.cutOff) > 0 || w.weights["blue"] != 100 || w.running["green"] != "" || drains != 2 {
		t.Errorf("stopped under traffic: %v; the weights are %v, there runs %v, and it was drained %d times", w.cutOff, w.weights, w.running, drains)
	}
}
