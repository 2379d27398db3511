package haproxy

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	api "github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// namer finds names for new servers, by those that the backend has.
type namer struct {
	taken map[string]bool
	// names of the servers of ours by slot.
	names map[string][]string
	// hosts is the form of a slot's names that hold their hosts' names, with a gap for them.
	hosts map[string]string
	// several instances of a slot are on one host.
	crowded bool
}

// namer of a backend's servers.
func (r *Router) namer(servers []api.Server, placements map[string]service.Placement) *namer {
	n := &namer{taken: map[string]bool{}, names: map[string][]string{}, hosts: map[string]string{}}
	for _, s := range servers {
		n.taken[s.Name] = true
	}
	for slot, ours := range r.slots(servers) {
		n.names[slot] = namesOf(ours)
	}
	for slot, p := range placements {
		seen := map[string]bool{}
		for _, i := range p.Instances {
			n.crowded = n.crowded || seen[i.Host]
			seen[i.Host] = true
			for _, s := range servers {
				if r.slotOf(s.Name) == slot && i.Host != "" && sameHost(s, i.Address) {
					if form, found := formOf(s.Name, i.Host); found {
						n.hosts[slot] = form
					}
				}
			}
		}
	}
	return n
}

func sameHost(s api.Server, address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && s.Address != "" && (s.FQDN == host || api.NormalHost(s.Address) == api.NormalHost(host))
}

// formOf is a name with a gap where it holds the host as a whole word, the last time that it does.
func formOf(name, host string) (form string, found bool) {
	word := nameOf(host)
	for i := strings.LastIndex(name, word); i >= 0; i = strings.LastIndex(name[:i], word) {
		end := i + len(word)
		if i > 0 && !isSeparator(name[i-1]) || end < len(name) && !isSeparator(name[end]) {
			continue
		}
		return name[:i] + "\x00" + name[end:], true
	}
	return "", false
}

func isSeparator(c byte) bool { return strings.IndexByte("-_.:", c) >= 0 }

// nameOf is a host as a part of a server's name.
func nameOf(host string) string {
	return strings.Map(func(c rune) rune {
		if c < 0x80 && nameForm.MatchString(string(c)) {
			return c
		}
		return '-'
	}, host)
}

var lastNumber = regexp.MustCompile(`^(.*?)([0-9]+)$`)

// next is a name that is not taken for the server of an instance; alone: it is the only one that the slot is without.
func (n *namer) next(slot string, i service.Instance, alone bool) string {
	name := n.likely(slot, i, alone)
	if n.taken[name] {
		if _, port, err := net.SplitHostPort(i.Address); err == nil {
			name += "-" + port // HAProxy would keep the old port of the one that is there
		}
	}
	for k, base := 2, name; n.taken[name]; k++ {
		name = fmt.Sprintf("%s-%d", base, k)
	}
	n.taken[name] = true
	n.names[slot] = append(n.names[slot], name)
	return name
}

func (n *namer) likely(slot string, i service.Instance, alone bool) string {
	other := blue
	if slot == blue {
		other = green
	}
	if i.Host != "" && !n.crowded {
		if form, found := n.hosts[slot]; found {
			return strings.ReplaceAll(form, "\x00", nameOf(i.Host))
		}
		if form, found := n.hosts[other]; found && strings.Contains(form, other) {
			return strings.ReplaceAll(strings.Replace(form, other, slot, 1), "\x00", nameOf(i.Host))
		}
	}
	if prefix, number, width := numbered(n.names[slot]); prefix != "" {
		return fmt.Sprintf("%s%0*d", prefix, width, number+1)
	}
	if prefix, _, width := numbered(n.names[other]); strings.Contains(prefix, other) {
		names := slices.Clone(n.names[other])
		_, first, _ := numbered(names[:1])
		return fmt.Sprintf("%s%0*d", strings.Replace(prefix, other, slot, 1), width, first)
	}
	switch {
	case len(n.names[slot]) == 0 && alone:
		return slot
	case i.Host != "" && !n.crowded:
		return slot + "-" + nameOf(i.Host)
	}
	return fmt.Sprintf("%s-%d", slot, len(n.names[slot]))
}

// numbered is what names have in common where all of them end in a number: what is before it, the greatest, and its least width.
func numbered(names []string) (prefix string, greatest, width int) {
	for _, name := range names {
		m := lastNumber.FindStringSubmatch(name)
		if m == nil || prefix != "" && m[1] != prefix || m[1] == "" {
			return "", 0, 0
		}
		number, err := strconv.Atoi(m[2])
		if err != nil {
			return "", 0, 0
		}
		if prefix == "" || number > greatest {
			greatest = number
		}
		if strings.HasPrefix(m[2], "0") {
			width = len(m[2])
		}
		prefix = m[1]
	}
	return prefix, greatest, width
}
