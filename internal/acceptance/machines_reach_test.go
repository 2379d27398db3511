package acceptance_test

import (
	"slices"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/machinetest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Health, checks and scrapes go through the SSH connections where the network does not lead to the instances, and so does HAProxy's Runtime API
// over TCP.
func TestMachinesReachedBySSH(t *testing.T) {
	r := newFleetRig(t)
	f := r.fleet
	f.runtimePort = machinetest.FreePorts(t, 1)[0]
	f.configure()
	r.reachOnly(slices.Concat(f.hosts, f.balancers))
	r.deploy(config{Version: "1"})
	r.runs("1")
	stop := r.traffic()
	r.deploy(config{Version: "2", Pause: "1s", Fails: service.StageFinalization}) // its split is judged by scrapes; nothing fails
	r.runs("2")
	wantActions(t, r.plan(), map[string]string{})
	if seen := stop(); len(seen.lost) > 0 {
		t.Errorf("%d of %d requests were lost: %v", len(seen.lost), seen.requests, seen.lost[:min(3, len(seen.lost))])
	}
	f.more = "      reach = \"ssh\"\n" // and it is not even tried without
	r.write(failing("smoke_test", "3").hcl(r))
	wantSaid(t, r.apply(1), "Release Rolled Back", "checkout")
	r.runs("2")
	// The network is as it is said here.
	f.more = "      reach = \"network\"\n"
	r.write(config{Version: "4"}.hcl(r))
	wantSaid(t, r.apply(1), "Preflight Failed", "is not healthy", "connection refused")
	r.runs("2")
}
