package delivery_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// leftOutOnC is a service of which version 1 is stable on a and b, and left out on c, which is silent.
func leftOutOnC(t *testing.T, w *world, objects *memoryStore) *provider {
	t.Helper()
	p := newProvider(t, w, objects)
	t.Cleanup(p.close)
	p.platform = onHosts("a", "b", "c")
	if err := p.apply(t.Context(), "1"); err != nil {
		t.Fatal(err)
	}
	w.set(func() { w.sick[releaseOf("2")] = true })
	_ = wantSummary(t, p.apply(t.Context(), "2"), "Release Rolled Back")
	w.set(func() { w.silent["c"] = true })
	if _, err := p.service().RestoreCheckpoint(t.Context(), "2", false, ""); err != nil {
		t.Fatal(err)
	}
	if s := p.state(); len(s.LeftOut) != 1 || s.LeftOut[0].Release != releaseOf("1") || len(s.Releases) != 1 {
		t.Fatalf("left out are %v, recorded %v", s.LeftOut, s.Releases)
	}
	return p
}

// inTerraform tells whether a refresh keeps the release in Terraform's state.
func inTerraform(s *ledger.State) bool {
	return s.Standing(service.StageRelease, 0, time.Now()) != nil
}

// ways out of a destroy that a host did not answer: it comes back, or it never does.
var waysOut = map[string]func(*testing.T, *world, *provider){
	"it is back": func(_ *testing.T, w *world, _ *provider) { w.set(func() { delete(w.silent, "c") }) },
	"it is gone": func(t *testing.T, w *world, p *provider) {
		t.Helper()
		if _, err := redefine(p, "a", "b"); err != nil {
			t.Fatal(err)
		}
		w.set(func() { // With what ran there.
			delete(w.running, "blue/c")
			delete(w.running, "green/c")
			clear(w.files)
		})
	},
}

// A destroy that finds a host silent changes nothing, stays in Terraform's state, and is done when the host is back, or taken out.
func TestDestroyWhileALeftOutHostIsSilent(t *testing.T) {
	t.Parallel()
	for name, wayOut := range waysOut {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			p := leftOutOnC(t, w, newMemoryStore())
			for range 2 {
				e := wantSummary(t, p.service().StopRelease(t.Context(), ""), "Release Not Removed")
				wantSaid(t, e.Detail(), "host c does not answer", string(releaseOf("1"))+" in slot blue on c", "Nothing was changed", "with all of the traffic",
					"destroy again", "taken out of `platform.host.hosts`", "-target=deploy_service.<name>", "stop and remove it by hand")
				if !slices.Equal(e.Path, []string{"platform", "host", "hosts", "c"}) {
					t.Errorf("it belongs to %v", e.Path)
				}
				if s := p.state(); !inTerraform(s) || s.Stable != releaseOf("1") || w.runningOn("blue", "1") != "a b c" {
					t.Errorf("in Terraform's state %t, stable %q, 1 runs on %q", inTerraform(s), s.Stable, w.runningOn("blue", "1"))
				}
				_ = wantSummary(t, p.service().Retire(t.Context(), ""), "Service In Use")
			}
			wayOut(t, w, p)
			if err := errors.Join(p.service().StopRelease(t.Context(), ""), p.service().Retire(t.Context(), "")); err != nil {
				t.Fatal(err)
			}
			wantNothing(t, w, p)
			if s := p.state(); len(s.LeftOut) > 0 || !s.Retired {
				t.Errorf("left out are %v, retired %t", s.LeftOut, s.Retired)
			}
		})
	}
}

// A host that stops to answer in the middle of a destroy leaves it to be done again, whatever was removed until then.
func TestHostFallsSilentDuringADestroy(t *testing.T) {
	t.Parallel()
	for name, wayOut := range waysOut {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for at := 1; ; at++ {
				w := newWorld()
				p := fleetOfTwo(t, w)
				removals := 0
				p.process.before = func(_ int, what string) {
					if what == "remove" {
						if removals++; removals == at {
							w.set(func() { w.silent["c"] = true })
						}
					}
				}
				err := p.service().StopRelease(t.Context(), "")
				p.process.before = nil
				if removals < at {
					if err != nil || at != 3 {
						t.Errorf("%d removals, %v", at-1, err)
					}
					return
				}
				e := wantSummary(t, err, "Release Not Removed")
				wantSaid(t, e.Detail(), "c: the host does not answer", string(releaseOf("2"))+" in slot green on a, b, c", "destroy again", "taken out of `platform.host.hosts`")
				s := p.state()
				if !inTerraform(s) || s.Stable != releaseOf("2") {
					t.Errorf("in Terraform's state %t, stable %q", inTerraform(s), s.Stable)
				}
				if got := w.runningOn("green", "2"); at == 1 && got != "a b c" {
					t.Errorf("2, which is removed last, runs on %q", got)
				}
				_ = wantSummary(t, p.service().StopRelease(t.Context(), ""), "Release Not Removed")
				wayOut(t, w, p)
				if err := errors.Join(p.service().StopRelease(t.Context(), ""), p.service().Retire(t.Context(), "")); err != nil {
					t.Fatal(err)
				}
				wantNothing(t, w, p)
			}
		})
	}
}

