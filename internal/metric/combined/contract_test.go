package combined_test

import (
	"fmt"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/combined"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/metrictest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/scrape"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Put together of sources that keep the contract, it is kept, whichever of them are one and the same.
func TestContract(t *testing.T) {
	a, b, c := scrape.New(service.ScrapeMetrics{}, nil), scrape.New(service.ScrapeMetrics{}, nil), scrape.New(service.ScrapeMetrics{}, nil)
	for name, metrics := range map[string]*combined.Combined{
		"one": combined.New(a, a, a), "business apart": combined.New(a, a, b), "requests apart": combined.New(a, b, b), "latency apart": combined.New(a, b, a), "all apart": combined.New(a, b, c),
	} {
		t.Run(name, func(t *testing.T) {
			metrictest.Run(t, func(t *testing.T, n int) metrictest.Subject {
				t.Helper()
				s := metrictest.Subject{
					Metrics: metrics, Requests: "http_requests_total", CodeLabel: "code",
					Placement: service.Placement{Release: "production/web/1-00000000", Slot: "green"},
				}
				for i := range n {
					server := metrictest.NewServer(t)
					s.Instances = append(s.Instances, server)
					s.Placement.Instances = append(s.Placement.Instances, service.Instance{Name: fmt.Sprintf("green/%d", i), Address: server.Listener.Addr().String()})
				}
				return s
			})
		})
	}
}
