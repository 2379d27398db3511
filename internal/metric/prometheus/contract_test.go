package prometheus_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/metrictest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/prometheus"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/prometheus/prometheustest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const interval = 200 * time.Millisecond

func place(addresses ...string) service.Placement {
	p := service.Placement{Release: "production/web/1.0.0-00000000", Slot: "green"}
	for i, address := range addresses {
		p.Instances = append(p.Instances, service.Instance{Name: fmt.Sprintf("green/%d", i), Address: strings.TrimPrefix(address, "http://")})
	}
	return p
}

func connect(t *testing.T, d service.PrometheusMetrics) *prometheus.Prometheus {
	t.Helper()
	metrics, err := prometheus.New(d, secrets)
	if err != nil {
		t.Fatal(err)
	}
	return metrics
}

// pool is instances that one Prometheus scrapes: it looks for new targets every five seconds alone.
type pool struct {
	server    *prometheustest.Server
	instances []*metrictest.Server
}

func newPool(t *testing.T, n int) *pool {
	t.Helper()
	p := &pool{}
	var addresses []string
	for range n {
		i := metrictest.NewServer(t)
		p.instances, addresses = append(p.instances, i), append(addresses, i.Listener.Addr().String())
	}
	p.server = prometheustest.Start(t, interval, addresses...)
	return p
}

// take n instances that nobody had.
func (p *pool) take(t *testing.T, n int) metrictest.Subject {
	t.Helper()
	if len(p.instances) < n {
		t.Fatal("the pool of instances is empty: make it larger")
	}
	s := metrictest.Subject{
		Requests: "http_requests_total", CodeLabel: "code",
		Query: func(name, labels string) string { return name + `{instance=~"{{instances}}",` + labels + "}" },
	}
	var addresses []string
	for _, i := range p.instances[:n] {
		s.Instances, addresses = append(s.Instances, i), append(addresses, i.Listener.Addr().String())
	}
	p.instances = p.instances[n:]
	s.Metrics, s.Placement = connect(t, service.PrometheusMetrics{URL: p.server.URL}), place(addresses...)
	s.Settle = func(t *testing.T) {
		t.Helper()
		p.server.Settle(t, addresses...)
	}
	return s
}

func TestContract(t *testing.T) {
	metrictest.Run(t, newPool(t, 30).take)
}
