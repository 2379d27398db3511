package haproxy_test

import (
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy/haproxytest"
)

// TestDisabledByTheConfiguration: such a server is in maintenance until the Runtime API makes it ready.
func TestDisabledByTheConfiguration(t *testing.T) {
	s := haproxytest.Start(t, func(s *haproxytest.Server) string {
		return haproxytest.Split(s, haproxytest.Backend{Servers: []haproxytest.Line{{Name: "green", Address: "127.0.0.1:9", Weight: 1, Options: "disabled"}}})
	})
	for _, want := range []bool{true, false} {
		servers, err := s.Client().Servers(t.Context(), "web")
		if err != nil || len(servers) != 1 {
			t.Fatalf("%v, %v", servers, err)
		}
		if got := servers[0]; got.Admin.Maint() != want || got.Eligible() == want || got.Admin&haproxy.ConfigMaint == 0 {
			t.Errorf("in maintenance should be %t: %+v", want, got)
		}
		s.Command(t, "set server web/green state ready")
	}
}
