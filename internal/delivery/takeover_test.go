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

// byHand has a version run in blue on hosts, as what a definition names as existing.
func (w *world) byHand(version string, hosts ...string) service.ReleaseID {
	r := service.Release{ID: releaseOf(version), Content: content(version), Placement: service.Placement{Release: releaseOf(version), Slot: "blue"}}
	for _, host := range hosts {
		r.Placement.Instances = append(r.Placement.Instances, service.Instance{Name: "blue/" + host + "/0", Address: "blue/" + host, Host: host})
		w.running["blue/"+host] = r.ID
	}
	w.records[r.ID], w.files[r.ID], w.existing = r, true, r.ID
	return r.ID
}

// What runs already becomes the first stable release, untouched.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := newProvider(t, w, newMemoryStore())
	t.Cleanup(p.close)
	p.platform = onHosts("a", "b")
	p.platform.Host.Existing = &service.ExistingUnit{Unit: "web.service", Version: "0", Slot: "blue"}
	define := func() (delivery.DefineOutcome, error) {
		return p.service().Define(context.Background(), delivery.DefineRequest{Definition: service.Definition{ID: web, Platform: p.platform}, Create: true})
	}
	_, err := define()
	if e := wantSummary(t, err, "Nothing To Take Over"); !strings.Contains(e.Detail(), "The unit web.service, which platform.host.existing names, does not run: blue/a/0 does not run, blue/b/0 does not run.") {
		t.Error(e.Detail())
	}
	existing := w.byHand("0", "a", "b")
	delete(w.running, "blue/b")
	_, err = define()
	if e := wantSummary(t, err, "Nothing To Take Over"); !strings.Contains(e.Detail(), "blue/b/0 does not run") {
		t.Error(e.Detail())
	}
	w.running["blue/b"] = existing
	// What it went through before is of no account, as long as it answers now.
	w.died = map[string]int{"blue/a": 2}
	w.sick[existing] = true
	_, err = define()
	if e := wantSummary(t, err, "Nothing To Take Over"); !strings.Contains(e.Detail(), "blue/a/0 at blue/a: connection refused") {
		t.Error(e.Detail())
	}
	delete(w.sick, existing)
	w.weights = map[string]int{"blue": 90, "green": 10}
	_, err = define()
	if e := wantSummary(t, err, "Nothing To Take Over"); !strings.Contains(e.Detail(), "90 %") {
		t.Error(e.Detail())
	}
	w.weights = map[string]int{"blue": 100, "green": 0}
	w.untaken = errors.New("unknown keyword 'chekc'")
	_, err = define()
	if e := wantSummary(t, err, "Nothing To Take Over"); !strings.Contains(e.Detail(), "chekc") {
		t.Error(e.Detail())
	}
	w.untaken = nil
	if p.state().Definition != nil {
		t.Error("what was refused is in the ledger")
	}
	outcome, err := define()
	if err != nil {
		t.Fatal(err)
	}
	if len(outcome.Warnings) != 1 || outcome.Warnings[0].Summary != "Service Taken Over" {
		t.Errorf("warnings %v", outcome.Warnings)
	}
	if len(w.started) > 0 {
		t.Errorf("it was started: %v", w.started)
	}
	if s := p.state(); s.Stable != existing || len(s.StableRelease().Placement.Instances) != 2 || s.OpenAttempt() != nil {
		t.Errorf("stable is %v", s.StableRelease())
	}
	// A bad release goes back to it, a good one takes its place, and it is kept ready.
	w.failing[releaseOf("2")] = true
	_ = wantSummary(t, p.apply(context.Background(), "2"), "Release Rolled Back")
	runsOn(t, w, "0", "blue/a", "blue/b")
	if err := p.apply(context.Background(), "3"); err != nil {
		t.Fatal(err)
	}
	runsOn(t, w, "3", "green/a", "green/b")
	if !slices.Contains(p.state().Kept, existing) {
		t.Errorf("kept are %v", p.state().Kept)
	}
}

// What was taken over was recorded without deadlines, in ledgers that there are: it has the time to start that a release has for which
// nothing is written.
func TestTakenOverHasTimeToStart(t *testing.T) {
	t.Parallel()
	w := newWorld()
	existing := w.byHand("0", "a", "b")
	p := newProvider(t, w, newMemoryStore())
	t.Cleanup(p.close)
	p.platform = onHosts("a", "b")
	p.platform.Host.Existing = &service.ExistingUnit{Unit: "web.service", Version: "0", Slot: "blue"}
	if err := p.apply(context.Background(), "1"); err != nil {
		t.Fatal(err)
	}
	runsOn(t, w, "1", "green/a", "green/b")
	looks := 0
	w.set(func() {
		w.probed = func(r service.ReleaseID) error {
			if looks++; r == existing && looks < 3 {
				return errors.New("it is being started")
			}
			return nil
		}
	})
	if _, err := p.service().Rollback(context.Background(), "", ""); err != nil {
		t.Fatal(err)
	}
	runsOn(t, w, "0", "blue/a", "blue/b")
}

