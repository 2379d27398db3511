package acceptance_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/machinetest"
)

// A host that is down keeps nobody from rolling back, by the command or by reverted HCL: the release before comes to the others, users lose
// nothing, and it comes to that host when it is back, by the next apply or by recover. Nobody is sent to what systemd has started there meanwhile.
func TestMachinesRollbackWithAHostDown(t *testing.T) {
	r := newFleetRig(t)
	r.deploy(config{Version: "1"})
	for _, c := range []struct {
		version        string
		rollBack, back func() string
	}{
		{"2",
			func() string { return r.operator(0, "rollback", string(web), "--yes", "--reason", "a test") },
			func() string { return r.apply(0) }},
		{"3",
			func() string { return r.apply(0) },
			func() string { return r.operator(0, "recover", string(web), "--yes") }},
	} {
		r.deploy(config{Version: c.version})
		down := r.fleet.hosts[1]
		down.PowerOff(t)
		r.awaitSwift()
		stop := r.traffic()
		r.write(config{Version: "1"}.hcl(r))
		wantSaid(t, c.rollBack(), "host "+down.Name+" does not answer", "LEFT OUT", "the router sends nothing there", "recover "+string(web))
		r.runsWithout("1", down)
		wantActions(t, r.plan(), map[string]string{"service": "update"})
		down.Boot(t)
		r.await("what ran before to be up again there", func() bool { return r.fleet.runsOn(1, r.fleet.slotOf(c.version)) })
		r.runsWithout("1", down)
		c.back()
		r.runsOnAll("1", r.fleet.hosts)
		wantActions(t, r.plan(), map[string]string{})
		if seen := stop(); len(seen.lost) > 0 || seen.requests == 0 {
			t.Errorf("%d of %d requests were lost: %v", len(seen.lost), seen.requests, seen.lost[:min(3, len(seen.lost))])
		}
	}
}

// slotOf a release that was introduced when version 1 had the slot blue.
func (f *fleet) slotOf(version string) string {
	return map[bool]string{true: "blue", false: "green"}[version == "1"]
}

// awaitSwift waits until no HAProxy sends to a host that is down: a request that it sends there takes seconds.
func (r *rig) awaitSwift() {
	r.t.Helper()
	client := &http.Client{Timeout: time.Second}
	r.await("HAProxy to find the host down", func() bool {
		for _, url := range r.urls() {
			for range 10 {
				request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url+"/", nil)
				if err != nil {
					r.t.Fatal(err)
				}
				response, err := client.Do(request)
				if err != nil {
					return false
				}
				_ = response.Body.Close()
				if response.StatusCode != http.StatusOK {
					return false
				}
			}
		}
		return true
	})
}

// runsWithout asserts that a version is stable and has all requests, on all hosts but one.
func (r *rig) runsWithout(version string, left *machinetest.Host) {
	r.t.Helper()
	stable := r.view(web).State.StableRelease()
	if stable == nil || stable.ID.Version() != version || len(stable.Placement.Instances) != len(r.fleet.hosts)-1 {
		r.t.Fatalf("stable is %+v, want version %s on all hosts but %s", stable, version, left.Name)
	}
	for _, i := range stable.Placement.Instances {
		if i.Host == left.Name {
			r.t.Errorf("%s is recorded on %s", stable.ID, left.Name)
		}
	}
	weights := map[string]int{"blue": 0, "green": 0}
	weights[stable.Placement.Slot] = 100
	r.awaitWeights(weights)
	for _, url := range r.urls() {
		for range 20 {
			if body, code := get(url + "/"); code != http.StatusOK || !strings.Contains(body, string(stable.ID)) || strings.Contains(instanceIn(body), "/"+left.Name+"/") {
				r.t.Errorf("%s answers %d %s", url, code, body)
			}
		}
	}
}

// While a host that a rollback left out stays away, an apply warns of it and goes on: a second rollback needs neither the command nor a
// change of the hosts. A release does not begin without the host.
func TestMachinesRolledBackTwiceWithAHostDown(t *testing.T) {
	r := newFleetRig(t)
	for _, version := range []string{"1", "2", "3"} {
		r.deploy(config{Version: version, KeepPrevious: 2})
	}
	down := r.fleet.hosts[1]
	down.PowerOff(t)
	r.awaitSwift()
	stop := r.traffic()
	for _, version := range []string{"2", "1"} {
		r.write(config{Version: version, KeepPrevious: 2}.hcl(r))
		wantSaid(t, r.apply(0), "Host Left Out", "host "+down.Name+" does not answer", "recover "+string(web))
		r.runsWithout(version, down)
	}
	wantActions(t, r.plan(), map[string]string{"service": "update"})
	r.write(config{Version: "4", KeepPrevious: 2}.hcl(r))
	wantSaid(t, r.apply(1), "Preflight Failed", "host "+down.Name)
	r.runsWithout("1", down)
	down.Boot(t)
	r.write(config{Version: "1", KeepPrevious: 2}.hcl(r))
	r.await("what ran before to be up again there", func() bool { return r.fleet.runsOn(1, r.fleet.slotOf("1")) })
	r.apply(0)
	r.runsOnAll("1", r.fleet.hosts)
	wantActions(t, r.plan(), map[string]string{})
	if seen := stop(); len(seen.lost) > 0 || seen.requests == 0 {
		t.Errorf("%d of %d requests were lost: %v", len(seen.lost), seen.requests, seen.lost[:min(3, len(seen.lost))])
	}
}
