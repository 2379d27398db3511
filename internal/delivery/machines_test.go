package delivery_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// onHosts is a platform of several hosts.
func onHosts(names ...string) service.Platform {
	hosts := map[string]service.Host{}
	for _, name := range names {
		hosts[name] = service.Host{}
	}
	return service.Platform{Host: &service.HostPlatform{Hosts: hosts}}
}

// newFleet is a service on hosts with a release that is stable.
func newFleet(t *testing.T, w *world, hosts ...string) *provider {
	t.Helper()
	return newFleetOver(t, w, newMemoryStore(), hosts...)
}

// newFleetOver is newFleet with its ledger in a store of the test's.
func newFleetOver(t *testing.T, w *world, objects store.Store, hosts ...string) *provider {
	t.Helper()
	p := newProvider(t, w, objects)
	t.Cleanup(p.close)
	p.platform = onHosts(hosts...)
	if err := p.apply(context.Background(), "1"); err != nil {
		t.Fatal(err)
	}
	return p
}

// runsOn asserts on which hosts a version runs, and that nothing else does.
func runsOn(t *testing.T, w *world, version string, addresses ...string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.running) != len(addresses) {
		t.Errorf("running is %v, want %v", w.running, addresses)
	}
	for _, address := range addresses {
		if w.running[address] != releaseOf(version) {
			t.Errorf("%s runs %q, want %s", address, w.running[address], releaseOf(version))
		}
	}
}

func TestHostsComeUpOneAfterTheOther(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := newFleet(t, w, "a", "b", "c")
	if err := p.apply(context.Background(), "2"); err != nil {
		t.Fatal(err)
	}
	runsOn(t, w, "2", "green/a", "green/b", "green/c")
	if got := strings.Join(w.started, " "); got != "blue/a blue/b blue/c green/a green/b green/c" {
		t.Errorf("started %s", got)
	}
	// One that is bad is seen on the first host.
	w.sick[releaseOf("3")] = true
	_ = wantSummary(t, p.apply(context.Background(), "3"), "Release Rolled Back")
	runsOn(t, w, "2", "green/a", "green/b", "green/c")
	if got := strings.Join(w.started[6:], " "); got != "blue/a" {
		t.Errorf("a release that did not start on a was started on others: %s", got)
	}
	if len(w.cutOff) > 0 {
		t.Errorf("cut off: %v", w.cutOff)
	}
}

// With one slot, a host's instance is replaced while the others serve.
func TestOneSlotIsReplacedHostByHost(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.slots, w.router = []string{"blue"}, false
	p := newFleet(t, w, "a", "b", "c")
	seen := 0
	w.probed = func(r service.ReleaseID) error {
		if r != releaseOf("2") {
			return nil
		}
		// The world is held still by the probe.
		seen = max(seen, 1)
		count := 0
		for _, running := range w.running {
			if running == releaseOf("1") || running == releaseOf("2") {
				count++
			}
		}
		if count != 3 {
			t.Errorf("%d of 3 run while one is replaced: %v", count, w.running)
		}
		return nil
	}
	if err := p.apply(context.Background(), "2"); err != nil {
		t.Fatal(err)
	}
	if seen == 0 {
		t.Error("no probe of the new release")
	}
	runsOn(t, w, "2", "blue/a", "blue/b", "blue/c")
	w.probed = nil
	w.sick[releaseOf("3")] = true
	_ = wantSummary(t, p.apply(context.Background(), "3"), "Release Rolled Back")
	runsOn(t, w, "2", "blue/a", "blue/b", "blue/c")
	// 3 at first, 3 replaced, the bad one on a; then all of what ran before is asked for.
	if got := strings.Join(w.started[:7], " "); got != "blue/a blue/b blue/c blue/a blue/b blue/c blue/a" {
		t.Errorf("started %s", got)
	}
	// A release that was before comes back host by host as well.
	if err := p.apply(context.Background(), "1"); err != nil {
		t.Fatal(err)
	}
	runsOn(t, w, "1", "blue/a", "blue/b", "blue/c")
}

