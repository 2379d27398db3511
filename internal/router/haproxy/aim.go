package haproxy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	api "github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// What is administered for a server, in HAProxy's words.
const (
	ready = "ready"
	maint = "maint"
	drain = "drain"
)

// aim is what one server is to be.
type aim struct {
	server string
	weight int
	admin  string
}

// aims of a node's servers for a split. Servers that no instance of the split is at get nothing; leftover are those that were added for
// one, and can go. A slot that is to have traffic and has no server of an instance is an error.
func (r *Router) aims(servers []api.Server, split delivery.Split, wanted map[string][]added) (aims []aim, leftover []string, err error) {
	ours, idle := r.present(r.slots(servers), placed(split.Placements), wanted)
	for _, slot := range []string{blue, green} {
		if split.Weights[slot] > 0 && len(ours[slot]) == 0 {
			if len(r.slots(servers)[slot]) == 0 {
				return nil, nil, fmt.Errorf("backend %s has no server of slot %s%s", r.backend, slot, r.unnamed(servers, placed(split.Placements)[slot]))
			}
			return nil, nil, elsewhere(slot, r.slots(servers)[slot], placed(split.Placements)[slot])
		}
	}
	g, b := spread(split.Weights[green], len(ours[green]), len(ours[blue]))
	for slot, parts := range map[string][]int{green: g, blue: b} {
		admin := ready
		if split.Weights[slot] == 0 {
			admin = maint
		}
		for i, s := range ours[slot] {
			aims = append(aims, aim{s.Name, parts[i], admin})
		}
	}
	for _, name := range idle {
		aims = append(aims, aim{name, 0, maint})
	}
	if r.dynamic != nil {
		leftover = idle
	}
	return aims, leftover, nil
}

// present divides servers of ours by slot into those that an instance of the split is at, and the names of those that none is: one of a
// host that was taken out of the service, while its line is still in haproxy.cfg. These lose their traffic, however they are called: it would go
// to a host that is drained and stopped. So does one that is somebody else's, which strangers tells of. Of a slot without a placement all are present.
func (r *Router) present(bySlot map[string][]api.Server, placements map[string]service.Placement, wanted map[string][]added) (present map[string][]api.Server, idle []string) {
	present = map[string][]api.Server{}
	for _, slot := range []string{blue, green} {
		p, known := placements[slot]
		for _, s := range bySlot[slot] {
			var there bool
			if r.dynamic != nil {
				there = slices.ContainsFunc(wanted[slot], func(w added) bool { return w.name == s.Name })
			} else {
				there = isOf(s, p)
			}
			if !known || there {
				present[slot] = append(present[slot], s)
			} else {
				idle = append(idle, s.Name)
			}
		}
	}
	return present, idle
}

// isOf tells whether a server is at an instance of p.
func isOf(s api.Server, p service.Placement) bool {
	return slices.ContainsFunc(p.Instances, func(i service.Instance) bool { return s.At(i.Address) })
}

// elsewhere is that servers of a slot are not where its instances are.
func elsewhere(slot string, servers []api.Server, p service.Placement) error {
	at, want := make([]string, len(servers)), make([]string, len(p.Instances))
	for i, s := range servers {
		at[i] = s.Place() + " (" + s.Name + ")"
	}
	for i, instance := range p.Instances {
		want[i] = instance.Address
	}
	return fmt.Errorf("the servers of slot %s are at %s, and the slot is at %s", slot, listed(at), listed(want))
}

// unnamed says how servers at p's instances come to be of its slot, where there are some that are not.
func (r *Router) unnamed(servers []api.Server, p service.Placement) string {
	var names []string
	for _, s := range servers {
		if r.slotOf(s.Name) == "" && isOf(s, p) {
			names = append(names, s.Name)
		}
	}
	if len(names) == 0 || r.dynamic != nil {
		return ""
	}
	return fmt.Sprintf(": name those that are at its instances in `servers` of the router, `%s = %s`", p.Slot, quotedList(names))
}

// asTheyAre are the aims that bring back servers as they are now.
func (r *Router) asTheyAre(servers []api.Server) []aim {
	var aims []aim
	for _, s := range servers {
		if r.slotOf(s.Name) == "" {
			continue
		}
		a := aim{s.Name, s.Weight, ready}
		switch {
		case s.Admin&(api.ForcedMaint) != 0:
			a.admin = maint
		case s.Admin&api.ForcedDrain != 0:
			a.admin = drain
		}
		aims = append(aims, a)
	}
	return aims
}

// commands that bring servers to aims. What gains goes first, so that there is never a moment without a server.
func (r *Router) commands(servers []api.Server, aims []aim) []string {
	var gain, lose []string
	for _, a := range aims {
		steps := []string{
			fmt.Sprintf("set server %s weight %d", r.at(a.server), a.weight),
			"set server " + r.at(a.server) + " state " + a.admin,
		}
		now, _ := find(servers, a.server)
		if a.admin == ready && (!now.Eligible() || a.weight >= now.Weight) {
			gain = append(gain, steps...)
		} else {
			lose = append(lose, steps...)
		}
	}
	return append(gain, lose...)
}

func find(servers []api.Server, name string) (api.Server, bool) {
	i := slices.IndexFunc(servers, func(s api.Server) bool { return s.Name == name })
	if i < 0 {
		return api.Server{}, false
	}
	return servers[i], true
}

// missed tells which servers are not what they were to be; nil: all are.
func missed(servers []api.Server, aims []aim) error {
	var wrong []string
	for _, a := range aims {
		s, found := find(servers, a.server)
		switch forced := s.Admin & (api.ForcedMaint | api.ForcedDrain); {
		case !found && a.admin == maint:
			// Gone is as good.
		case !found:
			wrong = append(wrong, "server "+a.server+" is gone")
		case s.Weight != a.weight:
			wrong = append(wrong, fmt.Sprintf("server %s has weight %d, not %d", a.server, s.Weight, a.weight))
		case a.admin == ready && forced != 0, a.admin == maint && forced&api.ForcedMaint == 0, a.admin == drain && forced != api.ForcedDrain:
			wrong = append(wrong, fmt.Sprintf("server %s is in %s, not %s", a.server, adminOf(s), a.admin))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("%s", strings.Join(wrong, ", "))
}

func adminOf(s api.Server) string {
	switch {
	case s.Admin.Maint():
		return maint
	case s.Admin.Drain():
		return drain
	}
	return ready
}
