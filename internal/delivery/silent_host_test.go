package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// becomes waits until a world is as it is wanted, held still meanwhile, and tells whether it came to that.
func becomes(w *world, wanted func() bool) bool {
	for range 6000 {
		w.mu.Lock()
		is := wanted()
		w.mu.Unlock()
		if is {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

// A machine that lost its power does not say so: whoever asks it waits. Users are not kept from stable for that.
func TestHostThatHangsDuringTheRestore(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := newFleet(t, w, "a", "b", "c")
	once, moved := false, make(chan bool, 1)
	w.checking = func(_ context.Context, _ string, r service.ReleaseID) {
		if r != releaseOf("2") || once {
			return
		}
		once = true
		w.set(func() {
			w.weights = map[string]int{"blue": 50, "green": 50}
			w.silent["c"], w.hanging["c"], w.failing[r] = true, true, true
		})
		go func() {
			moved <- becomes(w, func() bool { return w.weights["blue"] == 100 })
			w.set(func() { delete(w.silent, "c"); delete(w.hanging, "c") })
		}()
	}
	_ = wantSummary(t, p.apply(context.Background(), "2"), "Release Rolled Back")
	if !<-moved {
		t.Error("the traffic stayed where it was while a host was silent")
	}
	runsOn(t, w, "1", "blue/a", "blue/b", "blue/c")
}

// With one slot, stable comes back on the machines that answer before anybody waits for the one that does not.
func TestOneSlotComesBackWhereMachinesAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.slots, w.router = []string{"blue"}, false
	p := newFleet(t, w, "a", "b", "c")
	back := make(chan bool, 1)
	w.probed = func(r service.ReleaseID) error {
		if r != releaseOf("2") {
			return nil
		}
		// The world is held still by the probe.
		if !w.silent["c"] {
			w.silent["c"] = true
			go func() {
				back <- becomes(w, func() bool { return w.running["blue/a"] == releaseOf("1") })
				w.set(func() { delete(w.silent, "c") })
			}()
		}
		return errors.New("not ready")
	}
	_ = wantSummary(t, p.apply(context.Background(), "2"), "Release Rolled Back")
	if !<-back {
		t.Error("stable did not come back where machines answered")
	}
	runsOn(t, w, "1", "blue/a", "blue/b", "blue/c")
}

// A host that is dead, and taken out for that, is not what a recovery waits for.
func TestDeadHostIsTakenOutOfABrokenService(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := newFleet(t, w, "a", "b", "c")
	w.failing[releaseOf("2")] = true
	w.broken["remove"] = errors.New("systemd does not answer")
	_ = wantSummary(t, p.apply(context.Background(), "2"), "Restore Failed")
	w.set(func() { delete(w.broken, "remove"); w.silent["c"] = true })
	outcome, err := p.service().Define(context.Background(), delivery.DefineRequest{
		Definition: service.Definition{ID: web, Platform: onHosts("a", "b")}, Owner: p.state().Owner,
	})
	if err != nil {
		t.Fatal(err)
	}
	if s := p.state(); s.Broken != nil || delivery.Unsized(s) || s.Stable != releaseOf("1") {
		t.Errorf("broken is %v, stable %v", s.Broken, s.StableRelease())
	}
	if got := len(w.behind[0].Instances); got != 2 {
		t.Errorf("the router sends to %d instances: %v", got, w.behind)
	}
	told := 0
	for _, warning := range outcome.Warnings {
		if warning.Summary == "Host Not Tidied" {
			told++
		}
	}
	if told != 2 {
		t.Errorf("what is left of two releases on c is told %d times: %v", told, outcome.Warnings)
	}
	w.set(func() { delete(w.running, "blue/c"); delete(w.running, "green/c") })
	runsOn(t, w, "1", "blue/a", "blue/b")
}

// A run that was killed when a host that was added had its share already, and then the change is taken back: it gets nothing any more when it is
// removed.
func TestHostThatIsNotWantedAfterAllHasNoTraffic(t *testing.T) {
	t.Parallel()
	w, objects := newWorld(), newMemoryStore()
	p := newProvider(t, w, objects)
	p.platform = onHosts("a", "b")
	if err := p.apply(context.Background(), "1"); err != nil {
		t.Fatal(err)
	}
	owner := p.state().Owner
	p.close()
	define := func(p *provider, hosts ...string) error {
		_, err := p.service().Define(context.Background(), delivery.DefineRequest{Definition: service.Definition{ID: web, Platform: onHosts(hosts...)}, Owner: owner})
		return err
	}
	killed := newProvider(t, w, objects)
	killed.process.killWhen = func(what string) bool { return what == "weights done" }
	done := make(chan struct{})
	go func() { defer close(done); _ = define(killed, "a", "b", "c") }()
	<-done
	if !killed.process.dead() || w.running["blue/c"] == "" || len(w.behind[0].Instances) != 3 {
		t.Fatalf("c has no traffic to begin with: %v, %v", w.running, w.behind)
	}
	next := newProvider(t, w, objects)
	t.Cleanup(next.close)
	var sent int
	next.process.before = func(_ int, what string) {
		if what == "remove" {
			w.mu.Lock()
			sent = len(w.behind[0].Instances)
			w.mu.Unlock()
		}
	}
	if err := define(next, "a", "b"); err != nil {
		t.Fatal(err)
	}
	if sent != 2 {
		t.Errorf("c was removed while the router sent to %d hosts", sent)
	}
	runsOn(t, w, "1", "blue/a", "blue/b")
}

// The same where the service has to be recovered first, by the definition that has the host no more: what nobody recorded on it is removed.
func TestHostThatIsNotWantedAfterAllInABrokenService(t *testing.T) {
	t.Parallel()
	for _, down := range []bool{false, true} {
		w, objects := newWorld(), newMemoryStore()
		p := newProvider(t, w, objects)
		p.platform = onHosts("a", "b")
		if err := p.apply(context.Background(), "1"); err != nil {
			t.Fatal(err)
		}
		p.close()
		killed := newProvider(t, w, objects)
		killed.process.killWhen = func(what string) bool { return what == "weights done" }
		done := make(chan struct{})
		go func() { defer close(done); _, _ = redefine(killed, "a", "b", "c") }()
		<-done
		next := newProvider(t, w, objects)
		t.Cleanup(next.close)
		w.set(func() {
			w.failing[releaseOf("2")] = true
			w.broken["remove"] = errors.New("systemd does not answer")
		})
		_ = wantSummary(t, next.apply(context.Background(), "2"), "Restore Failed")
		if w.running["blue/c"] != releaseOf("1") || len(next.state().StableRelease().Placement.Instances) != 2 {
			t.Fatalf("nothing runs on c that is not recorded: %v", w.running)
		}
		w.set(func() { delete(w.broken, "remove"); w.silent["c"] = down })
		outcome, err := redefine(next, "a", "b")
		if err != nil {
			t.Fatal(err)
		}
		if s := next.state(); s.Broken != nil || delivery.Unsized(s) || w.hostsBehind("blue") != "a b" {
			t.Errorf("broken %v, unsized %t, the router sends to %q", s.Broken, delivery.Unsized(s), w.hostsBehind("blue"))
		}
		if !down {
			runsOn(t, w, "1", "blue/a", "blue/b")
			continue
		}
		told := 0
		for _, warning := range outcome.Warnings {
			if warning.Summary == "Host Not Tidied" {
				told++
			}
		}
		if told != 2 {
			t.Errorf("what is left of two releases on c is told %d times: %v", told, outcome.Warnings)
		}
	}
}

// Where the router's servers are the user's, a host whose server is still there is not removed, and one host can take another one's place.
func TestRouterThatKnowsOtherHosts(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := newFleet(t, w, "a", "b")
	owner := p.state().Owner
	resize := func(hosts ...string) error {
		_, err := p.service().Define(context.Background(), delivery.DefineRequest{Definition: service.Definition{ID: web, Platform: onHosts(hosts...)}, Owner: owner})
		return err
	}
	servers := func(at ...string) { w.set(func() { w.servers = map[string][]string{"blue": at} }) }
	servers("blue/a", "blue/b")
	if err := resize("b"); err == nil || !strings.Contains(err.Error(), "servers of blue are at [blue/a blue/b]") {
		t.Errorf("a host that gets traffic was removed: %v", err)
	}
	runsOn(t, w, "1", "blue/a", "blue/b")
	if !delivery.Unsized(p.state()) {
		t.Error("nothing says that it is not at its size")
	}
	servers("blue/b")
	if err := resize("b"); err != nil {
		t.Fatal(err)
	}
	runsOn(t, w, "1", "blue/b")
	// Another host in its place, with its servers there and those of the old one gone.
	servers("blue/c")
	untaken := errors.New("unknown keyword 'chekc'")
	w.set(func() { w.untaken = untaken })
	if err := resize("c"); err == nil || !strings.Contains(err.Error(), untaken.Error()) {
		t.Errorf("a host was added for which the router takes no servers: %v", err)
	}
	runsOn(t, w, "1", "blue/b")
	w.set(func() { w.untaken = nil })
	if err := resize("c"); err != nil {
		t.Fatal(err)
	}
	runsOn(t, w, "1", "blue/c")
}

// What a machine says of a start that fails may hold a secret of the release.
func TestSecretInWhatAStartSays(t *testing.T) {
	t.Parallel()
	w := newWorld()
	objects := newMemoryStore()
	p := newProvider(t, w, objects)
	t.Cleanup(p.close)
	p.platform = onHosts("a")
	w.broken["start"] = fmt.Errorf("systemd did not start it: connect to postgres://web:%s@db", secret)
	err := p.apply(context.Background(), "secretive")
	if err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("error %v", err)
	}
	keys, err := objects.List(context.Background(), "")
	if err != nil || len(keys) == 0 {
		t.Fatal(err)
	}
	for _, key := range keys {
		if data, err := objects.Get(context.Background(), key); err != nil || strings.Contains(string(data.Data), secret) {
			t.Errorf("%s holds the secret: %s (%v)", key, data.Data, err)
		}
	}
}