// A host that is down before the start is no half release: the preflight says so and nothing is touched.
func TestHostThatIsDownIsRefused(t *testing.T) {
	t.Parallel()
	for _, slots := range [][]string{{"blue", "green"}, {"blue"}} {
		w := newWorld()
		w.slots, w.router = slots, len(slots) == 2
		p := newFleet(t, w, "a", "b", "c")
		w.set(func() { w.silent["b"] = true })
		if e := wantSummary(t, p.apply(context.Background(), "2"), "Preflight Failed"); !strings.Contains(e.Detail(), "b: the host does not answer") || !strings.Contains(e.Detail(), "take the host out of platform.host.hosts") {
			t.Errorf("%d slots: %s does not name the host and what to do", len(slots), e.Detail())
		} else if looks := strings.Count(e.Detail(), "inspect "); looks > 1 {
			t.Errorf("%d slots: the look is said %d times: %s", len(slots), looks, e.Detail())
		}
		// Who overrides the look at stable is told all the same.
		p.preflight = delivery.PreflightSpec{Override: &delivery.Override{Skip: []string{"health"}, Reason: "a test"}}
		if len(slots) == 1 {
			if e := wantSummary(t, p.apply(context.Background(), "2"), "Preflight Failed"); !strings.HasPrefix(e.What, "b: the host does not answer. Until that is mended") {
				t.Errorf("%d slots: %s does not lead with the host", len(slots), e.Detail())
			}
		}
		w.set(func() { delete(w.silent, "b") })
		runsOn(t, w, "1", "blue/a", "blue/b", "blue/c")
	}
}

// The one probe of stable has time for a login before it, also where an instance has little to answer.
func TestProbeOfAHostHasTimeToLogIn(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := newFleet(t, w, "a", "b")
	least, probes := time.Hour, 0
	w.set(func() {
		w.probing = func(ctx context.Context, i service.Instance) {
			if deadline, bounded := ctx.Deadline(); bounded && w.running[i.Address] == releaseOf("1") {
				least = min(least, time.Until(deadline))
				probes++
			}
		}
	})
	if err := p.apply(context.Background(), "2"); err != nil {
		t.Fatal(err)
	}
	w.set(func() {
		if probes == 0 || least < 5*time.Second || least > 10*time.Second {
			t.Errorf("of %d probes of stable one had %s", probes, least)
		}
	})
}

