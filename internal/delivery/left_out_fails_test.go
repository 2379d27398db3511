package delivery_test

import (
	"context"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// A host falls silent when the release has been started there, in a rollback that comes to nothing. When it is back in time the release is
// stopped there with the others.
func TestHostFallsSilentDuringARollbackThatFails(t *testing.T) {
	t.Parallel()
	for name, oneSlot := range map[string]bool{"two slots": false, "one slot": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			if oneSlot {
				w.slots, w.router = []string{"blue"}, false
			}
			p := fleetOfTwo(t, w)
			first, second := slotsOf(w)
			w.silencedOnceStarted(p, first+"/b", "b", func() { delete(w.silent, "b") })
			_, err := p.service().Rollback(context.Background(), "", "")
			_ = wantSummary(t, err, "Release Rolled Back")
			runsOn(t, w, "2", second+"/a", second+"/b", second+"/c")
		})
	}
}

// Where what is stable is not on that host, nobody waits for it: what was started there is stopped before the next release, which finds its
// slot free.
func TestHostFallsSilentDuringARollbackThatFailsWithoutIt(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld()
	p := newFleet(t, w, "a", "b", "c")
	p.keep = 2
	for _, version := range []string{"2", "3"} {
		if err := p.apply(ctx, version); err != nil {
			t.Fatal(err)
		}
	}
	w.set(func() { w.silent["b"] = true })
	if _, err := p.service().Rollback(ctx, releaseOf("2"), ""); err != nil {
		t.Fatal(err)
	}
	w.set(func() { delete(w.silent, "b") })
	w.silencedOnceStarted(p, "blue/b", "b", func() {})
	_, err := p.service().Rollback(ctx, releaseOf("1"), "")
	e := wantSummary(t, err, "Release Rolled Back")
	if !strings.Contains(e.Detail(), "host b does not answer: what may run of "+string(releaseOf("1"))+" there is stopped before the next release") {
		t.Errorf("it says: %s", e.Detail())
	}
	if got := w.runningOn("blue", "1"); got != "b" {
		t.Errorf("1 runs on %q", got)
	}
	w.set(func() { delete(w.silent, "b"); w.sick = map[service.ReleaseID]bool{} })
	if _, err := redefine(p, "a", "b", "c"); err != nil {
		t.Fatal(err)
	}
	if err := p.apply(ctx, "4"); err != nil {
		t.Fatal(err)
	}
	runsOn(t, w, "4", "blue/a", "blue/b", "blue/c")
}

// silencedOnceStarted has a host fall silent when version 1 has been started there, and 1 be of no use from then on. again is done when it is
// started elsewhere after that, with the world held still.
func (w *world) silencedOnceStarted(p *provider, address, host string, again func()) {
	silenced := false
	p.process.before = func(_ int, what string) {
		if what != "start done" {
			return
		}
		w.set(func() {
			switch {
			case silenced:
				again()
			case w.running[address] == releaseOf("1"):
				silenced, w.silent[host], w.sick[releaseOf("1")] = true, true, true
			}
		})
	}
}
