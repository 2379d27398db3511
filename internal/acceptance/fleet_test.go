package acceptance_test

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/machinetest"
)

// fleet is the world of a rig on machines: three hosts that are reached over SSH, and two more with an HAProxy each.
type fleet struct {
	t                *testing.T
	hosts, balancers []*machinetest.Host
	// ports of the slots, the same on every host, and entrance, where HAProxy listens.
	ports    map[string]int
	entrance int
	// directory of the service on the hosts.
	directory string

	// What a test may change before it writes a configuration.

	// placed are the hosts that the service has, all by default.
	placed []*machinetest.Host
	// systemctl asks the manager that has the units, the system's by default.
	systemctl string
	// user who logs in to the hosts, root by default, and the key that a host is to have, by its name, where that is not its own.
	user     string
	hostKeys map[string]string
	// more lines of the platform.
	more string
	// stateFile of HAProxy; empty: none. dynamic are the options of servers that are added; empty: the servers are in haproxy.cfg.
	stateFile, dynamic string
	// metrics that a release is judged by.
	metrics string
	// entrances are the balancers that users come in by, all by default.
	entrances []*machinetest.Host
	// alone: the service has no router.
	alone bool
	// runtimePort of HAProxy's Runtime API over TCP; 0: over its socket.
	runtimePort int
}

// fleetSize is how many machines a fleet is.
const fleetSize = 5

// fleets are the numbers of those that no test uses now: tests share the machines of this process one after the other, since units have the same
// names in all of them. There is one fleet, or as many as DEPLOY_FLEETS says, which the crash matrix has for the sake of time.
var fleets = sync.OnceValue(func() chan int {
	n, err := strconv.Atoi(cmp.Or(os.Getenv("DEPLOY_FLEETS"), "1"))
	if err != nil || n < 1 {
		panic("DEPLOY_FLEETS must be a number from 1")
	}
	free := make(chan int, n)
	for i := range n {
		free <- i
	}
	return free
})

// newFleetRig makes a rig on machines.
func newFleetRig(t *testing.T) *rig {
	t.Helper()
	build(t)
	number := <-fleets()
	t.Cleanup(func() { fleets() <- number })
	all := machinetest.Shared(t, (number+1)*fleetSize)[number*fleetSize:]
	r := newRig(t, false)
	ports := machinetest.FreePorts(t, 3)
	f := &fleet{
		t: t, hosts: all[:3], balancers: all[3:], ports: map[string]int{"blue": ports[0], "green": ports[1]}, entrance: ports[2],
		directory: "/srv/production/web", placed: all[:3], user: "root", systemctl: "systemctl", stateFile: "/var/lib/haproxy/state", metrics: "{ scrape = {} }",
		entrances: all[3:],
	}
	r.fleet = f
	for name, key := range f.credentials() {
		r.env = append(r.env, "DEPLOY_CREDENTIAL_"+strings.ToUpper(name)+"="+key)
	}
	f.configure()
	t.Cleanup(f.clear)
	f.clear()
	return r
}

// configure gives each HAProxy the configuration that the fleet's fields say, and starts it anew without a memory of its servers.
func (f *fleet) configure() {
	f.t.Helper()
	for _, b := range f.balancers {
		b.WriteFile(f.t, "/etc/haproxy/haproxy.cfg", f.haproxy(b), 0o644)
		b.Run(f.t, "rm -f /var/lib/haproxy/state; systemctl reset-failed haproxy; systemctl restart haproxy")
	}
}

// credentials are the keys that log in to the machines.
func (f *fleet) credentials() map[string]string {
	all := map[string]string{}
	for _, h := range slices.Concat(f.hosts, f.balancers) {
		all["key_"+h.Name] = h.Key
	}
	return all
}

// clear takes away what a release left.
func (f *fleet) clear() {
	for _, h := range f.hosts {
		h.Run(f.t, `systemctl stop 'production-web-*' 2>/dev/null; rm -rf /etc/systemd/system/production-web-* /etc/systemd/system/*.wants/production-web-* /srv/production; systemctl daemon-reload; systemctl reset-failed`)
	}
}

