package acceptance_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/machinetest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// HAProxy is reloaded and restarted in the middle of a split: the weights survive, a reload loses no request, and the release passes.
func TestMachinesHAProxyStartedAnew(t *testing.T) {
	r := newFleetRig(t)
	r.deploy(config{Version: "1"})
	done := filepath.Join(r.dir, "done")
	run := r.atHalf(config{Version: "2", Until: done})
	half := map[string]int{"blue": 50, "green": 50}
	stop := r.traffic()
	for range 3 {
		r.fleet.onBalancers("systemctl reload haproxy")
		r.awaitWeights(half)
	}
	if seen := stop(); len(seen.lost) > 0 || seen.requests == 0 {
		t.Errorf("%d of %d requests were lost over reloads: %v", len(seen.lost), seen.requests, seen.lost)
	}
	r.fleet.onBalancers("systemctl restart haproxy") // It ends what is in flight, with or without a release.
	r.awaitWeights(half)
	writeFile(t, done, "")
	if code := r.wait(run); code != 0 {
		t.Fatalf("terraform exited with %d:\n%s", code, run.output.String())
	}
	r.runs("2")
	wantActions(t, r.plan(), map[string]string{})

	// Without a state file the plan says what would be lost; what was lost is drift, and repaired.
	r.fleet.stateFile = ""
	for _, b := range r.fleet.balancers {
		b.WriteFile(t, "/etc/haproxy/haproxy.cfg", r.fleet.haproxy(b), 0o644)
	}
	r.write(config{Version: "3"}.hcl(r))
	wantSaid(t, r.plan().text, "Router Needs Attention", "state_file")
	r.apply(0) // into the slot that haproxy.cfg gives the traffic to
	r.deploy(config{Version: "4"})
	r.fleet.balancers[0].Run(t, "systemctl restart haproxy")
	// The next release does not begin on that, and says the way out.
	r.write(config{Version: "5"}.hcl(r))
	wantSaid(t, r.apply(1), "Preflight Failed", "parts of the router differ", "The nodes of HAProxy differ: "+r.fleet.balancers[0].Name+" has", "Apply the configuration of 4")
	r.write(config{Version: "4"}.hcl(r))
	p := r.plan()
	if p.actions()["traffic_split"] != "update" {
		t.Errorf("weights that a restart brought back are not seen: %v\n%s", p.actions(), p.text)
	}
	wantSaid(t, p.text, "The nodes of HAProxy differ")
	r.apply(0)
	r.runs("4")
	wantActions(t, r.plan(), map[string]string{})
	r.deploy(config{Version: "5"})
	r.runs("5")
}

