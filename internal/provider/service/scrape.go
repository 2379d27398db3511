package service

import (
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/whole"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const (
	defaultMetricsPath   = "/metrics"
	defaultRequests      = "http_requests_total"
	defaultCodeLabel     = "code"
	defaultDuration      = "http_request_duration_seconds"
	defaultScrapeTimeout = 5 * time.Second
)

func scrapeAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "The instances' own Prometheus exposition, read directly.",
		Attributes: map[string]schema.Attribute{
			"path":       textAttribute("Path of the exposition. Default: `/metrics`."),
			"port":       numberAttribute("Port of the exposition. Default: the instance's own."),
			"requests":   textAttribute("Name of the counter of requests. Default: `http_requests_total`."),
			"code_label": textAttribute("Its label with the HTTP status; a status from 500 is an error. Default: `code`."),
			"duration":   textAttribute("Name of the histogram of durations in seconds. Default: `http_request_duration_seconds`."),
			"timeout":    durationAttribute("Time limit of one reading. Default: `5s`."),
		},
	}
}

type scrapeModel struct {
	Path      types.String `tfsdk:"path"`
	Port      whole.Number `tfsdk:"port"`
	Requests  types.String `tfsdk:"requests"`
	CodeLabel types.String `tfsdk:"code_label"`
	Duration  types.String `tfsdk:"duration"`
	Timeout   types.String `tfsdk:"timeout"`
}

func (s scrapeModel) toDefinition(diags *diag.Diagnostics) *service.ScrapeMetrics {
	at := path.Root("metrics").AtName("scrape")
	return &service.ScrapeMetrics{
		Path: text(s.Path, defaultMetricsPath), Port: plain.Int(s.Port, 0), Requests: text(s.Requests, defaultRequests),
		CodeLabel: text(s.CodeLabel, defaultCodeLabel), Duration: text(s.Duration, defaultDuration),
		Timeout: duration.ToDuration(s.Timeout, defaultScrapeTimeout, at.AtName("timeout"), diags),
	}
}

func fromScrape(s service.ScrapeMetrics) map[string]any {
	return map[string]any{
		"path": unless(s.Path, defaultMetricsPath), "port": unless(s.Port, 0), "requests": unless(s.Requests, defaultRequests),
		"code_label": unless(s.CodeLabel, defaultCodeLabel), "duration": unless(s.Duration, defaultDuration),
		"timeout": fromDuration(s.Timeout, defaultScrapeTimeout),
	}
}