// Where a router has no server of the stable release any more, the apply that takes a silent host out fails, and the destroy after it does not.
func TestHalfDestroyedBehindARouterWithoutServers(t *testing.T) {
	t.Parallel()
	w := newWorld()
	objects := newMemoryStore()
	p := newFleetOver(t, w, objects, "a", "b", "c")
	p.process.before = func(_ int, what string) {
		if what == "remove" {
			w.set(func() { w.silent["c"], w.cold = true, errCold })
		}
	}
	_ = wantSummary(t, p.service().StopRelease(t.Context(), ""), "Release Not Removed")
	p.process.before = nil
	if _, err := redefine(p, "a", "b"); !errors.Is(err, errCold) {
		t.Fatalf("the service is redefined: %v", err)
	}
	if err := errors.Join(p.service().StopRelease(t.Context(), ""), p.service().Retire(t.Context(), "")); err != nil {
		t.Fatal(err)
	}
	_, events := told(t, objects)
	n := slices.IndexFunc(events, func(e ledger.Event) bool { return e.Type == ledger.ServiceStopped })
	wantSaid(t, events[n].Text, string(releaseOf("1"))+" in slot blue on c is left", "the host does not answer")
}

// Killed anywhere, a destroy is in Terraform's state still, or there is nothing left.
func TestDestroyOfWhatWasLeftOutIsKilled(t *testing.T) {
	t.Parallel()
	for point := 1; ; point++ {
		w, objects := newWorld(), newMemoryStore()
		leftOutOnC(t, w, objects).close()
		w.set(func() { delete(w.silent, "c") })
		more := crash(t, w, objects, point, func(p *provider) { _ = p.service().StopRelease(t.Context(), "") })
		p := newProvider(t, w, objects)
		if s := p.state(); !inTerraform(s) && (len(s.Releases) > 0 || len(s.LeftOut) > 0 || len(w.running) > 0) {
			t.Errorf("it is in no state: recorded %v, left out %v, running %v", s.Releases, s.LeftOut, w.running)
		} else if inTerraform(s) {
			if err := p.service().StopRelease(t.Context(), ""); err != nil {
				t.Error(err)
			}
		}
		if err := p.service().Retire(t.Context(), ""); err != nil {
			t.Error(err)
		}
		wantNothing(t, w, p)
		p.close()
		if t.Failed() {
			t.Fatalf("killed at point %d", point)
		}
		if !more {
			return
		}
	}
}

// A service whose release is forgotten already, while something of it may run, is not retired before that is removed.
func TestServiceIsNotRetiredOverWhatIsLeft(t *testing.T) {
	t.Parallel()
	for name, wayOut := range waysOut {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, objects := newWorld(), newMemoryStore()
			leftOutOnC(t, w, objects).close()
			// As a destroy left it that removed the stable release first.
			w.set(func() { delete(w.running, "blue/a"); delete(w.running, "blue/b") })
			appended(t, objects, ledger.Event{Type: ledger.ReleaseRemoved, Attempt: 1, Release: releaseOf("1")})
			p := newProvider(t, w, objects)
			defer p.close()
			e := wantSummary(t, p.service().Retire(t.Context(), ""), "Release Not Removed")
			wantSaid(t, e.Detail(), "host c does not answer", string(releaseOf("1"))+" in slot blue on c", "Nothing was changed", "destroy again", "taken out of `platform.host.hosts`")
			if p.state().Retired || strings.Contains(e.Detail(), "Running now") {
				t.Errorf("retired %t: %s", p.state().Retired, e.Detail())
			}
			wayOut(t, w, p)
			if err := p.service().Retire(t.Context(), ""); err != nil {
				t.Fatal(err)
			}
			wantNothing(t, w, p)
			if s := p.state(); len(s.LeftOut) > 0 || !s.Retired {
				t.Errorf("left out are %v, retired %t", s.LeftOut, s.Retired)
			}
		})
	}
}

// Where no host of a service answers there is none to go on with: what can be done then is said.
func TestDestroyWhileNoHostAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := newFleet(t, w, "a", "b")
	w.set(func() { w.silent["a"], w.silent["b"] = true, true })
	e := wantSummary(t, p.service().StopRelease(t.Context(), ""), "Release Not Removed")
	wantSaid(t, e.Detail(), "hosts a, b do not answer", "terraform state rm")
	if strings.Contains(e.Detail(), "-target") {
		t.Errorf("it says what cannot be done: %s", e.Detail())
	}
	w.set(func() { clear(w.silent) })
	if err := p.service().StopRelease(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	wantNothing(t, w, p)
}
