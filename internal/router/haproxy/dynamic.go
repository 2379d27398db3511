package haproxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	api "github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// longestName of a server. HAProxy has no bound of its own; what reads its statistics may.
const longestName = 255

// dynamic is how servers of our own are named and added.
type dynamic struct {
	prefix  string
	options string
	// checks are those that options ask for: HAProxy adds a server with its checks off.
	checks []checkedBy
}

// checkedBy is one of the two ways in which HAProxy finds out whether a server is up.
type checkedBy struct {
	// turnOn is the command for it, without the server.
	turnOn string
	state  func(api.Server) api.CheckState
}

var (
	byHealth = checkedBy{"enable health ", func(s api.Server) api.CheckState { return s.CheckState }}
	byAgent  = checkedBy{"enable agent ", func(s api.Server) api.CheckState { return s.AgentState }}
)

// off tells whether a server has this check, and it is off.
func (c checkedBy) off(s api.Server) bool {
	return c.state(s)&(api.CheckConfigured|api.CheckEnabled) == api.CheckConfigured
}

// added is a server as it should be.
type added struct{ name, address string }

// newDynamic: parts of a name are joined by underscores, which are in no name of an environment, service or slot, so that one service's
// servers are never taken for another's.
func newDynamic(id service.ID, options string) *dynamic {
	d := &dynamic{prefix: id.Environment() + "_" + id.Name() + "_", options: options}
	words := strings.Fields(options)
	if slices.Contains(words, "check") {
		d.checks = append(d.checks, byHealth)
	}
	if slices.Contains(words, "agent-check") {
		d.checks = append(d.checks, byAgent)
	}
	return d
}

// validateOptions refuses what would take the servers' weights or state out of our hands, or be more than a server's keywords.
func validateOptions(options string) error {
	if strings.ContainsAny(options, "\n\r;\x00#") || strings.Contains(options, "<<") {
		return errors.New("must be keywords of HAProxy's server line, such as \"check inter 1s\", without semicolons, number signs and line breaks")
	}
	for _, word := range strings.Fields(options) {
		switch word {
		case "weight", "enabled", "disabled":
			return fmt.Errorf("must not have %q: the weights and the state of a server are set by the split", word)
		case "backup":
			return errors.New(`must not have "backup": a backup server gets traffic only when no other is up`)
		case "id":
			return errors.New(`must not have "id": each server needs another`)
		}
	}
	return nil
}

// owns tells whether a server's name is one of ours for slot.
func (d *dynamic) owns(slot, server string) bool {
	rest, ok := strings.CutPrefix(server, d.prefix+slot+"_")
	return ok && rest != ""
}

// name of the server of an instance: production_web_green_0 for green/0 of production/web.
func (d *dynamic) name(slot, instance string) string {
	var parts []string
	for part := range strings.SplitSeq(instance, "/") {
		if part != slot {
			parts = append(parts, part)
		}
	}
	rest := strings.Map(func(c rune) rune {
		if c < 0x80 && nameForm.MatchString(string(c)) {
			return c
		}
		return '-'
	}, strings.Join(parts, "-"))
	return d.prefix + slot + "_" + rest
}

// ServerIP is the address of a server that is added at a host, which is an IP address or localhost.
func ServerIP(host string) (netip.Addr, error) {
	ip, err := netip.ParseAddr(api.NormalHost(host))
	if err != nil {
		return ip, fmt.Errorf("%s is no IP address, and HAProxy resolves no names of servers that are added while it runs", host)
	}
	return ip, nil
}

// wanted lists the servers of placements by slot.
func (d *dynamic) wanted(placements []service.Placement) (map[string][]added, error) {
	bySlot, seen := map[string][]added{}, map[string]string{}
	for _, p := range placements {
		if !p.Placed() {
			continue
		}
		for _, i := range p.Instances {
			name := d.name(p.Slot, i.Name)
			host, port, err := net.SplitHostPort(i.Address)
			if err != nil {
				return nil, fmt.Errorf("instance %s: the address %q is not host:port", i.Name, i.Address)
			}
			ip, err := ServerIP(host)
			switch {
			case err != nil:
				return nil, fmt.Errorf("instance %s: %w", i.Name, err)
			case len(name) > longestName:
				return nil, fmt.Errorf("instance %s: the server's name would have %d characters, and may have %d", i.Name, len(name), longestName)
			case seen[name] != "":
				return nil, fmt.Errorf("instances %s and %s: both would be the server %s", seen[name], i.Name, name)
			}
			seen[name] = i.Name
			bySlot[p.Slot] = append(bySlot[p.Slot], added{name, net.JoinHostPort(ip.String(), port)})
		}
	}
	return bySlot, nil
}

// ensure adds the servers of placements that the node does not have, in maintenance and without weight, and returns the backend's servers
// as they are then. A server that has another address is taken away and added anew, or, while it has traffic or connections, given the
// new address, which is that of all connections to come. Checks that are to be on, and are not, are turned on: the connection may have broken right
// after their server was added. Where it breaks here, nothing is known but what a next look says.
func (r *Router) ensure(ctx context.Context, n *node, have []api.Server, wanted map[string][]added) ([]api.Server, error) {
	var move, replace, add []added
	var stay []string
	for _, slot := range []string{blue, green} {
		for _, w := range wanted[slot] {
			switch s, found := find(have, w.name); {
			case !found:
				add = append(add, w)
			case api.SameAddress(s.HostPort(), w.address):
				stay = append(stay, w.name)
			case s.Eligible() && s.Weight > 0:
				move = append(move, w) // it may be the only one that has traffic
			default:
				replace = append(replace, w)
			}
		}
	}
	for _, w := range replace {
		at := r.at(w.name)
		_, err := n.client.Command(ctx, "set server "+at+" state maint", "set server "+at+" weight 0", "del server "+at)
		switch {
		case err == nil:
			add = append(add, w)
		case gone(err):
			return have, refusedOnce(err) // it may be there still, or not
		default:
			move = append(move, w)
		}
	}
	var commands []string
	for _, w := range move {
		stay = append(stay, w.name)
		host, port, _ := net.SplitHostPort(w.address) // JoinHostPort made it
		commands = append(commands, "set server "+r.at(w.name)+" addr "+host+" port "+port)
	}
	for _, name := range stay {
		s, _ := find(have, name)
		for _, check := range r.dynamic.checks {
			if check.off(s) {
				commands = append(commands, check.turnOn+r.at(name))
			}
		}
	}
	for _, w := range add {
		at := r.at(w.name)
		commands = append(commands, strings.TrimSpace("add server "+at+" "+w.address+" "+r.dynamic.options))
		for _, check := range r.dynamic.checks {
			commands = append(commands, check.turnOn+at)
		}
		commands = append(commands, "set server "+at+" weight 0")
	}
	if len(commands) == 0 {
		return have, nil
	}
	if _, err := n.client.Command(ctx, commands...); err != nil {
		return have, fmt.Errorf("bring the servers of the slots about: %w", refusedOnce(err))
	}
	now, err := r.read(ctx, n)
	return now.servers, err
}

// clear removes servers of ours that are in no slot any more and have no connection. What cannot be removed now stays in maintenance, and
// is looked at again with the next split.
func (r *Router) clear(ctx context.Context, n *node, leftover []string) {
	for _, name := range leftover {
		_, _ = n.client.Command(ctx, "set server "+r.at(name)+" state maint", "del server "+r.at(name)) // said above
	}
}

// at names a server for the Runtime API.
func (r *Router) at(server string) string { return r.backend + "/" + server }
