package scrape_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/metrictest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/scrape"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func place(addresses ...string) service.Placement {
	p := service.Placement{Release: "production/web/1-00000000", Slot: "green"}
	for i, address := range addresses {
		p.Instances = append(p.Instances, service.Instance{
			Name: fmt.Sprintf("green/%d", i), Address: strings.TrimPrefix(address, "http://"),
		})
	}
	return p
}

func TestContract(t *testing.T) {
	metrictest.Run(t, func(t *testing.T, n int) metrictest.Subject {
		t.Helper()
		s := metrictest.Subject{
			Metrics: scrape.New(service.ScrapeMetrics{}, nil), Requests: "http_requests_total", CodeLabel: "code",
		}
		var urls []string
		for range n {
			i := metrictest.NewServer(t)
			s.Instances = append(s.Instances, i)
			urls = append(urls, i.URL)
		}
		s.Placement = place(urls...)
		return s
	})
}
