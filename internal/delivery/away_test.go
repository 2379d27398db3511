package delivery_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// rolledBackWithout is a service on three hosts that keeps two releases, and was rolled back from 3 to 2 while host c did not answer.
func rolledBackWithout(t *testing.T, w *world) *provider {
	t.Helper()
	p := newProvider(t, w, newMemoryStore())
	t.Cleanup(p.close)
	p.platform, p.keep = onHosts("a", "b", "c"), 2
	for _, version := range []string{"1", "2", "3"} {
		if err := p.apply(t.Context(), version); err != nil {
			t.Fatal(err)
		}
	}
	w.set(func() { w.silent["c"] = true })
	if err := p.apply(t.Context(), "2"); err != nil {
		t.Fatal(err)
	}
	return p
}

// leftOutOf are the details of the warnings that a host is left out.
func leftOutOf(outcome delivery.DefineOutcome) string {
	var all []string
	for _, warning := range outcome.Warnings {
		if warning.Summary == "Host Left Out" {
			all = append(all, warning.Detail)
		}
	}
	return strings.Join(all, "\n")
}

// While a host that a rollback left out stays away, an apply warns of it and goes on, so that one can roll back once more; no release
// begins without it.
func TestAppliesWhileAHostStaysAway(t *testing.T) {
	t.Parallel()
	for name, slots := range map[string][]string{"two slots": {"blue", "green"}, "one slot": {"blue"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			w.slots, w.router = slots, len(slots) > 1
			p := rolledBackWithout(t, w)
			outcome, err := redefine(p, "a", "b", "c")
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"LEFT OUT: host c does not answer", string(releaseOf("2")) + " is not known to run there", "taken out of platform.host.hosts"} {
				if !strings.Contains(leftOutOf(outcome), want) {
					t.Errorf("%q is not said: %v", want, outcome.Warnings)
				}
			}
			if !delivery.Unsized(p.state()) {
				t.Error("nothing says that a host is missing")
			}
			if e := wantSummary(t, p.apply(t.Context(), "4"), "Preflight Failed"); !strings.Contains(e.Detail(), "c: the host does not answer") {
				t.Errorf("a release without the host: %s", e.Detail())
			}
			if _, err := redefine(p, "a", "b", "c"); err != nil {
				t.Fatal(err)
			}
			if err := p.apply(t.Context(), "1"); err != nil {
				t.Fatal(err)
			}
			slot := p.state().StableRelease().Placement.Slot
			if got := w.runningOn(slot, "1"); got != "a b" {
				t.Errorf("1 runs on %q", got)
			}
			w.set(func() { delete(w.silent, "c") })
			if outcome, err := redefine(p, "a", "b", "c"); err != nil || leftOutOf(outcome) != "" {
				t.Fatalf("with the host back: %v, %v", outcome.Warnings, err)
			}
			runsOn(t, w, "1", slot+"/a", slot+"/b", slot+"/c")
		})
	}
}

// A host that the service gets does not come by being away, also where one that it had is away, and however often it is tried.
func TestHostAddedWhileAnotherStaysAway(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := rolledBackWithout(t, w)
	slot := p.state().StableRelease().Placement.Slot
	w.set(func() { w.silent["d"] = true })
	for range 2 {
		_, err := redefine(p, "a", "b", "c", "d")
		if e := wantSummary(t, err, "Hosts Not Added"); !strings.Contains(e.What, "did not come up on d:") || !slices.Equal(e.Path, []string{"platform", "host", "hosts", "d"}) {
			t.Errorf("it says: %s", e.Detail())
		}
	}
	w.set(func() { delete(w.silent, "d") })
	outcome, err := redefine(p, "a", "b", "c", "d")
	if err != nil || strings.Count(leftOutOf(outcome), "host c does not answer") != 1 {
		t.Fatalf("%v, %v", outcome.Warnings, err)
	}
	if got := w.runningOn(slot, "2"); got != "a b d" {
		t.Errorf("2 runs on %q", got)
	}
	if got := strings.Fields(w.hostsBehind(slot)); !slices.Equal(slices.Sorted(slices.Values(got)), []string{"a", "b", "d"}) {
		t.Errorf("the router sends to %v", got)
	}
	// Taken out and added again, c is one that is added.
	if _, err := redefine(p, "a", "b", "d"); err != nil {
		t.Fatal(err)
	}
	_, err = redefine(p, "a", "b", "c", "d")
	_ = wantSummary(t, err, "Hosts Not Added")
}

// The stable release is all that there ever was, and a checkpoint alone remembers that it was on the host.
func TestOnlyReleaseLeftOutOnAHost(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := newFleet(t, w, "a", "b", "c")
	w.set(func() { w.sick[releaseOf("2")] = true })
	_ = wantSummary(t, p.apply(t.Context(), "2"), "Release Rolled Back")
	w.set(func() { w.silent["c"] = true })
	if done, err := p.service().RestoreCheckpoint(t.Context(), "2", false, ""); err != nil || !strings.Contains(done, "LEFT OUT: host c") {
		t.Fatalf("%s, %v", done, err)
	}
	if outcome, err := redefine(p, "a", "b", "c"); err != nil || leftOutOf(outcome) == "" {
		t.Errorf("%v, %v", outcome.Warnings, err)
	}
}

// A definition that says how a host is reached has it asked anew.
func TestHostThatIsReachedInAnotherWayIsNotLeftOut(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := rolledBackWithout(t, w)
	p.process.before = func(_ int, what string) {
		if strings.HasPrefix(what, "create ") { // The definition is recorded, and c is reached by it.
			w.set(func() { delete(w.silent, "c") })
		}
	}
	definition := service.Definition{ID: web, Platform: onHosts("a", "b", "c")}
	definition.Platform.Host.Hosts["c"] = service.Host{SSH: service.SSH{User: "deploy"}}
	outcome, err := p.service().Define(context.Background(), delivery.DefineRequest{Definition: definition, Owner: p.state().Owner})
	if err != nil || leftOutOf(outcome) != "" {
		t.Fatalf("%v, %v", outcome.Warnings, err)
	}
	slot := p.state().StableRelease().Placement.Slot
	runsOn(t, w, "2", slot+"/a", slot+"/b", slot+"/c")
}
