package acceptance_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/machinetest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// A host that is down before a release starts is told of by the plan, and the release is refused before anything is touched.
func TestMachinesHostDown(t *testing.T) {
	r := newFleetRig(t)
	r.deploy(config{Version: "1"})
	down := r.fleet.hosts[1]
	down.PowerOff(t)
	r.write(config{Version: "2"}.hcl(r))
	named := fmt.Sprintf("host %s (root@%s", down.Name, down.Address)
	wantSaid(t, r.plan().text, "Warning: Service Not Reachable", named)
	before := r.view(web).State.Number
	wantSaid(t, r.apply(1), "Preflight Failed", named, "Bring it back, and apply again", "nothing had been changed")
	for _, e := range r.eventsAfter(before) {
		if e.Stage != "" && e.Stage != service.StagePreflight {
			t.Errorf("the preflight is not the last that ran: %s of %s", e.Type, e.Stage)
		}
	}
	for n, h := range r.fleet.hosts {
		if h != down && r.fleet.runsOn(n, "green") {
			t.Errorf("the release runs on host %s", h.Name)
		}
	}
	down.Boot(t)
	r.answers()
	r.runs("1")
	r.apply(0)
	r.runs("2")
	wantActions(t, r.plan(), map[string]string{})
}

// Servers are added to HAProxy and removed with the releases, and what HAProxy counts judges these. Hosts come and go under traffic,
// one of them when it is off.
func TestMachinesDynamicServers(t *testing.T) {
	r := newFleetRig(t)
	f := r.fleet
	f.dynamic, f.stateFile, f.metrics, f.placed = "check inter 200ms", "", "{ haproxy = {} }", f.hosts[:2]
	f.configure()
	r.deploy(config{Version: "1"})
	r.runs("1")
	stop := r.traffic()
	f.placed = f.hosts
	r.write(config{Version: "1"}.hcl(r))
	wantActions(t, r.plan(), map[string]string{"service": "update"})
	r.apply(0)
	r.runsOnAll("1", f.hosts)
	wantActions(t, r.plan(), map[string]string{})
	r.deploy(config{Version: "2", Pause: "1s"})
	r.runsOnAll("2", f.hosts)
	f.placed = f.hosts[1:]
	r.deploy(config{Version: "2"})
	r.runsOnAll("2", f.placed)
	if left := f.hosts[0].Run(t, "ls -d /etc/systemd/system/production-web-* 2>/dev/null || :"); left != "" {
		t.Errorf("units are left on host %s: %s", f.hosts[0].Name, left)
	}
	wantActions(t, r.plan(), map[string]string{})
	if seen := stop(); len(seen.lost) > 0 {
		t.Errorf("%d of %d requests were lost: %v", len(seen.lost), seen.requests, seen.lost[:min(3, len(seen.lost))])
	}

	bad := failing(service.StageTrafficSplit, "3")
	r.write(bad.hcl(r))
	stop = r.traffic()
	wantSaid(t, r.apply(1), "Release Rolled Back", "error")
	if stop().requests == 0 {
		t.Error("there was no traffic")
	}
	r.runsOnAll("2", f.placed)

	off := f.hosts[1]
	off.PowerOff(t)
	f.placed = f.hosts[2:]
	wantSaid(t, r.deploy(config{Version: "2"}), "Host Not Tidied", off.Name+" is no host of", "systemctl disable --now production-web-", "on "+off.Name)
	off.Boot(t)
	r.runsOnAll("2", f.placed)
	f.placed = f.hosts
	r.deploy(config{Version: "2"})
	r.runsOnAll("2", f.hosts)
	wantActions(t, r.plan(), map[string]string{})
}

// The same with servers that are in haproxy.cfg, where there are some for each host that the service has had.
func TestMachinesStaticServers(t *testing.T) {
	r := newFleetRig(t)
	f := r.fleet
	f.placed = f.hosts[:2]
	r.deploy(config{Version: "1"})
	r.runsOnAll("1", f.placed)
	stop := r.traffic()
	for _, placed := range [][]*machinetest.Host{f.hosts, f.hosts[1:]} {
		f.placed = placed
		r.write(config{Version: "1"}.hcl(r))
		wantActions(t, r.plan(), map[string]string{"service": "update"})
		r.apply(0)
		r.runsOnAll("1", placed)
		wantActions(t, r.plan(), map[string]string{})
	}
	r.deploy(config{Version: "2", Pause: "1s"})
	r.runsOnAll("2", f.placed)
	if seen := stop(); len(seen.lost) > 0 {
		t.Errorf("%d of %d requests were lost: %v", len(seen.lost), seen.requests, seen.lost[:min(3, len(seen.lost))])
	}
}

// runsOnAll asserts that a version runs on these hosts, and that each HAProxy has them and no others for it.
func (r *rig) runsOnAll(version string, hosts []*machinetest.Host) {
	r.t.Helper()
	r.runs(version)
	stable := r.view(web).State.StableRelease()
	if n := len(stable.Placement.Instances); n != len(hosts) {
		r.t.Errorf("%s has %d instances, want %d", stable.ID, n, len(hosts))
	}
	for _, url := range r.urls() {
		seen := map[string]bool{}
		r.await("each host to get requests", func() bool {
			body, _ := get(url + "/")
			seen[instanceIn(body)] = true
			return len(seen) >= len(hosts)
		})
		if len(seen) != len(hosts) {
			r.t.Errorf("%s sends to %v, want %d hosts", url, seen, len(hosts))
		}
	}
}

// instanceIn is what an answer says of who gave it.
func instanceIn(body string) string {
	_, rest, _ := strings.Cut(body, `"instance":"`)
	name, _, _ := strings.Cut(rest, `"`)
	return name
}
