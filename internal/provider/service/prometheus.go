package service

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const defaultQueryTimeout = 10 * time.Second

func prometheusAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "A server with Prometheus' HTTP API: Prometheus itself, Mimir, Thanos, VictoriaMetrics. A judgement is as quick as its scrape interval. " +
			"Queries are templates: `{{release}}` is the release's id, `{{slot}}` its slot, `{{instances}}` a regular expression of its instances' addresses, `host:port`, as in " +
			"`instance=~\"{{instances}}\"`, and `{{interval}}` the time since the last look, such as `5s`. Each must hold one of the first three, or all releases would count the same.",
		Attributes: map[string]schema.Attribute{
			"url":      schema.StringAttribute{Required: true, MarkdownDescription: "URL of the server, below which `api/v1` is, such as `https://prometheus.example:9090` or `https://mimir.example/prometheus`."},
			"bearer":   textAttribute("Name of the credential that holds a token."),
			"username": textAttribute("Name for basic authentication, together with `password`."),
			"password": textAttribute("Name of the credential that holds the password."),
			"headers": schema.MapAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Headers of each request, such as `{ X-Scope-OrgID = \"web\" }`. Not for secrets.",
			},
			"tls": schema.SingleNestedAttribute{
				Optional:            true,
				MarkdownDescription: "How the server is verified, where the system's certificates do not tell.",
				Attributes: map[string]schema.Attribute{
					"ca":          textAttribute("Certificates in PEM that are trusted, in place of the system's."),
					"ca_file":     textAttribute("Absolute path of a file with such certificates."),
					"server_name": textAttribute("Name that the server's certificate is for. Default: the host of `url`."),
				},
			},
			"timeout": durationAttribute("Time limit of one request. Default: `10s`."),
			"preset": textAttribute("Whose series are counted, in place of the instances' own: `caddy` (instances that are Caddy servers: `caddy_http_request_duration_seconds`), " +
				"`haproxy` (`haproxy_server_http_responses_total`, which has no latency: that is not judged), `traefik` (`traefik_service_requests_total` and `traefik_service_request_duration_seconds`)."),
			"service": textAttribute("Regular expression by which a preset finds the release's series: of Traefik's label `service` (without its provider, such as `@file`), HAProxy's label `server`, " +
				"Caddy's label `handler`. With `{{slot}}` and `{{release}}`. Default: `{{slot}}` for Traefik, `{{slot}}.*` for HAProxy; for Caddy `subroute`, which counts each request of a site with a host name once: " +
				"for others name the one handler in `caddy_http_request_duration_seconds_count` that does."),
			"selector": textAttribute("More matchers of labels, such as `job=\"web\"`, or those that find the release's series, such as `pod=~\"web-{{slot}}-.*\"`. " +
				"Where it holds no placeholder, the instances' own series are found by `instance=~\"{{instances}}\"` beside it."),
			"code_label": textAttribute("Label of the requests with the HTTP status; a status from 500 is an error. Default: `code`."),
			"queries": schema.SingleNestedAttribute{
				Optional: true,
				MarkdownDescription: "Queries of your own. Each is a selector of counters, whose increase is taken series by series, exactly; or an expression with `{{interval}}`, such as " +
					"`sum by (code) (increase(http_requests_total{instance=~\"{{instances}}\"}[{{interval}}]))`, that is itself a count, and is asked no more often than every four scrape intervals.",
				Attributes: map[string]schema.Attribute{
					"requests":         textAttribute("Counter of requests. Default: `http_requests_total`, or the preset's."),
					"errors":           textAttribute("Counter of the requests that failed. Default: those of `requests` whose `code_label` begins with a 5."),
					"duration_buckets": textAttribute("Buckets of a histogram of durations in seconds, with their label `le`. Default: `http_request_duration_seconds_bucket`, or the preset's."),
				},
			},
		},
	}
}

type prometheusModel struct {
	URL       types.String `tfsdk:"url"`
	Bearer    types.String `tfsdk:"bearer"`
	Username  types.String `tfsdk:"username"`
	Password  types.String `tfsdk:"password"`
	Headers   types.Map    `tfsdk:"headers"`
	TLS       types.Object `tfsdk:"tls"`
	Timeout   types.String `tfsdk:"timeout"`
	Preset    types.String `tfsdk:"preset"`
	Service   types.String `tfsdk:"service"`
	Selector  types.String `tfsdk:"selector"`
	CodeLabel types.String `tfsdk:"code_label"`
	Queries   types.Object `tfsdk:"queries"`
}

type tlsModel struct {
	CA         types.String `tfsdk:"ca"`
	CAFile     types.String `tfsdk:"ca_file"`
	ServerName types.String `tfsdk:"server_name"`
}

type queriesModel struct {
	Requests        types.String `tfsdk:"requests"`
	Errors          types.String `tfsdk:"errors"`
	DurationBuckets types.String `tfsdk:"duration_buckets"`
}

func (p prometheusModel) toDefinition(ctx context.Context, diags *diag.Diagnostics) *service.PrometheusMetrics {
	at := path.Root("metrics").AtName("prometheus")
	d := &service.PrometheusMetrics{
		URL: p.URL.ValueString(), Bearer: p.Bearer.ValueString(), Username: p.Username.ValueString(), Password: p.Password.ValueString(),
		Timeout: duration.ToDuration(p.Timeout, defaultQueryTimeout, at.AtName("timeout"), diags),
		Preset:  p.Preset.ValueString(), Service: p.Service.ValueString(), Selector: p.Selector.ValueString(), CodeLabel: text(p.CodeLabel, defaultCodeLabel),
		Headers: texts(p.Headers),
	}
	if t, found := plain.Object[tlsModel](ctx, p.TLS, diags); found {
		d.TLS = &service.ClientTLS{CA: t.CA.ValueString(), CAFile: t.CAFile.ValueString(), ServerName: t.ServerName.ValueString()}
	}
	if q, found := plain.Object[queriesModel](ctx, p.Queries, diags); found {
		d.Queries = &service.PrometheusQueries{Requests: q.Requests.ValueString(), Errors: q.Errors.ValueString(), DurationBuckets: q.DurationBuckets.ValueString()}
	}
	return d
}

func fromPrometheus(p service.PrometheusMetrics) map[string]any {
	prometheus := map[string]any{
		"url": p.URL, "bearer": unless(p.Bearer, ""), "username": unless(p.Username, ""), "password": unless(p.Password, ""), "headers": fromMap(p.Headers),
		"timeout": fromDuration(p.Timeout, defaultQueryTimeout), "preset": unless(p.Preset, ""), "service": unless(p.Service, ""),
		"selector": unless(p.Selector, ""), "code_label": unless(p.CodeLabel, defaultCodeLabel),
	}
	if p.TLS != nil {
		prometheus["tls"] = map[string]any{"ca": unless(p.TLS.CA, ""), "ca_file": unless(p.TLS.CAFile, ""), "server_name": unless(p.TLS.ServerName, "")}
	}
	if p.Queries != nil {
		prometheus["queries"] = map[string]any{
			"requests": unless(p.Queries.Requests, ""), "errors": unless(p.Queries.Errors, ""), "duration_buckets": unless(p.Queries.DurationBuckets, ""),
		}
	}
	return prometheus
}
