package haproxy_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	api "github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy/haproxytest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const deadline = 60 * time.Second

// stand is running nodes with a router, and instances in both slots.
type stand struct {
	form
	*haproxy.Router
	servers     []*haproxytest.Server
	blue, green service.Placement
}

// newStand starts instances that answer with their slot's name, and the nodes. each changes the configuration of a node.
func newStand(t testing.TB, f form, blue, green int, each ...func(node int, b *haproxytest.Backend)) *stand {
	t.Helper()
	s := &stand{form: f, blue: instances(t, "blue", blue), green: instances(t, "green", green)}
	for i := range max(f.nodes, 1) {
		s.servers = append(s.servers, haproxytest.Start(t, func(server *haproxytest.Server) string {
			b := f.backend(s.blue, s.green)
			for _, change := range each {
				change(i, &b)
			}
			return strings.Replace(haproxytest.Split(server, b), "frontend public", "frontend web", 1) // as in the contract
		}))
	}
	s.Router = f.router(t, deadline, s.servers...)
	return s
}

// instances of a slot. They end with t.
func instances(t testing.TB, slot string, n int) service.Placement {
	t.Helper()
	p := service.Placement{Release: service.ReleaseID("production/web/" + slot), Slot: slot}
	for i := range n {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(w, slot)
		}))
		t.Cleanup(server.Close)
		p.Instances = append(p.Instances, service.Instance{Name: fmt.Sprintf("%s/%d", slot, i), Address: strings.TrimPrefix(server.URL, "http://")})
	}
	return p
}

// dial is the way to a node.
func (s *stand) dial(node int) api.Dialer { return s.dialer(s.servers[node]) }

func (s *stand) split(green int) delivery.Split {
	return delivery.Split{Weights: map[string]int{"blue": 100 - green, "green": green}, Placements: []service.Placement{s.blue, s.green}}
}

func (s *stand) back(green int) delivery.Split {
	split := s.split(green)
	split.Back = true
	return split
}

func (s *stand) set(t testing.TB, split delivery.Split) {
	t.Helper()
	if err := s.SetWeights(t.Context(), split); err != nil {
		t.Fatal(err)
	}
}

func (s *stand) want(t testing.TB, green int) {
	t.Helper()
	got, err := s.Weights(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]int{"blue": 100 - green, "green": green}; !maps.Equal(got, want) {
		t.Fatalf("the weights are %v, want %v", got, want)
	}
}

// server of a node by its name.
func (s *stand) server(t testing.TB, node int, name string) api.Server {
	t.Helper()
	all, err := s.servers[node].Client().Servers(context.WithoutCancel(t.Context()), "web")
	if err != nil {
		t.Fatal(err)
	}
	for _, server := range all {
		if server.Name == name {
			return server
		}
	}
	t.Fatalf("there is no server %s in %v", name, all)
	return api.Server{}
}

// wantError fails unless err says all of these.
func wantError(t testing.TB, err error, says ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want one that says %q", says)
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("the error is %q; it should say %q", err, text)
		}
	}
}
