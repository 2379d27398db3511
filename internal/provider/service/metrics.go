package service

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func metricsAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "What releases are judged by. At least one of: `scrape`, `haproxy`, `prometheus`. " +
			"With both `scrape` and `prometheus`, requests, errors and latency are those of `scrape`, which has no scrape interval, and business series are asked of `prometheus`. " +
			"With `haproxy` beside them, requests and errors are those that HAProxy saw, also where an instance did not answer; latency and business series stay with the others.",
		Attributes: map[string]schema.Attribute{
			"scrape": scrapeAttribute(),
			"haproxy": schema.SingleNestedAttribute{
				Optional: true, Attributes: map[string]schema.Attribute{},
				MarkdownDescription: "The counters that the router `haproxy` has of its servers (`show stat`): requests, answers with a status from 500, failed connections. Services need no exposition of their own. " +
					"They have no latency over a bound. Where it is the only source, there are as business series, each by its name alone, counters of answers by status (`2xx`, `3xx`, `4xx`, `5xx`), `sessions`, failures (`econ`, `eresp`), " +
					"repetitions (`wretr`, `wredis`) and broken transfers (`cli_abrt`, `srv_abrt`), and as gauges the mean times of the last requests in milliseconds: in the queue `qtime`, to connect `ctime`, to answer `rtime`, in all `ttime`.",
			},
			"prometheus": prometheusAttribute(),
		},
	}
}

type metricsModel struct {
	Scrape     types.Object `tfsdk:"scrape"`
	HAProxy    types.Object `tfsdk:"haproxy"`
	Prometheus types.Object `tfsdk:"prometheus"`
}

// toMetrics is nil where there are none.
func toMetrics(ctx context.Context, object types.Object, diags *diag.Diagnostics) *service.Metrics {
	metrics, found := plain.Object[metricsModel](ctx, object, diags)
	if !found {
		return nil
	}
	var of service.Metrics
	if scrape, found := plain.Object[scrapeModel](ctx, metrics.Scrape, diags); found {
		of.Scrape = scrape.toDefinition(diags)
	}
	if isSet(metrics.HAProxy) {
		of.HAProxy = &service.HAProxyMetrics{}
	}
	if prometheus, found := plain.Object[prometheusModel](ctx, metrics.Prometheus, diags); found {
		of.Prometheus = prometheus.toDefinition(ctx, diags)
	}
	if of == (service.Metrics{}) {
		return nil
	}
	return &of
}

func fromMetrics(m service.Metrics) map[string]any {
	metrics := map[string]any{}
	if m.Scrape != nil {
		metrics["scrape"] = fromScrape(*m.Scrape)
	}
	if m.HAProxy != nil {
		metrics["haproxy"] = map[string]any{}
	}
	if m.Prometheus != nil {
		metrics["prometheus"] = fromPrometheus(*m.Prometheus)
	}
	return metrics
}

// validateMetrics refuses the counters of a router that there is not.
func (m model) validateMetrics(ctx context.Context, diags *diag.Diagnostics) {
	metrics, found := plain.Object[metricsModel](ctx, m.Metrics, diags)
	if !found || !isSet(metrics.HAProxy) || m.Router.IsUnknown() {
		return
	}
	router, _ := plain.Object[routerModel](ctx, m.Router, diags)
	if router.HAProxy.IsNull() {
		diags.AddAttributeError(path.Root("metrics").AtName("haproxy"), invalid,
			"It reads the counters of the router haproxy, and the service has no such router: set router.haproxy, or use scrape or prometheus.")
	}
}
