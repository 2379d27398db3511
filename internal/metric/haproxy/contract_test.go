package haproxy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	client "github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy/haproxytest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/metrictest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func place(addresses ...string) service.Placement {
	p := service.Placement{Release: "production/web/1-00000000", Slot: "green"}
	for i, address := range addresses {
		p.Instances = append(p.Instances, service.Instance{Name: fmt.Sprintf("green/%d", i), Address: address})
	}
	return p
}

// newAnswering is a server that answers each request with the status that it names.
func newAnswering(t testing.TB) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		code, err := strconv.Atoi(r.URL.Query().Get("code"))
		if err != nil {
			code = http.StatusOK
		}
		w.WriteHeader(code)
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// pool is an HAProxy with dynamic servers.
type pool struct {
	t *testing.T
	*haproxytest.Server
	unreachable atomic.Int32
	servers     map[string]bool
	http        *http.Client
}

func newPool(t *testing.T) *pool {
	t.Helper()
	p := &pool{t: t, servers: map[string]bool{}, http: &http.Client{Transport: &http.Transport{}}}
	p.Server = haproxytest.Start(t, func(s *haproxytest.Server) string { return haproxytest.Split(s, haproxytest.Backend{}) })
	t.Cleanup(p.http.CloseIdleConnections)
	return p
}

// node reads through a dialer that fails while anything is out of reach. HAProxy serves on.
func (p *pool) node() haproxy.Node {
	return haproxy.Node{Name: "a", Client: client.New("node a", func(ctx context.Context) (net.Conn, error) {
		if p.unreachable.Load() > 0 {
			return nil, errors.New("out of reach")
		}
		return new(net.Dialer).DialContext(ctx, "unix", p.Socket)
	}, time.Minute)}
}

// instance is a server of the pool.
type instance struct {
	*pool
	name, address string
	away          bool
}

func (i *instance) add() {
	i.t.Helper()
	i.Command(i.t, "add server web/"+i.name+" "+i.address, "set server web/"+i.name+" state ready")
	i.servers[i.name] = true
}

func (i *instance) Serve(n, code int, _ time.Duration) {
	i.t.Helper()
	if !i.servers[i.name] {
		i.add()
	}
	for name := range i.servers {
		weight := 0
		if name == i.name {
			weight = 1
		}
		i.Command(i.t, fmt.Sprintf("set server web/%s weight %d", name, weight))
	}
	for range n {
		response, err := i.http.Get(fmt.Sprintf("%s/?code=%d", i.URL, code)) //nolint:noctx // answered at once
		if err != nil {
			i.t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body) // empty
		_ = response.Body.Close()
		if response.StatusCode != code {
			i.t.Fatalf("the answer is %s, want %d", response.Status, code)
		}
	}
}

func (i *instance) Restart() {
	i.t.Helper()
	i.Forget()
	i.add()
}

func (i *instance) Forget() {
	i.t.Helper()
	if i.servers[i.name] {
		i.http.CloseIdleConnections()
		i.Command(i.t, "set server web/"+i.name+" state maint")
		haproxytest.Wait(i.t, "HAProxy deletes the server", func() bool {
			_, err := i.Client().Command(i.t.Context(), "shutdown sessions server web/"+i.name, "del server web/"+i.name)
			return err == nil
		})
		delete(i.servers, i.name)
	}
}

func (i *instance) Reach(reachable bool) {
	switch {
	case !reachable && !i.away:
		i.unreachable.Add(1)
	case reachable && i.away:
		i.unreachable.Add(-1)
	}
	i.away = !reachable
}

func (i *instance) Count(string, float64) { i.t.Helper(); i.t.Fatal("HAProxy counts no orders") }

func (i *instance) Set(float64) { i.t.Helper(); i.t.Fatal("HAProxy knows no queue of the service") }

func TestContract(t *testing.T) {
	metrictest.Run(t, func(t *testing.T, n int) metrictest.Subject {
		t.Helper()
		p := newPool(t)
		s := metrictest.Subject{Metrics: haproxy.New([]haproxy.Node{p.node()}, "web", nil), Requests: "requests", CodeLabel: "code", Untimed: true, Whole: true, Own: true}
		var addresses []string
		for k := range n {
			i := &instance{pool: p, name: fmt.Sprintf("green-%d", k), address: newAnswering(t)}
			i.add()
			s.Instances, addresses = append(s.Instances, i), append(addresses, i.address)
		}
		s.Placement = place(addresses...)
		return s
	})
}
