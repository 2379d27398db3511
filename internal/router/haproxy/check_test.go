package haproxy_test

import (
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy/haproxytest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func TestCheckAlgorithm(t *testing.T) {
	for balance, wrong := range map[string]string{
		"roundrobin": "", "leastconn": "", "random": "", "random(3)": "",
		"source\n  hash-type consistent": "", "uri\n  hash-type consistent": "",
		"static-rr": "balance roundrobin", "source": "hash-type consistent", "uri": "hash-type consistent",
		"hdr(host)": "hash-type consistent", "first": "knows no weights",
	} {
		t.Run(balance, func(t *testing.T) {
			s := newStand(t, form{balance: balance}, 1, 1)
			err := s.Check(t.Context(), s.split(0).Placements)
			if wrong == "" {
				if err != nil {
					t.Error(err)
				}
				s.set(t, s.split(30))
				s.want(t, 30)
				return
			}
			wantError(t, err, wrong, "node a", "backend web\n    balance roundrobin", "reload")
			if strings.Contains(err.Error(), "server blue") {
				t.Errorf("lines are given that are there already: %s", err)
			}
		})
	}
}

// TestCheckAddsNothing: how Check asks for the algorithm leaves no server behind.
func TestCheckAddsNothing(t *testing.T) {
	s := newStand(t, form{}, 1, 1)
	before := s.servers[0].Command(t, "show servers conn web")[0]
	if err := s.Check(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if after := s.servers[0].Command(t, "show servers conn web")[0]; strings.Count(after, "\n") != strings.Count(before, "\n") {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

func TestCheckSays(t *testing.T) {
	for name, c := range map[string]struct {
		configure func(b *haproxytest.Backend)
		define    func(d *service.HAProxyRouter, s *haproxytest.Server)
		says      []string
	}{
		"no backend": {define: func(d *service.HAProxyRouter, _ *haproxytest.Server) { d.Backend = "none" }, says: []string{"no backend none", "web", "backend none\n"}},
		"no admin": {define: func(d *service.HAProxyRouter, s *haproxytest.Server) {
			d.Nodes["a"] = service.HAProxyNode{Socket: s.UserSocket}
		}, says: []string{"level user", "level admin"}},
		"a backup": {configure: func(b *haproxytest.Backend) { b.Servers[1].Options = "backup" }, says: []string{"server green is a backup", "Take `backup` out of the line of server green"}},
		"no server of a slot": {configure: func(b *haproxytest.Backend) { b.Servers[1].Name = "verdant" },
			says: []string{"no server of slot green", "blue, verdant, other", "`green = [\"verdant\"]`"}},
		"a named server, whose place has another": {define: func(d *service.HAProxyRouter, _ *haproxytest.Server) {
			d.Servers = map[string][]string{"green": {"mint"}}
		}, says: []string{"no server mint", "Take mint out of `servers`", "`green = [\"green\"]`"}},
		"elsewhere": {configure: func(b *haproxytest.Backend) { b.Servers[1].Address = "127.0.0.1:9" }, says: []string{"slot green are at 127.0.0.1:9 (green)"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t, form{}, 1, 1, func(_ int, b *haproxytest.Backend) {
				if c.configure != nil {
					c.configure(b)
				}
			})
			d := s.definition(deadline, s.servers...)
			if c.define != nil {
				c.define(&d, s.servers[0])
			}
			r, err := haproxy.New(d, "production/web", []string{"blue", "green"}, func(string) haproxy.Access {
				socket := *s.servers[0]
				socket.Socket = d.Nodes["a"].Socket
				return haproxy.Access{Dial: s.dialer(&socket)}
			})
			if err != nil {
				t.Fatal(err)
			}
			wantError(t, r.Check(t.Context(), s.split(0).Placements), append(c.says, "node a")...)
		})
	}
}

// TestCheckAddresses: the same place written in another way is the same.
func TestCheckAddresses(t *testing.T) {
	for name, c := range map[string]struct{ configured, placed string }{
		"a name in both":             {"localhost:1234", "localhost:1234"},
		"a name in the placement":    {"127.0.0.1:1234", "localhost:1234"},
		"a name in the config":       {"localhost:1234", "127.0.0.1:1234"},
		"IPv6":                       {"[::1]:1234", "[0:0:0:0:0:0:0:1]:1234"},
		"IPv4 in IPv6":               {"127.0.0.1:1234", "[::ffff:127.0.0.1]:1234"},
		"IPv6 with the colons alone": {"::1:1234", "[::1]:1234"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t, form{}, 1, 1, func(_ int, b *haproxytest.Backend) { b.Servers[1].Address = c.configured })
			s.green.Instances[0].Address = c.placed
			if err := s.Check(t.Context(), s.split(0).Placements); err != nil {
				t.Error(err)
			}
			s.green.Instances[0].Address = c.placed + "0"
			if err := s.Check(t.Context(), s.split(0).Placements); err == nil {
				t.Error("another port is the same")
			}
		})
	}
}
