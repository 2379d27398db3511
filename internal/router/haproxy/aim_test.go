package haproxy

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	api "github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
)

// TestCommands: whatever is changed, there is no moment at which fewer of the servers can be sent to than before and after.
func TestCommands(t *testing.T) {
	r := &Router{backend: "web"}
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) aim {
			a := aim{server: name, weight: rapid.IntRange(0, 3).Draw(t, name), admin: rapid.SampledFrom([]string{ready, maint, drain}).Draw(t, name+" is")}
			return a
		}
		names := []string{"blue-a", "blue-b", "green-a", "green-b"}
		now, want := map[string]aim{}, map[string]aim{}
		var servers []api.Server
		var aims []aim
		for _, name := range names {
			now[name], want[name] = draw(name), draw(name)
			aims = append(aims, want[name])
			s := api.Server{Name: name, Weight: now[name].weight, Operation: api.Running}
			switch now[name].admin {
			case maint:
				s.Admin, s.Operation = api.ForcedMaint, api.Stopped
			case drain:
				s.Admin = api.ForcedDrain
			}
			servers = append(servers, s)
		}
		open := func(state map[string]aim) (n int) {
			for _, a := range state {
				if a.admin == ready && a.weight > 0 {
					n++
				}
			}
			return n
		}
		least := min(open(now), open(want))
		for _, command := range r.commands(servers, aims) {
			words := strings.Fields(command)
			name := strings.TrimPrefix(words[2], "web/")
			a := now[name]
			if words[3] == "state" {
				a.admin = words[4]
			} else {
				a.weight = int(words[4][0] - '0')
			}
			now[name] = a
			if open(now) < least {
				t.Fatalf("after %q only %d of %d servers are open", command, open(now), least)
			}
		}
		for _, name := range names {
			if now[name] != want[name] {
				t.Fatalf("server %s ends as %v, want %v", name, now[name], want[name])
			}
		}
	})
}
