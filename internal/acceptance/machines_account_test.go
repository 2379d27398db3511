package acceptance_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/machinetest"
)

// With one slot and no router a release takes the place of the one before host by host: never is more than one of three without.
func TestMachinesOneSlot(t *testing.T) {
	r := newFleetRig(t)
	one := config{Version: "1", OneSlot: true, NoRouter: true, MinHealthyTime: "500ms"}
	r.deploy(one)
	r.runs("1")
	one.Version = "2"
	r.deploy(one)
	r.runs("2")
	r.fleet.oneAtATime()
	wantActions(t, r.plan(), map[string]string{})
	bad := one
	bad.Version, bad.Config = "3", map[string]string{"FAULT": "never-healthy"}
	r.write(bad.hcl(r))
	wantSaid(t, r.apply(1), "Release Rolled Back")
	r.runs("2")
}

// oneAtATime asserts that no two hosts were without a unit at once, in the release that was the last. All machines have one clock.
func (f *fleet) oneAtATime() {
	f.t.Helper()
	type without struct {
		host     string
		from, to int64
	}
	var all []without
	for _, h := range f.hosts {
		w := without{host: h.Name}
		out := h.Run(f.t, "systemctl show -p ActiveExitTimestampMonotonic -p ActiveEnterTimestampMonotonic 'production-web-*.service'")
		for line := range strings.Lines(out) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			switch name {
			case "ActiveExitTimestampMonotonic":
				w.from = number(value)
			case "ActiveEnterTimestampMonotonic":
				w.to = number(value)
			}
		}
		if w.from == 0 || w.to <= w.from {
			f.t.Fatalf("host %s was never without, or still is: %s", h.Name, out)
		}
		all = append(all, w)
	}
	slices.SortFunc(all, func(a, b without) int { return int(a.from - b.from) })
	for n := range all[1:] {
		if all[n+1].from < all[n].to {
			f.t.Errorf("hosts %s and %s were without at once: %+v", all[n].host, all[n+1].host, all)
		}
	}
}

// Who logs in needs not be root: rules of sudo do.
func TestMachinesSudo(t *testing.T) {
	r := newFleetRig(t)
	r.fleet.user, r.fleet.more = machinetest.User, "      systemd = { sudo = true }\n"
	r.introducesAndEnds()
}

// Nor is root needed where the user's own systemd has the units.
func TestMachinesUserScope(t *testing.T) {
	r := newFleetRig(t)
	f := r.fleet
	f.user, f.directory, f.more = machinetest.User, "/home/"+machinetest.User+"/web", "      systemd = { scope = \"user\" }\n"
	f.systemctl = fmt.Sprintf("runuser -u %[1]s -- env XDG_RUNTIME_DIR=/run/user/$(id -u %[1]s) systemctl --user", f.user)
	r.introducesAndEnds()
}

// introducesAndEnds goes through two releases and takes all away.
func (r *rig) introducesAndEnds() {
	r.t.Helper()
	r.deploy(config{Version: "1"})
	r.runs("1")
	c := config{Version: "2", Unprotected: true}
	r.deploy(c)
	r.runs("2")
	wantActions(r.t, r.plan(), map[string]string{})
	if res := r.run("destroy", "-auto-approve", "-no-color", "-input=false"); res.code != 0 {
		r.t.Fatalf("destroy: %s", res.output)
	}
	if left := r.fleet.slotsRunning(); len(left) > 0 {
		r.t.Errorf("after a destroy %v run", left)
	}
}
