package haproxy_test

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/component"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy/haproxytest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/haproxy"
)

// meanwhile is a router of the first node, with which something is done right before its n-th connection.
func (s *stand) meanwhile(t *testing.T, n int, do func()) *haproxy.Router {
	t.Helper()
	dials := 0
	r, err := haproxy.New(s.definition(deadline, s.servers...), "production/web", []string{"blue", "green"}, func(string) haproxy.Access {
		return haproxy.Access{Dial: func(ctx context.Context) (net.Conn, error) {
			if dials++; dials == n {
				do()
			}
			return s.dial(0)(ctx)
		}}
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestReloadedWhileItWarmsUp: a server that was made ready, and that no check has found up, gets nothing after a reload either: neither where one
// check decides, nor where somebody saves the state before, by which HAProxy holds it to have passed all checks.
func TestReloadedWhileItWarmsUp(t *testing.T) {
	address := component.Refusing(t)
	for name, c := range map[string]struct {
		options string
		saved   bool
		// enabled in haproxy.cfg.
		enabled bool
	}{
		"one check decides":        {options: "check inter 10m fall 1"},
		"one check decides, saved": {options: "check inter 10m rise 1 fall 1", saved: true},
		"saved":                    {options: "check inter 10m", saved: true, enabled: true},
	} {
		// The first connection looks, the second makes it ready, and where one check decides the third puts it at the bottom of its health.
		for connection := 3; connection <= 4; connection++ {
			t.Run(fmt.Sprintf("%s, at connection %d", name, connection), func(t *testing.T) {
				s := newStand(t, form{options: c.options, stateFile: true}, 1, 1, func(_ int, b *haproxytest.Backend) {
					if b.Servers[1].Address = address; c.enabled {
						b.Servers[1].Options = ""
					}
				})
				s.green.Instances[0].Address = address
				s.set(t, s.split(0))
				r := s.meanwhile(t, connection, func() {
					if c.saved {
						s.servers[0].SaveState(t)
					}
					s.servers[0].Reload(t)
				})
				r.SetWarmWithin(500 * time.Millisecond)
				wantError(t, r.SetWeights(t.Context(), s.split(25)), "server green at "+address, "now has blue 100 %, green 0 %")
				s.want(t, 0)
			})
		}
	}
}

// TestReloadedWhileItWarmsUpAndIsUp: what is up is found so after a reload, too.
func TestReloadedWhileItWarmsUpAndIsUp(t *testing.T) {
	for _, options := range []string{checked, checked + " fall 1"} {
		for connection := 3; connection <= 4; connection++ {
			t.Run(fmt.Sprintf("%s, at connection %d", options, connection), func(t *testing.T) {
				s := newStand(t, form{options: options, stateFile: true}, 1, 1)
				s.set(t, s.split(0))
				r := s.meanwhile(t, connection, func() { s.servers[0].Reload(t) })
				if err := r.SetWeights(t.Context(), s.split(25)); err != nil {
					t.Error(err)
				}
				s.want(t, 25)
			})
		}
	}
}
