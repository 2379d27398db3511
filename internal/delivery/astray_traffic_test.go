package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// astrayOnB is a service on three hosts where 2 is stable in green, 1 is kept ready, and 3 runs in blue on b alone, which was silent when two
// rollbacks went on without it, and is back.
func astrayOnB(t *testing.T, w *world) *provider {
	t.Helper()
	p := fleetOfThree(t, w)
	w.set(func() { w.sick[releaseOf("4")] = true })
	_ = wantSummary(t, p.apply(t.Context(), "4"), "Release Rolled Back")
	w.set(func() { w.sick = map[service.ReleaseID]bool{}; w.silent["b"] = true })
	if _, err := p.service().RestoreCheckpoint(t.Context(), "4", false, ""); err != nil { // To 3, which is stable.
		t.Fatal(err)
	}
	if _, err := p.service().Rollback(t.Context(), releaseOf("2"), ""); err != nil {
		t.Fatal(err)
	}
	w.set(func() { delete(w.silent, "b") })
	s := p.state()
	if s.Stable != releaseOf("2") || w.runningOn("green", "2") != "a c" || w.runningOn("blue", "3") != "b" {
		t.Fatalf("stable is %s, running %v", s.Stable, w.running)
	}
	if r := s.Releases[releaseOf("3")]; slices.ContainsFunc(r.Placement.Instances, func(i service.Instance) bool { return i.Host == "b" }) || !leftOutOn(p, "3", "blue", "b") {
		t.Fatalf("3 is recorded at %v, left out %v", r.Placement, s.LeftOut)
	}
	return p
}

// leftOutOn tells whether the ledger says that a version may run astray in a slot on a host.
func leftOutOn(p *provider, version, slot, host string) bool {
	p.t.Helper()
	return slices.ContainsFunc(p.state().LeftOut, func(left service.Placement) bool {
		return left.Release == releaseOf(version) && left.Slot == slot && slices.ContainsFunc(left.Instances, func(i service.Instance) bool { return i.Host == host })
	})
}

// What runs astray where a rollback is about to start its release has to go first, like what is recorded there: else it is refused, and nothing
// is touched.
func TestRollbackIsRefusedByWhatRunsAstray(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := astrayOnB(t, w)
	w.set(func() { w.broken["remove"] = errReadOnly })
	before, last := maps.Clone(w.running), p.state().LastAttempt
	_, err := p.service().Rollback(t.Context(), releaseOf("1"), "")
	if err == nil || !strings.Contains(err.Error(), string(releaseOf("3"))+" is in the way of "+string(releaseOf("1"))) || !errors.Is(err, errReadOnly) {
		t.Fatalf("it says: %v", err)
	}
	if s := p.state(); !maps.Equal(before, w.running) || s.LastAttempt != last || s.Broken != nil || len(s.Held) != 1 {
		t.Errorf("running %v, want %v; attempt %d, broken %v, held %v", w.running, before, s.LastAttempt, s.Broken, s.Held)
	}
	w.set(func() { delete(w.broken, "remove") })
	if _, err := p.service().Rollback(t.Context(), releaseOf("1"), ""); err != nil {
		t.Fatal(err)
	}
	settled(t, w, p, "1")
}

// What does not run there is in nobody's way, although it cannot be removed.
func TestRollbackWhereNothingRunsAstray(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := astrayOnB(t, w)
	w.set(func() { w.broken["remove"] = errReadOnly; delete(w.running, "blue/b") })
	if said, err := p.service().Rollback(t.Context(), releaseOf("1"), ""); err != nil || !strings.Contains(said, "NOT TIDIED") {
		t.Fatalf("%s, %v", said, err)
	}
	if got := w.runningOn("blue", "1"); got != "a b c" {
		t.Errorf("1 runs on %q", got)
	}
}

// What runs astray and has traffic, moved by hand, is stopped like anything else that has: the traffic goes first, and what is in flight then is
// waited for, and told of where it does not end.
func TestAstrayWithTraffic(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := astrayOnB(t, w)
	var seen []string
	w.set(func() {
		w.weights = map[string]int{"blue": 100, "green": 0}
		w.draining = func(context.Context) error {
			seen = append(seen, fmt.Sprintf("drained at %d %%, on %q", w.weightOf("blue"), w.runningOn("blue", "3")))
			return errors.New("3 requests are in flight")
		}
	})
	outcome, err := redefine(p, "a", "b", "c")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(seen, []string{`drained at 0 %, on "b"`}) || len(w.cutOff) > 0 {
		t.Errorf("%q, cut off %v", seen, w.cutOff)
	}
	if !slices.ContainsFunc(outcome.Warnings, func(warning delivery.Warning) bool {
		return warning.Summary == "Requests Cut Off" && strings.Contains(warning.Detail, string(releaseOf("3"))) && strings.Contains(warning.Detail, "3 requests are in flight")
	}) {
		t.Errorf("it warns: %v", outcome.Warnings)
	}
	w.set(func() { w.draining = nil })
	settled(t, w, p, "2")
}

// What runs astray on a host that is taken out is removed there, where the host answers when it goes. Else it is said what is left on it.
func TestHostWithSomethingAstrayIsTakenOut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		// meanwhile is why what runs there is not stopped before the host goes, with the world held still.
		meanwhile func(*world)
		why       string
	}{
		"it answers again":             {func(w *world) { w.misses["b"] = 2 }, ""},
		"it does not answer":           {func(w *world) { w.silent["b"] = true }, errSilent.Error()},
		"it answers, and is of no use": {func(w *world) { w.broken["remove"] = errReadOnly }, errReadOnly.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			p := astrayOnB(t, w)
			w.set(func() { c.meanwhile(w) })
			outcome, err := redefine(p, "a", "c")
			if err != nil {
				t.Fatal(err)
			}
			if got, want := w.runningOn("blue", "3"), map[bool]string{true: "b"}[c.why != ""]; got != want {
				t.Errorf("3 runs on %q, want %q", got, want)
			}
			var warned []string
			for _, warning := range outcome.Warnings {
				if warning.Summary == "Host Not Tidied" && strings.Contains(warning.Detail, string(releaseOf("3"))) { // Of 2 it may be said as well.
					warned = append(warned, warning.Detail)
				}
			}
			if c.why == "" && len(warned) > 0 || c.why != "" && len(warned) != 1 {
				t.Fatalf("it warns: %q", warned)
			}
			if c.why != "" {
				wantSaid(t, warned[0], "b is no host of "+string(web)+" any more", c.why, "remove there by hand what is left of")
			}
			if left := p.state().LeftOut; len(left) > 0 {
				t.Errorf("left out is %v", left)
			}
		})
	}
}
