package delivery_test

import (
	"context"
	"strings"
	"testing"
)

// The release on its way out needs no servers on a host that is gone.
func TestRollbackNeedsNoServersOfWhatGoesOnAHostThatIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := newFleet(t, w, "a", "b", "c")
	if err := p.apply(t.Context(), "2"); err != nil {
		t.Fatal(err)
	}
	w.set(func() {
		w.silent["c"] = true
		w.servers = map[string][]string{"blue": {"blue/a", "blue/b"}, "green": {"green/a", "green/b"}}
	})
	if err := p.rollBack(); err != nil {
		t.Fatal(err)
	}
	if s := p.state(); s.Stable != releaseOf("1") || w.weightOf("blue") != 100 {
		t.Errorf("stable is %s, weights %v", s.Stable, w.weights)
	}
}

// A rollback whose finishing turns into a restore stays one to be restored, also where that is killed.
func TestFinishingThatIsTakenBackIsKilled(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := applied(t, w, objects, "1", "2")
	w.set(func() { w.partly = errNode })
	_ = wantSummary(t, p.rollBack(), "Rollback Unfinished")
	p.close()
	w.set(func() { w.partly = nil; w.sick[releaseOf("1")] = true })
	second := newProvider(t, w, objects)
	second.process.killWhen = func(what string) bool { return what == "stop" }
	killed(t, second, func() { _, _ = second.service().Recover(context.Background()) })
	w.set(func() { clear(w.sick) })
	third := newProvider(t, w, objects)
	defer third.close()
	if _, err := third.service().Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	stands(t, w, third, "2")
}

// killed runs act in a process that dies in it.
func killed(t *testing.T, p *provider, act func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); act() }()
	<-done
	if !p.process.dead() {
		t.Fatal("it was not killed")
	}
}

// A rollback that was decided, and is begun anew, clears its way first like any other.
func TestDecidedRollbackClearsItsWay(t *testing.T) {
	t.Parallel()
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
	if _, err := p.service().Rollback(ctx, releaseOf("2"), ""); err != nil {
		t.Fatal(err)
	}
	p.close()
	second := newProvider(t, w, objects)
	second.process.killWhen = func(what string) bool {
		if !strings.HasPrefix(what, "created ") {
			return false
		}
		state, _ := told(t, objects)
		a := state.OpenAttempt()
		return a != nil && a.Release == releaseOf("1")
	}
	killed(t, second, func() { _, _ = second.service().Rollback(ctx, releaseOf("1"), "") })
	w.set(func() { delete(w.silent, "b") })
	third := newProvider(t, w, objects)
	defer third.close()
	if err := third.rollBack(); err != nil {
		t.Fatal(err)
	}
	runsOn(t, w, "1", "blue/a", "blue/b", "blue/c")
}

// A rollback to the stable release reads the weights, and not the record alone.
func TestRollbackToStable(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	w := newWorld()
	p := applied(t, w, newMemoryStore(), "1", "2")
	defer p.close()
	done, err := p.service().Rollback(ctx, releaseOf("2"), "")
	if err != nil || !strings.Contains(done, "carries all of the traffic already") {
		t.Errorf("it says: %s %v", done, err)
	}
	w.set(func() { w.partly = errNode })
	_, err = p.service().Rollback(ctx, releaseOf("2"), "")
	wantSaid(t, wantSummary(t, err, "Traffic Not Known").Detail(), errNode.Error(), "Nothing was changed", "taken out of router.haproxy.nodes")
	w.set(func() { w.partly = nil; w.weights["green"], w.weights["blue"] = 60, 40 })
	if done, err = p.service().Rollback(ctx, releaseOf("2"), ""); err != nil || strings.Contains(done, "already") {
		t.Errorf("it says: %s %v", done, err)
	}
	stands(t, w, p, "2")
	if len(p.state().Held) > 0 {
		t.Errorf("held are %v", p.state().Held)
	}
}

// What a rollback that was cut short left, and cannot be tidied away still, is not said to be.
func TestWhatWasCutShortIsNotTidied(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w, objects := newWorld(), newMemoryStore()
	p := newProvider(t, w, objects)
	p.keep = 2
	for _, version := range []string{"1", "2", "3"} {
		if err := p.apply(ctx, version); err != nil {
			t.Fatal(err)
		}
	}
	p.close()
	second := newProvider(t, w, objects)
	second.process.killWhen = func(what string) bool {
		if !strings.HasPrefix(what, "created ") {
			return false
		}
		state, _ := told(t, objects)
		return state.Stable == releaseOf("2")
	}
	killed(t, second, func() { _ = second.rollBack() })
	w.set(func() { w.broken["stop"], w.broken["remove"] = errReadOnly, errReadOnly })
	third := newProvider(t, w, objects)
	defer third.close()
	_, err := third.service().Rollback(ctx, releaseOf("7"), "")
	e := wantSummary(t, err, "Nothing To Roll Back To")
	wantSaid(t, e.Detail(), "is not stopped everywhere", errReadOnly.Error())
	if strings.Contains(e.Detail(), "was tidied away") {
		t.Errorf("it says: %s", e.Detail())
	}
}
