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

// fleetOfTwo is a service on three hosts where version 2 is stable, and 1 is kept ready.
func fleetOfTwo(t *testing.T, w *world) *provider {
	t.Helper()
	p := newFleet(t, w, "a", "b", "c")
	if err := p.apply(context.Background(), "2"); err != nil {
		t.Fatal(err)
	}
	return p
}

// slotsOf a version's first and second placement in these tests.
func slotsOf(w *world) (first, second string) { return w.slots[0], w.slots[len(w.slots)-1] }

func redefine(p *provider, hosts ...string) (delivery.DefineOutcome, error) {
	return p.service().Define(context.Background(), delivery.DefineRequest{Definition: service.Definition{ID: web, Platform: onHosts(hosts...)}, Owner: p.state().Owner})
}

// runningOn are the hosts that run a version in a slot.
func (w *world) runningOn(slot, version string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var hosts []string
	for _, address := range slices.Sorted(maps.Keys(w.running)) {
		if host, found := strings.CutPrefix(address, slot+"/"); found && w.running[address] == releaseOf(version) {
			hosts = append(hosts, host)
		}
	}
	return strings.Join(hosts, " ")
}

// hostsBehind are those that the router sends to in a slot.
func (w *world) hostsBehind(slot string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var hosts []string
	for _, p := range w.behind {
		for _, i := range p.Instances {
			if p.Slot == slot {
				hosts = append(hosts, i.Host)
			}
		}
	}
	return strings.Join(hosts, " ")
}

// A host that is down keeps nobody from rolling back: the release comes to the others, and to this one when it is back, or it is taken
// out of the service.
func TestRollbackWithoutASilentHost(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	byOperator := func(p *provider) (string, error) { return p.service().Rollback(ctx, "", "") }
	byHCL := func(p *provider) (string, error) {
		err := p.apply(ctx, "1")
		for _, warning := range p.warnings {
			if warning.Summary == "Host Left Out" {
				return warning.Detail, err
			}
		}
		return "", err
	}
	byRecover := func(p *provider) error { _, err := p.service().Recover(ctx); return err }
	byApply := func(p *provider) error { _, err := redefine(p, "a", "b", "c"); return err }
	for name, c := range map[string]struct {
		oneSlot, noRouter, hangs bool
		rollBack                 func(*provider) (string, error)
		// back puts it right when c is back; nil: c is taken out.
		back func(*provider) error
	}{
		"operator, then recover":            {rollBack: byOperator, back: byRecover},
		"operator, then apply":              {rollBack: byOperator, back: byApply},
		"operator, without the host":        {rollBack: byOperator},
		"operator, and the host hangs":      {rollBack: byOperator, back: byApply, hangs: true},
		"operator, one slot":                {rollBack: byOperator, back: byRecover, oneSlot: true},
		"operator, one slot, then apply":    {rollBack: byOperator, back: byApply, oneSlot: true},
		"operator, one slot, without it":    {rollBack: byOperator, oneSlot: true},
		"operator, two slots and no router": {rollBack: byOperator, back: byApply, noRouter: true},
		"reverted HCL, then recover":        {rollBack: byHCL, back: byRecover},
		"reverted HCL, then apply":          {rollBack: byHCL, back: byApply},
		"reverted HCL, without the host":    {rollBack: byHCL},
		"reverted HCL, one slot":            {rollBack: byHCL, back: byApply, oneSlot: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			w.router = !c.noRouter && !c.oneSlot
			if c.oneSlot {
				w.slots = []string{"blue"}
			}
			p := fleetOfTwo(t, w)
			first, second := slotsOf(w)
			w.set(func() { w.silent["c"], w.hanging["c"] = true, c.hangs })
			said, err := c.rollBack(p)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"LEFT OUT: host c does not answer", string(releaseOf("1")) + " is not known to run there", "recover production/web"} {
				if !strings.Contains(said, want) {
					t.Errorf("%q is not said: %s", want, said)
				}
			}
			if got := w.runningOn(first, "1"); got != "a b" {
				t.Errorf("1 runs on %q", got)
			}
			if got := w.runningOn(second, "2"); got != "c" {
				t.Errorf("2 runs on %q, where nobody could stop it on c", got)
			}
			if got := w.hostsBehind(first); w.router && (got != "a b" || w.weights[first] != 100) {
				t.Errorf("the router sends to %q of %s, at %v", got, first, w.weights)
			}
			s := p.state()
			if s.Stable != releaseOf("1") || s.Broken != nil || s.OpenAttempt() != nil || !delivery.Unsized(s) || s.Untidied() == nil {
				t.Errorf("stable is %s, broken %v, unsized %t, untidied %v", s.Stable, s.Broken, delivery.Unsized(s), s.Untidied())
			}
			// What cannot be done yet changes nothing of that.
			if err := byRecover(p); err == nil || !strings.Contains(err.Error(), "c: the host does not answer") || strings.Count(err.Error(), "inspect ") != 1 {
				t.Errorf("recovered while the host is silent: %v", err)
			}
			if c.back == nil {
				if _, err := redefine(p, "a", "b"); err != nil {
					t.Fatal(err)
				}
				w.set(func() { delete(w.running, second+"/c") })
				runsOn(t, w, "1", first+"/a", first+"/b")
			} else {
				w.set(func() { delete(w.silent, "c"); delete(w.hanging, "c") })
				if err := c.back(p); err != nil {
					t.Fatal(err)
				}
				runsOn(t, w, "1", first+"/a", first+"/b", first+"/c")
				if got := w.hostsBehind(first); w.router && got != "a b c" {
					t.Errorf("the router sends to %q", got)
				}
			}
			if s := p.state(); delivery.Unsized(s) || s.Untidied() != nil {
				t.Errorf("unsized %t, untidied %v", delivery.Unsized(s), s.Untidied())
			}
			if len(w.cutOff) > 0 {
				t.Errorf("cut off: %v", w.cutOff)
			}
		})
	}
}