// A host that goes while a release is judged takes stable's instance there with it, too: users go to what answers on the others, and
// when the host is back all is whole.
func TestHostGoneDuringTheRestore(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := newFleet(t, w, "a", "b", "c")
	var once bool
	w.checking = func(_ context.Context, _ string, r service.ReleaseID) {
		if r != releaseOf("2") || once {
			return
		}
		once = true
		w.set(func() { w.silent["c"], w.failing[r] = true, true })
		go func() {
			// It is back when the traffic is where it belongs.
			for range 3000 {
				w.mu.Lock()
				moved := w.weights["blue"] == 100 && len(w.behind) > 0
				w.mu.Unlock()
				if moved && p.state().OpenAttempt() != nil {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
			w.set(func() { delete(w.silent, "c") })
		}()
	}
	_ = wantSummary(t, p.apply(context.Background(), "2"), "Release Rolled Back")
	runsOn(t, w, "1", "blue/a", "blue/b", "blue/c")
}

func TestAddedAndRemovedHosts(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := newFleet(t, w, "a", "b")
	owner := p.state().Owner
	resize := func(hosts ...string) error {
		_, err := p.service().Define(context.Background(), delivery.DefineRequest{Definition: service.Definition{ID: web, Platform: onHosts(hosts...)}, Owner: owner})
		return err
	}
	if err := resize("a", "b", "c"); err != nil {
		t.Fatal(err)
	}
	runsOn(t, w, "1", "blue/a", "blue/b", "blue/c")
	if got := len(w.behind[0].Instances); got != 3 {
		t.Errorf("the router sends to %d instances: %v", got, w.behind)
	}
	if delivery.Unsized(p.state()) {
		t.Error("it is not at its size")
	}
	// One host away, one more.
	if err := resize("b", "c", "d"); err != nil {
		t.Fatal(err)
	}
	runsOn(t, w, "1", "blue/b", "blue/c", "blue/d")
	if p.state().StableRelease() == nil || len(p.state().StableRelease().Placement.Instances) != 3 {
		t.Errorf("recorded is %v", p.state().StableRelease())
	}
	// One that is not prepared is not touched; what is wrong with another is of no account.
	w.set(func() { w.full = map[string]string{"e": "there is no user web", "c": "its disk is full"} })
	placed := len(w.started)
	if e := wantSummary(t, resize("b", "c", "d", "e"), "Hosts Not Added"); !strings.Contains(e.Detail(), "host e: there is no user web. Nothing was changed") || len(w.started) > placed || !slices.Equal(e.Path, []string{"platform", "host", "hosts", "e"}) {
		t.Errorf("started %v, at %v: %s", w.started[placed:], e.Path, e.Detail())
	}
	// What several of them have in common is told once, and found all the same.
	w.set(func() { w.full["f"] = w.full["e"] })
	if e := wantSummary(t, resize("b", "c", "d", "e", "f"), "Hosts Not Added"); !strings.Contains(e.Detail(), "host e and f: there is no user web. Nothing was changed") || len(w.started) > placed || !slices.Equal(e.Path, []string{"platform", "host", "hosts"}) {
		t.Errorf("started %v, at %v: %s", w.started[placed:], e.Path, e.Detail())
	}
	if err := resize("b", "c", "d"); err != nil {
		t.Fatal(err)
	}
	w.set(func() { w.full = nil })
	// A host that does not take it is taken out again, and the service says so until it is mended.
	w.set(func() { w.silent["e"] = true })
	if e := wantSummary(t, resize("b", "c", "d", "e"), "Hosts Not Added"); strings.Contains(e.Detail(), "Nothing was changed") {
		t.Error(e.Detail())
	}
	runsOn(t, w, "1", "blue/b", "blue/c", "blue/d")
	if !delivery.Unsized(p.state()) {
		t.Error("nothing says that a host is missing")
	}
	w.set(func() { delete(w.silent, "e") })
	if err := resize("b", "c", "d", "e"); err != nil {
		t.Fatal(err)
	}
	runsOn(t, w, "1", "blue/b", "blue/c", "blue/d", "blue/e")
	// One that is dead may be why it is taken out.
	w.set(func() { w.silent["b"] = true })
	if err := resize("c", "d", "e"); err != nil {
		t.Fatal(err)
	}
	if delivery.Unsized(p.state()) {
		t.Error("the dead host is still the service's")
	}
	// The next release runs where the service is now.
	w.set(func() { delete(w.running, "blue/b"); delete(w.silent, "b") })
	if err := p.apply(context.Background(), "2"); err != nil {
		t.Fatal(err)
	}
	runsOn(t, w, "2", "green/c", "green/d", "green/e")
	if len(w.cutOff) > 0 {
		t.Errorf("cut off: %v", w.cutOff)
	}
}

// Parts of the router that differ have no shares that could be kept when hosts are added: what the ledger says is set.
func TestHostsAddedWhileTheRouterDiffers(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := newFleet(t, w, "a", "b")
	w.set(func() { w.weights = map[string]int{"blue": 74, "green": 25} })
	if _, err := p.service().Define(context.Background(), delivery.DefineRequest{Definition: service.Definition{ID: web, Platform: onHosts("a", "b", "c")}, Owner: p.state().Owner}); err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.weights["blue"] != 100 || w.weights["green"] != 0 {
		t.Errorf("the weights are %v", w.weights)
	}
}

// A definition that was refused, or a run that was killed after it, leaves a service that is whole at the next try.
func TestResizeKilledAnywhere(t *testing.T) {
	t.Parallel()
	for at := 1; ; at++ {
		w, objects := newWorld(), newMemoryStore()
		p := newProvider(t, w, objects)
		p.platform = onHosts("a", "b")
		if err := p.apply(context.Background(), "1"); err != nil {
			t.Fatal(err)
		}
		owner := p.state().Owner
		p.close()
		killed := newProvider(t, w, objects)
		killed.process.killAt = at
		define := func(p *provider) error {
			_, err := p.service().Define(context.Background(), delivery.DefineRequest{Definition: service.Definition{ID: web, Platform: onHosts("b", "c")}, Owner: owner})
			return err
		}
		done := make(chan error, 1)
		go func() {
			defer close(done)
			done <- define(killed)
		}()
		err := <-done
		if !killed.process.dead() {
			if err != nil {
				t.Fatal(err)
			}
			killed.close()
			if at < 10 {
				t.Fatalf("only %d points", at)
			}
			return
		}
		next := newProvider(t, w, objects)
		state := next.state()
		if hosts := state.Definition.Platform.Host.Hosts; len(hosts) == 2 && hasHost(hosts, "c") && w.running["blue/a"] != "" && !delivery.Unsized(state) {
			t.Errorf("killed at point %d: nothing tells that it is not at its size: %v", at, w.running)
		}
		if err := define(next); err != nil {
			t.Fatalf("killed at point %d: %v", at, err)
		}
		runsOn(t, w, "1", "blue/b", "blue/c")
		if s := next.state(); s.Stable != releaseOf("1") || delivery.Unsized(s) {
			t.Errorf("killed at point %d: stable is %v", at, s.StableRelease())
		}
		next.close()
	}
}

func hasHost(hosts map[string]service.Host, name string) bool { _, found := hosts[name]; return found }

// What a killed run has given traffic on a host that was added loses it again, before it is taken away there.
func TestHostThatHasTrafficAndDoesNotComeUp(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := newProvider(t, w, objects)
	p.platform = onHosts("a", "b")
	if err := p.apply(context.Background(), "1"); err != nil {
		t.Fatal(err)
	}
	owner := p.state().Owner
	p.close()
	define := func(p *provider) error {
		_, err := p.service().Define(context.Background(), delivery.DefineRequest{Definition: service.Definition{ID: web, Platform: onHosts("a", "b", "c")}, Owner: owner})
		return err
	}
	killed := newProvider(t, w, objects)
	killed.process.killWhen = func(what string) bool { return what == "weights done" }
	done := make(chan error, 1)
	go func() {
		defer close(done)
		done <- define(killed)
	}()
	if err := <-done; !killed.process.dead() || len(w.behind[0].Instances) != 3 {
		t.Fatalf("it was not killed with the traffic on c: %v, %v", w.behind, err)
	}
	next := newProvider(t, w, objects)
	t.Cleanup(next.close)
	// It dies on c, and does not come up there again.
	w.set(func() {
		delete(w.running, "blue/c")
		w.broken["start"] = errors.New("no")
	})
	next.process.before = func(_ int, what string) {
		if what == "remove" {
			w.set(func() {
				if n := len(w.behind[0].Instances); n != 2 {
					t.Errorf("it is removed from c while the router sends to %d instances", n)
				}
			})
		}
	}
	if e := wantSummary(t, define(next), "Hosts Not Added"); len(e.Leftovers) > 0 {
		t.Errorf("left over is %v", e.Leftovers)
	}
	if n := len(w.behind[0].Instances); n != 2 {
		t.Errorf("the router sends to %d instances: %v", n, w.behind)
	}
	runsOn(t, w, "1", "blue/a", "blue/b")
}

// Where what an earlier release left cannot be looked after, the host and why come first.
func TestSweepThatFailsLeadsWithTheHost(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := newFleet(t, w, "a", "b")
	if err := p.apply(t.Context(), "2"); err != nil {
		t.Fatal(err)
	}
	w.set(func() { w.silent["b"] = true })
	e := wantSummary(t, p.apply(t.Context(), "3"), "Preflight Failed")
	if !strings.HasPrefix(e.What, "inspect "+string(releaseOf("1"))+": b: the host does not answer. So what is left") || !strings.Contains(e.Next, "taken out of platform.host.hosts") {
		t.Errorf("it says: %s", e.Detail())
	}
}
