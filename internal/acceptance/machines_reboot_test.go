package acceptance_test

import (
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// A host is started again while a release waits to be healthy, in the middle of its split, and with nothing going on: the release
// goes on or is restored whole, and what is to run comes back by itself.
func TestMachinesReboot(t *testing.T) {
	r := newFleetRig(t)
	stable := config{Version: "1"}
	r.deploy(stable)
	stop := r.traffic()
	for _, moment := range []struct {
		name    string
		release config
		there   func() bool
	}{
		{"waits to be healthy", config{Version: "2", MinHealthyTime: "4s"}, func() bool { return r.fleet.runsOn(0, "green") }},
		{"in the middle of the split", config{Version: "3", Pause: "15s"}, func() bool {
			a := r.view(web).State.OpenAttempt()
			return a != nil && a.Stage == service.StageTrafficSplit && a.Weight == 50
		}},
	} {
		r.write(moment.release.hcl(r))
		run := r.until(moment.name, moment.there)
		r.fleet.hosts[0].Reboot(t)
		switch code := r.waitFor(run, 2*patience); {
		case code == 0:
			stable = moment.release
		case !strings.Contains(run.output.String(), "Release Rolled Back"):
			t.Errorf("terraform exited with %d:\n%s", code, run.output.String())
		default:
			t.Logf("started again while it %s: %s", moment.name, run.output.String())
		}
		// That a machine is started again says nothing about the release.
		for release, n := range r.view(web).State.Failures {
			t.Errorf("started again while it %s: %d failures of %s on evidence", moment.name, n, release)
		}
		r.runs(stable.Version)
		r.write(stable.hcl(r))
		wantActions(t, r.plan(), map[string]string{})
	}
	r.fleet.hosts[1].Reboot(t)
	r.answers()
	r.runs(stable.Version)
	wantActions(t, r.plan(), map[string]string{})
	// What HAProxy has sent to an instance that goes down is lost now and then, with or without a release.
	if seen := stop(); len(seen.lost) > 3 {
		t.Errorf("%d of %d requests were lost over three reboots: %v", len(seen.lost), seen.requests, seen.lost)
	}
}

// runsOn tells whether a unit of a slot is active on a host.
func (f *fleet) runsOn(host int, slot string) bool {
	f.t.Helper()
	return strings.TrimSpace(f.hosts[host].Run(f.t, "systemctl list-units --plain --no-legend --state=active 'production-web-"+slot+"-*.service'")) != ""
}
