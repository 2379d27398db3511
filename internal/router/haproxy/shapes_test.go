package haproxy_test

import (
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy/haproxytest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/haproxy"
)

// TestExact: with seven servers on one side and three on the other HAProxy has each percent exactly, and each server something.
func TestExact(t *testing.T) {
	s := newStand(t, form{}, 7, 3)
	for green := 1; green <= 99; green++ {
		s.set(t, s.split(green))
		all, err := s.servers[0].Client().Servers(t.Context(), "web")
		if err != nil {
			t.Fatal(err)
		}
		sums := map[string]int{}
		for _, server := range all {
			slot, _, _ := strings.Cut(server.Name, "-")
			if sums[slot] += server.Weight; server.Weight == 0 {
				t.Errorf("at %d %% server %s has nothing", green, server.Name)
			}
		}
		if sums["green"]*100 != green*(sums["green"]+sums["blue"]) {
			t.Errorf("%d %% is %d to %d", green, sums["green"], sums["blue"])
		}
	}
}

// TestOddServers: names with all that HAProxy takes, numbers among them, weights of the configuration's own, and servers of a template that have
// no address or that no instance is at.
func TestOddServers(t *testing.T) {
	names := map[string][]string{"blue": {"a.b:c_d-1", "123"}, "green": {"-x", "GREEN::", "spare-1", "spare-2"}}
	s := newStand(t, form{options: checked}, 2, 2, func(_ int, b *haproxytest.Backend) {
		for i, name := range []string{"a.b:c_d-1", "123", "-x", "GREEN::"} {
			b.Servers[i].Name, b.Servers[i].Weight = name, []int{10, 256, 0, 77}[i]
		}
		b.More = append(b.More, "server-template spare- 1-2 nowhere.invalid:80 check inter 100ms init-addr none")
	})
	d := s.definition(deadline, s.servers...)
	d.Servers = names
	r, err := haproxy.New(d, "production/web", []string{"blue", "green"}, func(string) haproxy.Access { return haproxy.Access{Dial: s.dial(0)} })
	if err != nil {
		t.Fatal(err)
	}
	s.Router = r
	if err := s.Check(t.Context(), s.split(0).Placements); err != nil {
		t.Error(err)
	}
	for _, green := range []int{0, 37, 100, 1} {
		s.set(t, s.split(green))
		s.want(t, green)
	}
}
