package haproxy_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	api "github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy/haproxytest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/routertest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

var _ delivery.Router = (*haproxy.Router)(nil)

// form is how HAProxy is set up, and how its router is declared.
type form struct {
	tcp, dynamic, stateFile bool
	// nodes is how many processes there are; 0: one.
	nodes int
	// balance is the backend's algorithm, and options are keywords of each server.
	balance, options string
}

func addresses(p service.Placement) []string {
	var out []string
	for _, i := range p.Instances {
		out = append(out, i.Address)
	}
	return out
}

// backend has both slots' servers, green's disabled, beside one of nobody's that is in maintenance.
func (f form) backend(blue, green service.Placement) haproxytest.Backend {
	b := haproxytest.Backend{Balance: f.balance, Options: f.options, StateFile: f.stateFile}
	if !f.dynamic {
		b.Servers = haproxytest.Slot("blue", 1, addresses(blue)...)
		for _, line := range haproxytest.Slot("green", 1, addresses(green)...) {
			line.Options = "disabled"
			b.Servers = append(b.Servers, line)
		}
	}
	b.Servers = append(b.Servers, haproxytest.Line{Name: "other", Address: "127.0.0.1:9", Weight: 100, Options: "disabled"})
	return b
}

// definition of the router for running nodes.
func (f form) definition(drainTimeout time.Duration, servers ...*haproxytest.Server) service.HAProxyRouter {
	d := service.HAProxyRouter{
		Backend: "web", DrainTimeout: service.Duration(drainTimeout), Timeout: service.Duration(20 * time.Second),
		Nodes: map[string]service.HAProxyNode{},
	}
	for i, s := range servers {
		d.Nodes[nodeName(i)] = f.node(s)
		if f.stateFile {
			d.StateFile = s.StateFile
		}
	}
	if f.dynamic {
		d.Dynamic = &service.HAProxyDynamic{Options: f.options}
	}
	return d
}

func nodeName(i int) string { return string(rune('a' + i)) }

// router of running nodes.
func (f form) router(t testing.TB, drainTimeout time.Duration, servers ...*haproxytest.Server) *haproxy.Router {
	t.Helper()
	d := f.definition(drainTimeout, servers...)
	r, err := haproxy.New(d, "production/web", []string{"blue", "green"}, func(node string) haproxy.Access {
		return haproxy.Access{Dial: f.dialer(servers[node[0]-'a'])}
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (f form) dialer(s *haproxytest.Server) api.Dialer {
	return haproxy.Dialer(f.node(s), new(net.Dialer).DialContext)
}

func (f form) node(s *haproxytest.Server) service.HAProxyNode {
	if f.tcp {
		return service.HAProxyNode{Address: s.Address}
	}
	return service.HAProxyNode{Socket: s.Socket}
}

// setup brings up the nodes; requests go to the last one.
func (f form) setup(t *testing.T, blue, green service.Placement, drainTimeout time.Duration) routertest.Subject {
	t.Helper()
	var servers []*haproxytest.Server
	for range max(f.nodes, 1) {
		servers = append(servers, haproxytest.Start(t, func(s *haproxytest.Server) string {
			// HAProxy lets a frontend be called as the backend, and finds it first where a name is asked for.
			return strings.Replace(haproxytest.Split(s, f.backend(blue, green)), "frontend public", "frontend web", 1)
		}))
	}
	all := func(do func(s *haproxytest.Server, t testing.TB)) func(testing.TB) {
		return func(t testing.TB) {
			t.Helper()
			for _, s := range servers {
				do(s, t)
			}
		}
	}
	return routertest.Subject{
		Router: f.router(t, drainTimeout, servers...), URL: servers[len(servers)-1].URL,
		Reload: all((*haproxytest.Server).Reload), Restart: all((*haproxytest.Server).Restart), Stop: all((*haproxytest.Server).Stop),
		Forgets: !f.stateFile, Follows: f.dynamic, LeavesOut: !f.dynamic,
	}
}

func TestContract(t *testing.T) {
	for name, f := range map[string]struct {
		form
		blue, green int
	}{
		"a socket":             {form{options: checked}, 1, 1},
		"two nodes on tcp":     {form{options: checked, tcp: true, nodes: 2}, 1, 1},
		"several servers":      {form{options: checked, stateFile: true}, 3, 2},
		"random without check": {form{balance: "random"}, 1, 2},
		"dynamic":              {form{options: checked, dynamic: true}, 1, 2},
		"dynamic, no check":    {form{dynamic: true}, 1, 1},
	} {
		t.Run(name, func(t *testing.T) { routertest.RunSized(t, f.blue, f.green, f.setup) })
	}
}
