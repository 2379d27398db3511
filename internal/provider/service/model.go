package service

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/whole"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// model of the resource. What a user did not write is null; ToDefinition puts defaults in its place.
type model struct {
	Name        types.String `tfsdk:"name"`
	Environment types.String `tfsdk:"environment"`
	Platform    types.Object `tfsdk:"platform"`
	Router      types.Object `tfsdk:"router"`
	Metrics     types.Object `tfsdk:"metrics"`
	Notify      types.Map    `tfsdk:"notify"`
	ID          types.String `tfsdk:"id"`
	Status      types.String `tfsdk:"status"`
	StoreID     types.String `tfsdk:"store_id"`
}

type platformModel struct {
	Host       types.Object `tfsdk:"host"`
	Kubernetes types.Object `tfsdk:"kubernetes"`
}

type hostModel struct {
	Directory    types.String `tfsdk:"directory"`
	Address      types.String `tfsdk:"address"`
	Slots        types.Map    `tfsdk:"slots"`
	DrainTimeout types.String `tfsdk:"drain_timeout"`
	Log          types.Object `tfsdk:"log"`
}

type slotModel struct {
	Port  whole.Number `tfsdk:"port"`
	Ports types.List   `tfsdk:"ports"`
}

type logModel struct {
	MaxSize  whole.Number `tfsdk:"max_size"`
	MaxFiles whole.Number `tfsdk:"max_files"`
}

type routerModel struct {
	Caddy      types.Object `tfsdk:"caddy"`
	HAProxy    types.Object `tfsdk:"haproxy"`
	GatewayAPI types.Object `tfsdk:"gateway_api"`
}

type caddyModel struct {
	ShareFile    types.String `tfsdk:"share_file"`
	Admin        types.String `tfsdk:"admin"`
	DrainTimeout types.String `tfsdk:"drain_timeout"`
}

type metricsModel struct {
	Scrape     types.Object `tfsdk:"scrape"`
	HAProxy    types.Object `tfsdk:"haproxy"`
	Prometheus types.Object `tfsdk:"prometheus"`
}

