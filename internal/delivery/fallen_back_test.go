package delivery_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
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
				if what == "remove to its end done" {
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

// A step does not pass at a weight that the router has lost meanwhile: it is set again, with a warning, and judged anew; where it is lost again, the
// release is put back, without a word against it.
func TestStepIsJudgedAtItsWeight(t *testing.T) {
	t.Parallel()
	for name, always := range map[string]bool{"once": false, "always": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, objects := newWorld(), newMemoryStore()
			p := applied(t, w, objects, "1")
			defer p.close()
			fellBack := 0
			w.set(func() {
				w.moved = func(had map[string]int) {
					if w.weights["green"] == 50 && (fellBack == 0 || always) {
						w.weights = maps.Clone(had)
						fellBack++
					}
				}
			})
			err := p.apply(t.Context(), "2")
			_, events := told(t, objects)
			var set, passed []int // the step of 50 %: how often it was set, and when it passed
			for n, e := range events {
				switch {
				case e.Type == ledger.ChangeMade && e.Change.Target == "blue 50 %, green 50 %":
					set = append(set, n)
				case passes(e) && e.Release == releaseOf("2") && *e.Weight == 50:
					passed = append(passed, n)
				}
			}
			if len(set) != 2 || fellBack == 0 {
				t.Fatalf("it was set %d times, and fell back %d times", len(set), fellBack)
			}
			if always {
				e := wantSummary(t, err, "Release Rolled Back")
				if len(passed) > 0 || !strings.Contains(e.What, "the router has blue 90 %, green 10 %, also after its weights were set again") || !strings.Contains(e.Next, "Mend what is named") {
					t.Errorf("it passed at %v, and it is said: %s", passed, e.Detail())
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(passed) != 1 || passed[0] < set[1] || p.warned("Step Repeated") != 1 {
				t.Errorf("it was set at %v, passed at %v, with %d warnings", set, passed, p.warned("Step Repeated"))
			}
			looks := 0
			for _, e := range events[set[1]:passed[0]] {
				if judges(e) {
					looks++
				}
			}
			if looks == 0 {
				t.Error("it was not judged anew")
			}
			stands(t, w, p, "2")
		})
	}
}

// Before a release is finalized, its bake time is judged with all of the traffic, too.
func TestBakeIsJudgedAtFullWeight(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := applied(t, w, objects, "1")
	defer p.close()
	p.bake = 20 * time.Millisecond
	once := false
	w.checking = func(_ context.Context, _ string, r service.ReleaseID) {
		if w.weightOf("green") == 100 && r == releaseOf("2") && !once { // the verification
			once = true
			w.set(func() { w.weights = map[string]int{"blue": 100, "green": 0} })
		}
	}
	if err := p.apply(t.Context(), "2"); err != nil {
		t.Fatal(err)
	}
	_, events := told(t, objects)
	set, closed := 0, 0
	for n, e := range events {
		switch {
		case e.Type == ledger.ChangeMade && e.Change.Target == "green 100 %":
			set = n
		case e.Type == ledger.AttemptClosed:
			closed = n
		}
	}
	if !once || set == 0 || set > closed {
		t.Errorf("it was set again at %d, and finalized at %d", set, closed)
	}
	stands(t, w, p, "2")
}

// What is judged anew has the time for it: a good release is not put back since its router was reloaded.
func TestBakeThatIsRepeatedIsNotOverdue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, objects := newWorld(), newMemoryStore()
		p := applied(t, w, objects, "1")
		defer p.close()
		p.bake = 5 * time.Minute
		baking, fell := time.Time{}, false
		w.asked = func() { // with the world held still
			switch {
			case w.weights["green"] < 100 || fell:
			case baking.IsZero():
				baking = time.Now()
			case time.Since(baking) > p.bake-time.Minute:
				fell, w.weights = true, map[string]int{"blue": 100, "green": 0}
			}
		}
		begun := time.Now()
		if err := p.apply(t.Context(), "2"); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); !fell || took < 2*p.bake {
			t.Errorf("it fell back: %t; the bake took %s", fell, took)
		}
		stands(t, w, p, "2")
	})
}

// While a router does not answer, a step passes nowhere: the release stays where it is, and what fails meanwhile is put back.
func TestStepEndsWithARouterThatAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dies    bool
		summary string
	}{
		"a release that is well": {false, "Release Paused"},
		"one that dies":          {true, "Restore Failed"}, // the router cannot be told
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, objects := newWorld(), newMemoryStore()
			p := applied(t, w, objects, "1")
			defer p.close()
			w.set(func() {
				w.moved = func(map[string]int) {
					if w.weights["green"] == 100 {
						w.unreachable = true
					}
				}
				w.asked = func() {
					if c.dies && w.weights["green"] == 100 {
						w.died = map[string]int{"green": 1}
					}
				}
			})
			e := wantSummary(t, p.apply(t.Context(), "2"), c.summary)
			if a := p.state().OpenAttempt(); !c.dies && (a == nil || a.Judged != 50 || !strings.Contains(e.Detail(), errRouter.Error())) {
				t.Errorf("open is %+v; it is said: %s", a, e.Detail())
			}
			if c.dies && !strings.Contains(e.What, "died under traffic") {
				t.Errorf("it is said: %s", e.Detail())
			}
		})
	}
}