// Where most hosts are silent a rollback would be none: it is refused before anything is touched.
func TestRollbackWithTooFewHosts(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, rollBack := range map[string]func(*provider) error{
		"operator":     func(p *provider) error { _, err := p.service().Rollback(ctx, "", ""); return err },
		"checkpoint":   func(p *provider) error { _, err := p.service().RestoreCheckpoint(ctx, "2", false, ""); return err },
		"reverted HCL": func(p *provider) error { return p.apply(ctx, "1") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			p := fleetOfTwo(t, w)
			w.set(func() { w.silent["b"], w.silent["c"] = true, true })
			before, last := maps.Clone(w.running), p.state().LastAttempt
			e := wantSummary(t, rollBack(p), "Rollback Refused")
			for _, want := range []string{"hosts b, c do not answer", "1 of its 3 instances", "Nothing was changed", "Bring a host back", "take those that do not come back out of platform.host.hosts"} {
				if !strings.Contains(e.Detail(), want) {
					t.Errorf("%q is not said: %s", want, e.Detail())
				}
			}
			if !maps.Equal(before, w.running) || w.weights["green"] != 100 {
				t.Errorf("running is %v, want %v; weights %v", w.running, before, w.weights)
			}
			if s := p.state(); s.LastAttempt != last || s.Stable != releaseOf("2") || len(s.Held) > 0 {
				t.Errorf("attempt %d, want %d; stable %s, held %v", s.LastAttempt, last, s.Stable, s.Held)
			}
			// Without them it goes on.
			if _, err := redefine(p, "a"); err != nil {
				t.Fatal(err)
			}
			if err := rollBack(p); err != nil {
				t.Fatal(err)
			}
			if got := w.runningOn("blue", "1"); got != "a" {
				t.Errorf("1 runs on %q", got)
			}
		})
	}
}

// Half of the hosts is half of those that the service has, also where some were left out before: rollback after rollback they would
// become fewer.
func TestRollbackAfterRollbackWithFewerHosts(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld()
	p := newFleet(t, w, "a", "b", "c", "d")
	if err := p.apply(ctx, "2"); err != nil {
		t.Fatal(err)
	}
	w.set(func() { w.silent["c"], w.silent["d"] = true, true })
	if _, err := p.service().Rollback(ctx, "", ""); err != nil {
		t.Fatal(err)
	}
	w.set(func() { w.silent["b"] = true })
	_, err := p.service().RestoreCheckpoint(ctx, "2", false, "") // It is what runs already.
	e := wantSummary(t, err, "Rollback Refused")
	for _, want := range []string{"host b does not answer", "1 of its 4 instances"} {
		if !strings.Contains(e.Detail(), want) {
			t.Errorf("%q is not said: %s", want, e.Detail())
		}
	}
	w.set(func() { delete(w.silent, "b") })
	if _, err := p.service().RestoreCheckpoint(ctx, "2", false, ""); err != nil {
		t.Errorf("with half of the hosts: %v", err)
	}
}

