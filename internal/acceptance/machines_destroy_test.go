package acceptance_test

import "testing"

// A destroy while a host is down changes nothing, also when it is tried again, and says what to do; when the host is back it removes all.
func TestMachinesDestroyWithAHostDown(t *testing.T) {
	r := newFleetRig(t)
	r.deploy(config{Version: "1", Unprotected: true})
	down := r.fleet.hosts[1]
	down.PowerOff(t)
	r.awaitSwift()
	destroy := func() result { return r.run("destroy", "-auto-approve", "-no-color", "-input=false") }
	for range 2 {
		res := destroy()
		if res.code != 1 {
			t.Fatalf("destroy exits with %d: %s", res.code, res.output)
		}
		wantSaid(t, res.output, "Release Not Removed", "Host "+down.Name+" does not answer", "destroy again", "platform.host.hosts", "terraform apply -target=deploy_service.<name>")
		for n := range r.fleet.hosts {
			if n != 1 && !r.fleet.runsOn(n, "blue") {
				t.Errorf("nothing runs on host %d after a destroy that was refused", n)
			}
		}
	}
	down.Boot(t)
	if res := destroy(); res.code != 0 {
		t.Fatalf("destroy exits with %d: %s", res.code, res.output)
	}
	for n := range r.fleet.hosts {
		if r.fleet.runsOn(n, "blue") {
			t.Errorf("host %d runs what is destroyed", n)
		}
	}
	if s := r.view(web).State; !s.Retired || s.Stable != "" || s.Unsettled() {
		t.Errorf("retired %t, stable %q, unsettled %t", s.Retired, s.Stable, s.Unsettled())
	}
}
