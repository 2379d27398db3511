package acceptance_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/machinetest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/machinetest/nspawn"
)

// The only host of a service gets another name, and another address, in the ways that *Host In Use* says.
func TestMachinesOnlyHost(t *testing.T) {
	r := newFleetRig(t)
	f := r.fleet
	host := f.hosts[0]
	f.dynamic, f.stateFile, f.metrics, f.placed = "check inter 200ms", "", "{ haproxy = {} }", f.hosts[:1]
	f.configure()
	r.deploy(config{Version: "1"})

	renamed := r.known("renamed", host, host.Address)
	f.placed = []*machinetest.Host{renamed}
	r.write(config{Version: "1"}.hcl(r))
	wantSaid(t, r.planFails(), "Host In Use", "Keep the name "+host.Name, "terraform destroy -target=deploy_release.<name>", "apply with the name renamed")
	f.placed = f.hosts[:1]
	r.deploy(config{Version: "1", Unprotected: true})
	if res := r.run("destroy", "-target=deploy_release.web", "-auto-approve", "-no-color", "-input=false"); res.code != 0 {
		t.Fatalf("destroy: %s", res.output)
	}
	f.placed = []*machinetest.Host{renamed}
	r.deploy(config{Version: "1"})
	r.runsOnAll("1", f.placed)
	wantActions(t, r.plan(), map[string]string{})

	// It comes back at another address, at which its instance, which binds the old one, does not start.
	other := r.moves(host)
	moved := r.known("renamed", host, other)
	f.placed = []*machinetest.Host{moved}
	r.write(config{Version: "1"}.hcl(r))
	wantSaid(t, r.planFails(), "Host In Use", "once nothing answers at "+host.Address, "add the machine under another name, and remove renamed, in one apply")
	f.placed = []*machinetest.Host{r.known("moved", host, other)}
	wantSaid(t, r.deploy(config{Version: "1"}), "Host Not Tidied", "renamed is no host of")
	r.runsOnAll("1", f.placed)
	wantActions(t, r.plan(), map[string]string{})
	r.deploy(config{Version: "2"})
	r.runsOnAll("2", f.placed)
	wantActions(t, r.plan(), map[string]string{})
}

// known is a machine by another name and address.
func (r *rig) known(name string, h *machinetest.Host, address string) *machinetest.Host {
	r.env = append(r.env, "DEPLOY_CREDENTIAL_KEY_"+strings.ToUpper(name)+"="+h.Key)
	return &machinetest.Host{Host: &nspawn.Host{Name: name, Address: address, Port: h.Port, HostKey: h.HostKey, Key: h.Key}}
}

// moves gives a machine another address, until the test ends: it is not logged in to at the old one any more, and what bound that is gone.
func (r *rig) moves(h *machinetest.Host) string {
	r.t.Helper()
	other := netip.MustParseAddr(h.Address).Next().String()
	listen := func(from, to string) {
		h.StopSSH(r.t)
		h.Run(r.t, fmt.Sprintf("systemctl stop 'production-web-*'; sed -i 's/%s/%s/' /etc/ssh/sshd_config.d/machine.conf; systemctl start ssh.service", strings.ReplaceAll(from, ".", `\.`), to))
	}
	listen(h.Address, other)
	r.t.Cleanup(func() { listen(other, h.Address) })
	return other
}
