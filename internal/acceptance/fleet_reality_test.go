package acceptance_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/machinetest"
)

// What must hold on machines after every kill, beside what the provider's own eyes see.

// machinesAreTrue asserts that stable's units, and no others of the service, are active and enabled on every host; that no half a
// release lies beside the whole ones; and that each HAProxy sends everything to stable's slot, which its state file says as well.
// Elsewhere than on machines, and where nothing stands, it asserts nothing.
func (r *rig) machinesAreTrue() {
	r.t.Helper()
	if r.fleet == nil {
		return
	}
	state := r.view(web).State
	stable := state.StableRelease()
	if stable == nil || state.OpenAttempt() != nil {
		return
	}
	slot := stable.Placement.Slot
	for _, h := range r.fleet.hosts {
		out := h.Run(r.t, `systemctl list-units --all --plain --no-legend 'production-web-*' | awk '$3 != "inactive" { print $3, $1 }'
systemctl list-unit-files --plain --no-legend 'production-web-*' | awk '$2 != "disabled" { print $2, $1 }'
find /etc/systemd/system -path '*.wants/production-web-*' | sed 's/.*\//wanted /'
ls -A /srv/production/web/releases | grep '^\.' | sed 's/^/hidden /'`)
		stands := map[string]bool{}
		for line := range strings.Lines(out) {
			what, unit, _ := strings.Cut(strings.TrimSpace(line), " ")
			if !slices.Contains([]string{"active", "enabled", "wanted"}, what) || !strings.HasPrefix(unit, "production-web-"+slot+"-") {
				r.t.Errorf("host %s has %s %s; stable is %s in slot %s", h.Name, what, unit, stable.ID, slot)
			}
			stands[what] = true
		}
		if len(stands) != 3 {
			r.t.Errorf("stable's unit on host %s is not active and enabled: %s", h.Name, out)
		}
	}
	if r.fleet.alone {
		return
	}
	for _, b := range r.fleet.balancers {
		now, kept := r.fleet.servers(b)
		if split(now) != split(kept) {
			r.t.Errorf("HAProxy on %s has %s, its state file %s", b.Name, split(now), split(kept))
		}
		for _, s := range now {
			if gets := s.Weight > 0 && !s.Admin.Maint() && !s.Admin.Drain(); gets != strings.HasPrefix(s.Name, slot+"-") || !gets && !s.Admin.Maint() {
				r.t.Errorf("HAProxy on %s: server %s has weight %d and administration %#x; stable is in slot %s", b.Name, s.Name, s.Weight, s.Admin, slot)
			}
		}
	}
}

// splits are what each HAProxy sends where, for people.
func (f *fleet) splits() []string {
	f.t.Helper()
	var all []string
	for _, b := range f.balancers {
		now, _ := f.servers(b)
		all = append(all, split(now))
	}
	return all
}

// split has every server's weight and administration.
func split(servers []haproxy.Server) string {
	var text []string
	for _, s := range servers {
		text = append(text, fmt.Sprintf("%s %d/%#x", s.Name, s.Weight, s.Admin))
	}
	slices.Sort(text)
	return strings.Join(text, ", ")
}

// servers of an HAProxy's backend, as the process has them, and as its state file would bring them back.
func (f *fleet) servers(b *machinetest.Host) (now, kept []haproxy.Server) {
	f.t.Helper()
	out := b.Run(f.t, `perl -MIO::Socket::UNIX -e '$s = IO::Socket::UNIX->new("/run/haproxy/admin.sock") or die $!; print $s "show servers state web\n"; print while <$s>'
echo ==
cat /var/lib/haproxy/state`)
	process, file, _ := strings.Cut(out, "==\n")
	now, err := haproxy.ParseServers(process)
	if err == nil {
		kept, err = haproxy.ParseServers(file)
	}
	if err != nil {
		f.t.Fatalf("HAProxy on %s: %v", b.Name, err)
	}
	if len(now) == 0 {
		f.t.Errorf("HAProxy on %s has no servers: %s", b.Name, out)
	}
	return now, kept
}