// A unit is taken over as long as there is no release: whenever it is written, and also where there were some before.
func TestTakeOverLater(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := newProvider(t, w, newMemoryStore())
	t.Cleanup(p.close)
	plain, named := onHosts("a", "b"), onHosts("a", "b")
	named.Host.Existing = &service.ExistingUnit{Unit: "web.service", Version: "0", Slot: "blue"}
	otherwise := onHosts("a", "b")
	otherwise.Host.Existing = &service.ExistingUnit{Unit: "api.service", Version: "0", Slot: "blue"}
	define := func(platform service.Platform, create bool) error {
		request := delivery.DefineRequest{Definition: service.Definition{ID: web, Platform: platform}, Create: create}
		if !create {
			request.Owner = p.state().Owner
		}
		_, err := p.service().Define(context.Background(), request)
		return err
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	// It is written when the service is there already.
	must(define(plain, true))
	existing := w.byHand("0", "a", "b")
	must(define(named, false))
	if s := p.state(); s.Stable != existing || s.OpenAttempt() != nil {
		t.Fatalf("stable is %q", s.Stable)
	}
	// While it is stable, or kept ready, it stays named.
	for range 2 {
		for what, platform := range map[string]service.Platform{"removed": plain, "changed": otherwise} {
			e := wantSummary(t, define(platform, false), map[string]string{"removed": "Existing Unit In Use", "changed": "Existing Unit Not Taken Over"}[what])
			if strings.Join(e.Path, ".") != "platform.host.existing" || !strings.Contains(e.Detail(), "Nothing was changed") {
				t.Errorf("%s: at %v: %s", what, e.Path, e.Detail())
			}
		}
		if p.state().Definition.Platform.Host.Existing.Unit != "web.service" {
			t.Fatal("what was refused is in the ledger")
		}
		if p.state().Stable == existing {
			must(p.apply(context.Background(), "1"))
		}
	}
	must(p.apply(context.Background(), "2"))
	must(define(plain, false)) // It is let go.
	e := wantSummary(t, define(named, false), "Existing Unit Not Taken Over")
	if !strings.Contains(e.Detail(), string(releaseOf("2"))) {
		t.Error(e.Detail())
	}
	// All of it is destroyed, and what somebody starts by hand then is taken over.
	must(p.service().StopRelease(context.Background(), ""))
	must(p.service().Retire(context.Background(), ""))
	last := p.state().LastAttempt
	existing = w.byHand("0.1", "a", "b")
	w.set(func() { w.weights = map[string]int{"blue": 100, "green": 0} })
	must(define(named, true))
	if s := p.state(); s.Stable != existing || s.LastAttempt != last+1 || s.StandingAttempt() == nil || s.StandingAttempt().Release != existing {
		t.Fatalf("stable is %q, attempt %d after %d", s.Stable, s.LastAttempt, last)
	}
	must(p.apply(context.Background(), "3"))
	runsOn(t, w, "3", "green/a", "green/b")
}

// A create that was killed at any point of a takeover is created again: what it came to is its own.
func TestTakeOverKilledAnywhere(t *testing.T) {
	t.Parallel()
	for at := 1; ; at++ {
		w, objects := newWorld(), newMemoryStore()
		existing := w.byHand("0", "a", "b")
		define := func(p *provider) error {
			platform := onHosts("a", "b")
			platform.Host.Existing = &service.ExistingUnit{Unit: "web.service", Version: "0", Slot: "blue"}
			_, err := p.service().Define(context.Background(), delivery.DefineRequest{Definition: service.Definition{ID: web, Platform: platform}, Create: true})
			return err
		}
		killed := newProvider(t, w, objects)
		killed.process.killAt = at
		done := make(chan error, 1)
		go func() {
			defer close(done)
			done <- define(killed)
		}()
		if err := <-done; !killed.process.dead() {
			if err != nil {
				t.Fatal(err)
			}
			killed.close()
			if at < 5 {
				t.Fatalf("only %d points", at)
			}
			return
		}
		next := newProvider(t, w, objects)
		if err := define(next); err != nil {
			t.Fatalf("killed at point %d: %v", at, err)
		}
		if s := next.state(); s.Stable != existing || s.Owner == "" {
			t.Errorf("killed at point %d: stable is %q, the owner %q", at, s.Stable, s.Owner)
		}
		if err := next.apply(context.Background(), "1"); err != nil {
			t.Errorf("killed at point %d: %v", at, err)
		}
		next.close()
	}
}
