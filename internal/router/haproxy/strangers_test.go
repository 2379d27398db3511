package haproxy_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy/haproxytest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// TestStrangers: a server that is called like a slot's, gets requests, and is at none of its instances is named before a split takes its traffic
// away; with the slot's own ones in the definition it is nobody's, and stays.
func TestStrangers(t *testing.T) {
	strange := []string{"blue-legacy", "blue_legacy", "blue2"}
	s := newStand(t, form{options: checked, nodes: 2}, 2, 1, func(node int, b *haproxytest.Backend) {
		if node == 1 {
			for _, name := range strange {
				b.Servers = append(b.Servers, haproxytest.Line{Name: name, Address: instances(t, "blue", 1).Instances[0].Address, Weight: 50})
			}
		}
		// What gets nothing has nothing to lose: without weight, and in maintenance.
		b.Servers = append(b.Servers, haproxytest.Line{Name: "blue-none", Address: instances(t, "blue", 1).Instances[0].Address},
			haproxytest.Line{Name: "blue-maint", Address: instances(t, "blue", 1).Instances[0].Address, Weight: 50, Options: "disabled"})
	})
	before := s.split(0).Placements
	var strangers *delivery.Strangers
	err := s.Check(t.Context(), before)
	if !errors.As(err, &strangers) {
		t.Errorf("%v is no *delivery.Strangers", err)
	}
	wantError(t, err, "node b ", "slot blue's by its name", "`blue = [\"blue-0\", \"blue-1\"]`")
	for _, name := range strange {
		wantError(t, err, "server "+name+" at 127.0.0.1:")
	}
	for _, no := range []string{"node a ", "blue-none", "blue-maint"} {
		if strings.Contains(err.Error(), no) {
			t.Errorf("it says %s: %v", no, err)
		}
	}
	// Where nothing is known of the slot, nothing is said of its servers.
	if err := s.Check(t.Context(), []service.Placement{s.green}); err != nil {
		t.Error(err)
	}
	named := s.definition(deadline, s.servers...)
	named.Servers = map[string][]string{"blue": {"blue-0", "blue-1"}}
	byName := s.Router
	s.Router, err = haproxy.New(named, "production/web", []string{"blue", "green"}, func(node string) haproxy.Access {
		return haproxy.Access{Dial: s.dial(int(node[0] - 'a'))}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Check(t.Context(), before); err != nil {
		t.Error(err)
	}
	s.set(t, s.split(50))
	for _, name := range strange {
		if got := s.server(t, 1, name); !got.Eligible() || got.Weight != 50 {
			t.Errorf("it is not left alone: %+v", got)
		}
	}
	// A router that was not told takes it for the slot's, and then there is nothing to say any more.
	s.Router = byName
	s.set(t, s.split(50))
	if err := s.Check(t.Context(), before); err != nil {
		t.Error(err)
	}
}

// TestServersOfOtherNames: those at a slot's instances that are not called like it are to be named, and both errors say how.
func TestServersOfOtherNames(t *testing.T) {
	s := newStand(t, form{}, 2, 2, func(_ int, b *haproxytest.Backend) {
		for i := range b.Servers[:4] {
			b.Servers[i].Name = strings.ReplaceAll(b.Servers[i].Name, "-", ".")
		}
	})
	const blue, green = "`blue = [\"blue.0\", \"blue.1\"]`", "`green = [\"green.0\", \"green.1\"]`"
	wantError(t, s.Check(t.Context(), s.split(0).Placements), "no server of slot blue", blue, green)
	wantError(t, s.SetWeights(t.Context(), s.split(100)), "no server of slot green: name those that are at its instances in `servers` of the router", green)
	d := s.definition(deadline, s.servers...)
	d.Servers = map[string][]string{"blue": {"blue.0", "blue.1"}, "green": {"green.0", "green.1"}}
	r, err := haproxy.New(d, "production/web", []string{"blue", "green"}, func(string) haproxy.Access { return haproxy.Access{Dial: s.dial(0)} })
	if err != nil {
		t.Fatal(err)
	}
	s.Router = r
	if err := s.Check(t.Context(), s.split(0).Placements); err != nil {
		t.Error(err)
	}
	s.set(t, s.split(100))
	s.want(t, 100)
}

// TestNamesOfASlotsServers: in each form of a slot's names a split that stands is read and given back, and a server of a host that was removed
// gets nothing.
func TestNamesOfASlotsServers(t *testing.T) {
	for _, name := range []string{"%s-%d", "%s_%d", "%s%d"} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t, form{nodes: 2}, 2, 1, func(_ int, b *haproxytest.Backend) {
				for i, slot := range []string{"blue", "blue", "green"} {
					b.Servers[i].Name = fmt.Sprintf(name, slot, i)
				}
				b.Servers[0].Weight, b.Servers[1].Weight, b.Servers[2].Weight = 75, 75, 50
				b.Servers[2].Options = ""
			})
			s.want(t, 25)
			if err := s.Check(t.Context(), s.split(0).Placements); err != nil {
				t.Error(err)
			}
			s.set(t, s.back(0))
			s.want(t, 0)
			s.blue.Instances = s.blue.Instances[:1]
			s.set(t, s.split(0))
			for node := range s.servers {
				if got := s.server(t, node, fmt.Sprintf(name, "blue", 1)); !got.Admin.Maint() {
					t.Errorf("the server of a host that was removed: %+v", got)
				}
			}
		})
	}
}