// A host that does not answer once, and does when it is asked again, is not left out.
func TestHostThatMissesOneLook(t *testing.T) {
	t.Parallel()
	for misses, want := range map[int]string{1: "a b c", 2: "a b"} {
		w := newWorld()
		p := fleetOfTwo(t, w)
		w.set(func() { w.misses["c"] = misses })
		done, err := p.service().Rollback(context.Background(), "", "")
		if err != nil || strings.Contains(done, "LEFT OUT") != (misses > 1) {
			t.Fatalf("%d: %s, %v", misses, done, err)
		}
		if got := w.runningOn("blue", "1"); got != want {
			t.Errorf("after %d looks 1 runs on %q, want %q", misses, got, want)
		}
	}
}

// A host that stops to answer in the middle of a rollback is left out as one that did not answer before.
func TestHostFallsSilentDuringARollback(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"place", "start", "start done"} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			p := fleetOfTwo(t, w)
			p.process.before = func(_ int, what string) {
				if what == when {
					w.set(func() { w.silent["b"] = true })
				}
			}
			done, err := p.service().Rollback(context.Background(), "", "")
			if err != nil || !strings.Contains(done, "LEFT OUT: host b does not answer") {
				t.Fatalf("%s, %v", done, err)
			}
			if got := w.hostsBehind("blue"); got != "a c" || w.weights["blue"] != 100 {
				t.Errorf("the router sends to %q, at %v", got, w.weights)
			}
			p.process.before = nil
			w.set(func() { delete(w.silent, "b") })
			if _, err := p.service().Recover(context.Background()); err != nil {
				t.Fatal(err)
			}
			runsOn(t, w, "1", "blue/a", "blue/b", "blue/c")
		})
	}
}

// Killed anywhere, a rollback that leaves a host out is finished by the next run, with the host down still; and when that is back all is
// as it should be.
func TestRollbackWithoutAHostKilledAnywhere(t *testing.T) {
	t.Parallel()
	for at := 1; ; at++ {
		w, objects := newWorld(), newMemoryStore()
		p := newProvider(t, w, objects)
		p.platform = onHosts("a", "b", "c")
		for _, version := range []string{"1", "2"} {
			if err := p.apply(context.Background(), version); err != nil {
				t.Fatal(err)
			}
		}
		p.close()
		w.set(func() { w.silent["c"] = true })
		killed := newProvider(t, w, objects)
		killed.process.killAt = at
		done := make(chan error, 1)
		go func() {
			defer close(done)
			_, err := killed.service().Rollback(context.Background(), "", "")
			done <- err
		}()
		err := <-done
		if !killed.process.dead() {
			if err != nil {
				t.Fatal(err)
			}
			killed.close()
			if at < 20 {
				t.Fatalf("only %d points", at)
			}
			return
		}
		next := newProvider(t, w, objects)
		if err := rolledBackAfterAll(next, w); err != nil {
			t.Errorf("killed at point %d: %v", at, err)
		}
		next.close()
	}
}

func rolledBackAfterAll(p *provider, w *world) error {
	ctx := context.Background()
	if _, err := p.service().Rollback(ctx, "", ""); err != nil {
		return fmt.Errorf("again: %w", err)
	}
	if s := p.state(); s.Stable != releaseOf("1") || s.Broken != nil || s.OpenAttempt() != nil || w.hostsBehind("blue") != "a b" || w.weights["blue"] != 100 {
		return fmt.Errorf("stable is %s, the router sends to %q at %v", s.Stable, w.hostsBehind("blue"), w.weights)
	}
	w.set(func() { delete(w.silent, "c") })
	if _, err := p.service().Recover(ctx); err != nil {
		return fmt.Errorf("when the host is back: %w", err)
	}
	if got := w.runningOn("blue", "1"); got != "a b c" || len(w.running) != 3 || delivery.Unsized(p.state()) || p.state().Untidied() != nil {
		return errors.New("in the end 1 runs on " + got)
	}
	return nil
}