type scrapeModel struct {
	Path      types.String `tfsdk:"path"`
	Port      whole.Number `tfsdk:"port"`
	Requests  types.String `tfsdk:"requests"`
	CodeLabel types.String `tfsdk:"code_label"`
	Duration  types.String `tfsdk:"duration"`
	Timeout   types.String `tfsdk:"timeout"`
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

type notificationModel struct {
	URL types.String `tfsdk:"url"`
	On  types.List   `tfsdk:"on"`
}

// id is known as soon as name and environment are.
func (m model) id() types.String {
	if m.Name.IsUnknown() || m.Environment.IsUnknown() {
		return types.StringUnknown()
	}
	return types.StringValue(string(service.NewID(m.Environment.ValueString(), m.Name.ValueString())))
}

// known tells whether all that makes the definition is known.
func (m model) known(ctx context.Context) bool {
	for _, value := range []attr.Value{m.Platform, m.Router, m.Metrics, m.Notify} {
		if !plain.IsKnown(ctx, value) {
			return false
		}
	}
	return true
}

// ToDefinition is the service with defaults where nothing is written, or nothing is known yet.
func (m model) ToDefinition(ctx context.Context) (service.Definition, diag.Diagnostics) {
	var diags diag.Diagnostics
	d := service.Definition{ID: service.ID(m.id().ValueString())}
	if platform, found := plain.Object[platformModel](ctx, m.Platform, &diags); found {
		if host, found := plain.Object[hostModel](ctx, platform.Host, &diags); found {
			d.Platform.Host = host.toDefinition(ctx, d.ID, &diags)
		}
	}
	if router, found := plain.Object[routerModel](ctx, m.Router, &diags); found {
		if caddy, found := plain.Object[caddyModel](ctx, router.Caddy, &diags); found {
			d.Router = &service.Router{Caddy: caddy.toDefinition(&diags)}
		}
	}
	if metrics, found := plain.Object[metricsModel](ctx, m.Metrics, &diags); found {
		var of service.Metrics
		if scrape, found := plain.Object[scrapeModel](ctx, metrics.Scrape, &diags); found {
			of.Scrape = scrape.toDefinition(&diags)
		}
		if prometheus, found := plain.Object[prometheusModel](ctx, metrics.Prometheus, &diags); found {
			of.Prometheus = prometheus.toDefinition(ctx, &diags)
		}
		if of != (service.Metrics{}) {
			d.Metrics = &of
		}
	}
	for name, value := range m.Notify.Elements() {
		n, found := element[notificationModel](ctx, value, &diags)
		if !found {
			continue
		}
		if d.Notify == nil {
			d.Notify = map[string]service.Notification{}
		}
		d.Notify[name] = service.Notification{URL: n.URL.ValueString(), On: plain.Strings(n.On)}
	}
	return d, diags
}

func (h hostModel) toDefinition(ctx context.Context, id service.ID, diags *diag.Diagnostics) *service.HostPlatform {
	at := path.Root("platform").AtName("host")
	d := service.HostPlatform{
		Directory: text(h.Directory, defaultDirectory(id)), Address: text(h.Address, defaultAddress), Slots: map[string]service.HostSlot{},
		DrainTimeout: duration.ToDuration(h.DrainTimeout, defaultDrain, at.AtName("drain_timeout"), diags),
		Log:          service.HostLog{MaxSize: defaultLogSize, MaxFiles: defaultLogFiles},
	}
	for name, value := range h.Slots.Elements() {
		slot, found := element[slotModel](ctx, value, diags)
		if !found {
			continue
		}
		ports := plain.Ints(slot.Ports)
		if !slot.Port.IsNull() && !slot.Port.IsUnknown() {
			ports = []int{int(slot.Port.ValueInt64())}
		}
		d.Slots[name] = service.HostSlot{Ports: ports}
	}
	if log, found := plain.Object[logModel](ctx, h.Log, diags); found {
		d.Log = service.HostLog{MaxSize: plain.Int(log.MaxSize, defaultLogSize), MaxFiles: plain.Int(log.MaxFiles, defaultLogFiles)}
	}
	return &d
}

func (c caddyModel) toDefinition(diags *diag.Diagnostics) *service.CaddyRouter {
	at := path.Root("router").AtName("caddy")
	return &service.CaddyRouter{
		ShareFile: c.ShareFile.ValueString(), Admin: text(c.Admin, defaultAdmin),
		DrainTimeout: duration.ToDuration(c.DrainTimeout, defaultDrain, at.AtName("drain_timeout"), diags),
	}
}

func (s scrapeModel) toDefinition(diags *diag.Diagnostics) *service.ScrapeMetrics {
	at := path.Root("metrics").AtName("scrape")
	return &service.ScrapeMetrics{
		Path: text(s.Path, defaultMetricsPath), Port: plain.Int(s.Port, 0), Requests: text(s.Requests, defaultRequests),
		CodeLabel: text(s.CodeLabel, defaultCodeLabel), Duration: text(s.Duration, defaultDuration),
		Timeout: duration.ToDuration(s.Timeout, defaultScrapeTimeout, at.AtName("timeout"), diags),
	}
}

func (p prometheusModel) toDefinition(ctx context.Context, diags *diag.Diagnostics) *service.PrometheusMetrics {
	at := path.Root("metrics").AtName("prometheus")
	d := &service.PrometheusMetrics{
		URL: p.URL.ValueString(), Bearer: p.Bearer.ValueString(), Username: p.Username.ValueString(), Password: p.Password.ValueString(),
		Timeout: duration.ToDuration(p.Timeout, defaultQueryTimeout, at.AtName("timeout"), diags),
		Preset:  p.Preset.ValueString(), Service: p.Service.ValueString(), Selector: p.Selector.ValueString(), CodeLabel: text(p.CodeLabel, defaultCodeLabel),
	}
	for name, value := range p.Headers.Elements() {
		header, ok := value.(types.String)
		if !ok || header.IsNull() {
			continue
		}
		if d.Headers == nil {
			d.Headers = map[string]string{}
		}
		d.Headers[name] = header.ValueString()
	}
	if t, found := plain.Object[tlsModel](ctx, p.TLS, diags); found {
		d.TLS = &service.ClientTLS{CA: t.CA.ValueString(), CAFile: t.CAFile.ValueString(), ServerName: t.ServerName.ValueString()}
	}
	if q, found := plain.Object[queriesModel](ctx, p.Queries, diags); found {
		d.Queries = &service.PrometheusQueries{Requests: q.Requests.ValueString(), Errors: q.Errors.ValueString(), DurationBuckets: q.DurationBuckets.ValueString()}
	}
	return d
}

// Where nothing is written.
const (
	defaultAddress       = "127.0.0.1"
	defaultDrain         = 30 * time.Second
	defaultLogSize       = 10
	defaultLogFiles      = 3
	defaultAdmin         = "http://localhost:2019"
	defaultMetricsPath   = "/metrics"
	defaultRequests      = "http_requests_total"
	defaultCodeLabel     = "code"
	defaultDuration      = "http_request_duration_seconds"
	defaultScrapeTimeout = 5 * time.Second
	defaultQueryTimeout  = 10 * time.Second
)

func text(value types.String, fallback string) string {
	if value.IsNull() || value.IsUnknown() {
		return fallback
	}
	return value.ValueString()
}

func element[T any](ctx context.Context, value attr.Value, diags *diag.Diagnostics) (out T, found bool) {
	object, ok := value.(types.Object)
	if !ok {
		return out, false
	}
	return plain.Object[T](ctx, object, diags)
}
