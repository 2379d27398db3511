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

func subject(t *testing.T, n int) metrictest.Subject {
	t.Helper()
	s := metrictest.Subject{
		Requests: "http_requests_total", CodeLabel: "code",
		Query: func(name, labels string) string { return name + `{instance=~"{{instances}}",` + labels + "}" },
	}
	var addresses []string
	for range n {
		i := metrictest.NewServer(t)
		s.Instances = append(s.Instances, i)
		addresses = append(addresses, strings.TrimPrefix(i.URL, "http://"))
	}
	server := prometheustest.Start(t, interval, addresses...)
	s.Metrics, s.Placement = connect(t, service.PrometheusMetrics{URL: server.URL}), place(addresses...)
	s.Settle = func(t *testing.T) { server.Settle(t, n) }
	return s
}

func TestContract(t *testing.T) {
	metrictest.Run(t, subject)
}
