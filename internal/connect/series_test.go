package connect_test

import (
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/connect"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func TestCountersOfARouterHoldNoBusiness(t *testing.T) {
	orders := map[string]delivery.Series{"orders": {Query: "orders_total"}}
	problems := connect.ValidateSeries(service.Metrics{HAProxy: &service.HAProxyMetrics{}}, orders)
	if len(problems) != 1 || strings.Join(problems[0].Path, ".") != "orders.query" || !strings.Contains(problems[0].Detail, "add scrape or prometheus") {
		t.Errorf("got %v", problems)
	}
	both := service.Metrics{HAProxy: &service.HAProxyMetrics{}, Scrape: &service.ScrapeMetrics{}}
	if problems := connect.ValidateSeries(both, orders); len(problems) > 0 {
		t.Errorf("refused beside a scrape: %v", problems)
	}
}
