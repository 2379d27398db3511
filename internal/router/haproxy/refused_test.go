package haproxy_test

import (
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// TestRefusedOnce: what each of many commands is refused for is told once a node.
func TestRefusedOnce(t *testing.T) {
	s := newStand(t, form{}, 3, 3)
	d := s.definition(deadline, s.servers...)
	d.Nodes["a"] = service.HAProxyNode{Socket: s.servers[0].UserSocket}
	r, err := haproxy.New(d, "production/web", []string{"blue", "green"}, func(string) haproxy.Access {
		socket := *s.servers[0]
		socket.Socket = s.servers[0].UserSocket
		return haproxy.Access{Dial: s.dialer(&socket)}
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, split := range map[string]int{"back": 0, "on": 50} {
		err := r.SetWeights(t.Context(), map[string]delivery.Split{"back": s.back(split), "on": s.split(split)}[name])
		wantError(t, err, "Permission denied", "more commands", "level admin", "node a now has blue 100 %, green 0 %")
		if said := strings.Count(err.Error(), "Permission denied"); said != 1 || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: it is said %d times: %s", name, said, err)
		}
	}
}
