package caddy_test

import (
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/caddy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/caddy/caddytest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/routertest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

var _ delivery.Router = (*caddy.Router)(nil)

func addresses(p service.Placement) []string {
	var out []string
	for _, i := range p.Instances {
		out = append(out, i.Address)
	}
	return out
}

// router is the router for the running server.
func router(t *testing.T, s *caddytest.Server, drainTimeout time.Duration) *caddy.Router {
	t.Helper()
	r, err := caddy.New(service.CaddyRouter{
		ShareFile: s.ShareFile, Admin: s.Admin, DrainTimeout: service.Duration(drainTimeout),
	}, []string{"blue", "green"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestContract(t *testing.T) {
	routertest.Run(t, func(t *testing.T, blue, green service.Placement, drainTimeout time.Duration) routertest.Subject {
		t.Helper()
		s := caddytest.Start(t, func(s *caddytest.Server) string {
			return caddytest.Split(s, addresses(blue), addresses(green))
		})
		return routertest.Subject{
			Router: router(t, s, drainTimeout), URL: s.URL, Reload: s.Reload, Restart: s.Restart, Stop: s.Stop,
		}
	})
}