// One of two HAProxy is gone while a restore runs: the other has all traffic with stable, the restore is not done and says which node is
// missing, and when that is back a recovery finishes it.
func TestMachinesHAProxyGone(t *testing.T) {
	r := newFleetRig(t)
	r.deploy(config{Version: "1"})
	run := r.inTheMiddle(service.StageTrafficSplit, "2")
	here, gone := r.fleet.balancers[0], r.fleet.balancers[1]
	gone.Run(t, "systemctl stop haproxy")
	r.fleet.entrances = r.fleet.entrances[:1]
	stop := r.traffic()
	if err := syscall.Kill(-run.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := r.wait(run); code != 1 {
		t.Errorf("terraform exited with %d:\n%s", code, run.output.String())
	}
	wantSaid(t, run.output.String(), "Restore Failed", "node "+gone.Name, "recover "+string(web))
	stable := r.view(web).State.Stable
	for range 20 {
		if body, code := get(r.urls()[0] + "/"); code != 200 || !strings.Contains(body, string(stable)) {
			t.Fatalf("%s answers %d %s, want %s", here.Name, code, body, stable)
		}
	}
	r.write(config{Version: "1"}.hcl(r))
	p := r.plan()
	if p.actions()["service"] != "update" {
		t.Errorf("the plan does not show what is broken: %v", p.actions())
	}
	wantSaid(t, p.text, gone.Name)
	gone.Run(t, "systemctl start haproxy")
	r.operator(0, "recover", string(web), "--yes")
	r.fleet.entrances = r.fleet.balancers
	r.runs("1")
	if lost := stop().lost; len(lost) > 0 {
		t.Errorf("%d requests were lost: %v", len(lost), lost[:min(len(lost), 3)])
	}
	r.apply(0)
	wantActions(t, r.plan(), map[string]string{})
	r.oneEndEach()
}

// One of two HAProxy is gone when a release is rolled back, by the command or by reverted HCL: users of the other have the release before at once,
// and lose nothing. What was before stays up for those of the one that is gone, should it come back, until a recovery or an apply finishes it; or
// it is taken out. So it is with a candidate that has part of the traffic.
func TestMachinesRollbackWithHAProxyGone(t *testing.T) {
	r := newFleetRig(t)
	r.deploy(config{Version: "1"})
	here, gone := r.fleet.balancers[0], r.fleet.balancers[1]
	url := func(b *machinetest.Host) string {
		r.fleet.entrances = []*machinetest.Host{b}
		return r.urls()[0] + "/"
	}
	answers := func(b *machinetest.Host, version string) {
		t.Helper()
		from := url(b)
		for range 20 {
			if body, code := get(from); code != 200 || !strings.Contains(body, string(web)+"/"+version+"-") {
				t.Fatalf("%s answers %d %s, want version %s", b.Name, code, body, version)
			}
		}
	}
	for _, c := range []struct {
		release          config
		rollBack, finish func()
	}{
		{config{Version: "2"},
			func() {
				wantSaid(t, r.operator(1, "rollback", string(web), "--yes"), "Rollback Unfinished", "node "+gone.Name, "taken out of router.haproxy.nodes", "recover "+string(web))
			},
			func() {
				gone.Run(t, "systemctl start haproxy")
				answers(gone, "2")
				r.operator(0, "recover", string(web), "--yes")
				answers(gone, "1")
			}},
		{config{Version: "3"},
			func() { wantSaid(t, r.apply(1), "Rollback Unfinished", "node "+gone.Name) },
			func() {
				r.fleet.balancers = []*machinetest.Host{here}
				r.write(config{Version: "1"}.hcl(r))
				r.apply(0)
				answers(here, "1")
				wantActions(t, r.plan(), map[string]string{})
				gone.Run(t, "systemctl start haproxy")
				r.fleet.balancers = []*machinetest.Host{here, gone}
				r.write(config{Version: "1"}.hcl(r))
				r.apply(0)
				r.apply(0) // What a node that is put back has is seen when it is one.
			}},
		{config{Version: "4", Weight: 25},
			func() {
				for range 2 {
					wantSaid(t, r.operator(1, "rollback", string(web), "--yes"), "Rollback Unfinished", "node "+gone.Name, "taken out of router.haproxy.nodes", "stays up for it")
				}
				wantSaid(t, r.plan().text, "is not finished", "node "+gone.Name)
			},
			func() {
				gone.Run(t, "systemctl start haproxy")
				r.operator(0, "recover", string(web), "--yes")
				answers(gone, "1")
				answers(here, "1")
			}},
	} {
		r.deploy(c.release)
		gone.Run(t, "systemctl stop haproxy")
		url(here)
		stop := r.traffic()
		r.write(config{Version: "1"}.hcl(r))
		c.rollBack()
		answers(here, "1")
		c.finish()
		if seen := stop(); len(seen.lost) > 0 || seen.requests == 0 {
			t.Errorf("%d of %d requests were lost: %v", len(seen.lost), seen.requests, seen.lost[:min(3, len(seen.lost))])
		}
		r.fleet.entrances = r.fleet.balancers
		r.runs("1")
		wantActions(t, r.plan(), map[string]string{})
	}
	r.oneEndEach()
}

func (f *fleet) onBalancers(script string) {
	f.t.Helper()
	for _, b := range f.balancers {
		b.Run(f.t, script)
	}
}