func (f *fleet) haproxy(b *machinetest.Host) string {
	var servers strings.Builder
	static, remembers, remembered := f.hosts, "", ""
	if f.dynamic != "" {
		static = nil
	}
	if f.stateFile != "" {
		remembers, remembered = "  server-state-file "+f.stateFile+"\n", "  load-server-state-from-file global\n"
	}
	for _, slot := range []string{"blue", "green"} {
		for _, h := range static {
			fmt.Fprintf(&servers, "  server %s-%s %s:%d check inter 200ms weight %d\n", slot, h.Name, h.Address, f.ports[slot], map[string]int{"blue": 100, "green": 0}[slot])
		}
	}
	if f.runtimePort > 0 {
		remembers += fmt.Sprintf("  stats socket ipv4@%s:%d level admin\n", b.Address, f.runtimePort)
	}
	return fmt.Sprintf(`global
  stats socket /run/haproxy/admin.sock mode 600 level admin expose-fd listeners
%s  hard-stop-after 30s
defaults
  mode http
  option forwardfor # the service tells users' requests by it
  option redispatch
  retries 3
  timeout connect 2s
  timeout client 30s
  timeout server 30s
%sfrontend web
  bind %s:%d
  default_backend web
backend web
  balance roundrobin
%s`, remembers, remembered, b.Address, f.entrance, servers.String())
}

// urls of the entrances.
func (f *fleet) urls() []string {
	var all []string
	for _, b := range f.entrances {
		all = append(all, fmt.Sprintf("http://%s:%d", b.Address, f.entrance))
	}
	return all
}

func login(h *machinetest.Host, user, hostKey string) string {
	return fmt.Sprintf(`{ address = %q, port = %d, user = %q, private_key = "key_%s", host_key = %q }`, h.Address, h.Port, user, h.Name, hostKey)
}

// Platform is the attribute's value. One slot: a release takes the place of the one before, host by host.
func (f *fleet) Platform(oneSlot bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "{ host = {\n      directory = %q\n      drain_timeout = \"5s\"\n      slots = { blue = { port = %d }", f.directory, f.ports["blue"])
	if !oneSlot {
		fmt.Fprintf(&b, ", green = { port = %d }", f.ports["green"])
	}
	b.WriteString(" }\n      hosts = {\n")
	for _, h := range f.placed {
		key := h.HostKey
		if other, found := f.hostKeys[h.Name]; found {
			key = other
		}
		fmt.Fprintf(&b, "        %s = { ssh = %s }\n", h.Name, login(h, f.user, key))
	}
	b.WriteString("      }\n" + f.more + "    } }")
	return b.String()
}

// Router is the attribute's value.
func (f *fleet) Router() string {
	var b strings.Builder
	b.WriteString("{ haproxy = {\n      backend = \"web\"\n")
	if f.stateFile != "" {
		fmt.Fprintf(&b, "      state_file = %q\n", f.stateFile)
	}
	if f.dynamic != "" {
		fmt.Fprintf(&b, "      dynamic = { options = %q }\n", f.dynamic)
	}
	b.WriteString("      nodes = {\n")
	for _, lb := range f.balancers {
		at := `socket = "/run/haproxy/admin.sock"`
		if f.runtimePort > 0 {
			at = fmt.Sprintf(`address = "%s:%d"`, lb.Address, f.runtimePort)
		}
		fmt.Fprintf(&b, "        %s = { %s, ssh = %s }\n", lb.Name, at, login(lb, "root", lb.HostKey))
	}
	b.WriteString("      }\n    } }")
	return b.String()
}

// Metrics is the attribute's value.
func (f *fleet) Metrics() string { return f.metrics }

// slotsRunning are the slots in which a unit of the service is active on any host.
func (f *fleet) slotsRunning() []string {
	f.t.Helper()
	var slots []string
	for _, h := range f.hosts {
		for _, unit := range strings.Fields(h.Run(f.t, f.systemctl+` list-units --all --plain --no-legend --state=active,activating,deactivating 'production-web-*.service' | awk '{ print $1 }'`)) {
			if parts := strings.Split(unit, "-"); len(parts) > 2 && !slices.Contains(slots, parts[2]) {
				slots = append(slots, parts[2])
			}
		}
	}
	return slots
}
