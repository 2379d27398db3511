package delivery_test

import (
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// While one of two hosts stays away, a recovery brings the release to the other, and says which it did not come to.
func TestOneOfTwoHostsIsBack(t *testing.T) {
	t.Parallel()
	for _, slots := range [][]string{{"blue", "green"}, {"blue"}} {
		w := newWorld()
		w.slots, w.router = slots, len(slots) > 1
		p := newFleet(t, w, "a", "b", "c", "d")
		if err := p.apply(t.Context(), "2"); err != nil {
			t.Fatal(err)
		}
		first, _ := slotsOf(w)
		w.set(func() { w.silent["b"], w.silent["c"] = true, true })
		if _, err := p.service().Rollback(t.Context(), "", ""); err != nil {
			t.Fatal(err)
		}
		w.set(func() { delete(w.silent, "b") })
		if _, err := p.service().Recover(t.Context()); err == nil || !strings.Contains(err.Error(), "c: the host does not answer") || strings.Contains(err.Error(), "b: ") {
			t.Errorf("recovered without c: %v", err)
		}
		if got := w.runningOn(first, "1"); got != "a b d" {
			t.Errorf("1 runs on %q", got)
		}
		w.set(func() { delete(w.silent, "c") })
		if _, err := p.service().Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		runsOn(t, w, "1", first+"/a", first+"/b", first+"/c", first+"/d")
	}
}

// However many attempts come to nothing meanwhile, a host that was left out is not one that was added.
func TestHostStaysLeftOutForManyAttempts(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := newFleet(t, w, "a", "b", "c")
	w.set(func() { w.sick[releaseOf("2")] = true })
	_ = wantSummary(t, p.apply(t.Context(), "2"), "Release Rolled Back")
	w.set(func() { w.silent["c"] = true; w.full = map[string]string{"c": "does not answer"} })
	if _, err := p.service().RestoreCheckpoint(t.Context(), "2", false, ""); err != nil {
		t.Fatal(err)
	}
	for range 8 {
		if outcome, err := redefine(p, "a", "b", "c"); err != nil || leftOutOf(outcome) == "" {
			t.Fatalf("%v, %v", outcome.Warnings, err)
		}
		_ = wantSummary(t, p.apply(t.Context(), "3"), "Preflight Failed")
	}
}

// What may run on a host that was left out is part of what a destroy removes.
func TestDestroyAfterAHostWasLeftOut(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := fleetOfThree(t, w)
	w.set(func() { w.sick[releaseOf("4")] = true })
	_ = wantSummary(t, p.apply(t.Context(), "4"), "Release Rolled Back")
	w.set(func() { w.silent["b"] = true })
	if _, err := p.service().RestoreCheckpoint(t.Context(), "4", false, ""); err != nil {
		t.Fatal(err)
	}
	if err := p.service().StopRelease(t.Context(), ""); err == nil {
		t.Error("it is destroyed while a host does not answer")
	}
	w.set(func() { delete(w.silent, "b") })
	if err := p.service().StopRelease(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	wantNothing(t, w, p)
}

// A host's name does not come to mean another machine while a release may run there that a rollback left out.
func TestMovedHostThatWasLeftOut(t *testing.T) {
	t.Parallel()
	before := service.Definition{ID: web, Platform: atAddresses(map[string]string{"a": "10.0.0.1", "b": "10.0.0.2"})}
	left := service.Placement{Release: releaseOf("1"), Slot: "blue", Instances: []service.Instance{{Name: "blue/b/0", Address: "10.0.0.2:80", Host: "b"}}}
	state := ledger.State{Definition: &before, LeftOut: []service.Placement{left}}
	wanted := service.Definition{ID: web, Platform: atAddresses(map[string]string{"a": "10.0.0.1", "b": "10.0.0.3"})}
	if e := delivery.MovedHosts(&state, wanted); e == nil {
		t.Error("the host is another machine")
	}
}

// A host that the release never was on is left out like any other.
func TestHostThatIsNewToTheReleaseIsLeftOut(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := newFleet(t, w, "a", "c")
	if err := p.apply(t.Context(), "2"); err != nil {
		t.Fatal(err)
	}
	if _, err := redefine(p, "a", "b", "c"); err != nil {
		t.Fatal(err)
	}
	w.set(func() { w.silent["b"] = true })
	if done, err := p.service().Rollback(t.Context(), "", ""); err != nil || !strings.Contains(done, "LEFT OUT: host b") {
		t.Fatalf("%s, %v", done, err)
	}
	if outcome, err := redefine(p, "a", "b", "c"); err != nil || leftOutOf(outcome) == "" {
		t.Errorf("%v, %v", outcome.Warnings, err)
	}
	w.set(func() { delete(w.silent, "b") })
	if _, err := p.service().Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	settled(t, w, p, "1")
}

// A host that was left out, and taken out of the service, is one that is added when it comes again. Nothing but that it was left out
// tells of it.
func TestOnlyReleaseLeftOutOnAHostThatIsTakenOut(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := newFleet(t, w, "a", "b", "c")
	w.set(func() { w.sick[releaseOf("2")] = true })
	_ = wantSummary(t, p.apply(t.Context(), "2"), "Release Rolled Back")
	w.set(func() { w.silent["c"] = true })
	if _, err := p.service().RestoreCheckpoint(t.Context(), "2", false, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := redefine(p, "a", "b"); err != nil {
		t.Fatal(err)
	}
	if s := p.state(); delivery.Unsized(s) || len(s.LeftOut) > 0 {
		t.Errorf("unsized %t, left out %v", delivery.Unsized(s), s.LeftOut)
	}
	_, err := redefine(p, "a", "b", "c")
	_ = wantSummary(t, err, "Hosts Not Added")
}

// A host that is taken out of the service is not kept in mind for what a rollback left there.
func TestHostThatIsLeftOutIsTakenOut(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := fleetOfThree(t, w)
	w.set(func() { w.silent["b"] = true })
	for _, version := range []string{"2", "1"} {
		if _, err := p.service().Rollback(t.Context(), releaseOf(version), ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := redefine(p, "a", "c"); err != nil {
		t.Fatal(err)
	}
	s := p.state()
	if delivery.Unsized(s) || s.Untidied() != nil || len(s.LeftOut) > 0 {
		t.Errorf("unsized %t, untidied %v, left out %v", delivery.Unsized(s), s.Untidied(), s.LeftOut)
	}
	w.set(func() { delete(w.silent, "b"); delete(w.running, "blue/b"); delete(w.running, "green/b") })
	if _, err := redefine(p, "a", "b", "c"); err != nil {
		t.Fatal(err)
	}
	settled(t, w, p, "1")
}
