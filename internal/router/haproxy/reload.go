package haproxy

import (
	"fmt"

	api "github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
)

// A reload without a state file brings back what haproxy.cfg says: each server's weight there, and none for one that is `disabled`. With
// one, what is written for a server there holds where it was changed in between, its `disabled` and its weight each for itself; and a server
// that has another port by now keeps the one in the file, so a new port takes a server of another name.

// configured is the weight that haproxy.cfg gives a server.
func configured(s api.Server) int {
	if s.Admin&api.ConfigMaint != 0 {
		return 0
	}
	return s.InitialWeight
}

// current is the weight that a server has, none in maintenance or while it drains.
func current(s api.Server) int {
	if s.Admin.Maint() || s.Admin.Drain() {
		return 0
	}
	return s.Weight
}

// reloaded is the split that a reload without a state file brings back.
func (r *Router) reloaded(servers []api.Server) map[string]int {
	then := make([]api.Server, len(servers))
	for i, s := range servers {
		then[i] = api.Server{Name: s.Name, Weight: configured(s)}
	}
	return r.weightsOf(then)
}

// keeping are the lines that haproxy.cfg needs in place of those that it has of these servers, so that a reload leaves the traffic where it
// is; none where it does already, or there is no traffic.
func (r *Router) keeping(servers []api.Server) []string {
	now := r.weightsOf(servers)
	if now[blue]+now[green] == 0 || shares(now) == shares(r.reloaded(servers)) {
		return nil
	}
	var lines []string
	for _, s := range servers {
		if r.slotOf(s.Name) == "" {
			continue
		}
		want, has := current(s), configured(s)
		split := now[blue] > 0 && now[green] > 0
		if (want == 0) == (has == 0) && (!split || want == has) {
			continue
		}
		weight := s.InitialWeight
		if want > 0 && (split || weight == 0) {
			weight = want
		}
		line := fmt.Sprintf("server %s %s", s.Name, s.Place())
		if weight != 1 {
			line += fmt.Sprintf(" weight %d", weight)
		}
		lines = append(lines, line+options([]api.Server{s}, want > 0))
	}
	return lines
}

// options of a server's line, as those of like are checked or not.
func options(like []api.Server, takes bool) string {
	text := ""
	checked := len(like) == 0
	for _, s := range like {
		checked = checked || s.Checked()
	}
	if checked {
		text = " check"
	}
	if !takes {
		text += " disabled"
	}
	return text
}
