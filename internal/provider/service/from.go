package service

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/arguments"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/engine"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// FromDefinition is a service as a user would write it: defaults are left out.
func FromDefinition(ctx context.Context, d service.Definition) (m model, diags diag.Diagnostics) {
	written := map[string]any{"name": d.ID.Name(), "environment": d.ID.Environment()}
	if h := d.Platform.Host; h != nil {
		written["platform"] = map[string]any{"host": fromHost(d.ID, *h)}
	}
	if d.Router != nil && d.Router.Caddy != nil {
		c := d.Router.Caddy
		written["router"] = map[string]any{"caddy": map[string]any{
			"share_file": c.ShareFile, "admin": unless(c.Admin, defaultAdmin), "drain_timeout": fromDuration(c.DrainTimeout, defaultDrain.String()),
		}}
	}
	if d.Metrics != nil {
		written["metrics"] = fromMetrics(*d.Metrics)
	}
	if len(d.Notify) > 0 {
		notify := map[string]any{}
		for name, n := range d.Notify {
			entry := map[string]any{"url": n.URL}
			if len(n.On) > 0 {
				entry["on"] = n.On
			}
			notify[name] = entry
		}
		written["notify"] = notify
	}
	encoded, err := json.Marshal(written)
	if err != nil {
		diags.AddError("Provider Defect", "A service's definition cannot be written: "+err.Error()+". Please report it.")
		return m, diags
	}
	var raw tftypes.Value
	if raw, err = arguments.Decode(ctx, resourceSchema(), encoded); err != nil {
		diags.AddError("Provider Defect", "A service's definition cannot be read back: "+err.Error()+". Please report it.")
		return m, diags
	}
	diags.Append(tfsdk.State{Schema: resourceSchema(), Raw: raw}.Get(ctx, &m)...)
	m.ID = types.StringValue(string(d.ID))
	return m, diags
}

func fromMetrics(m service.Metrics) map[string]any {
	metrics := map[string]any{}
	if s := m.Scrape; s != nil {
		metrics["scrape"] = map[string]any{
			"path": unless(s.Path, defaultMetricsPath), "port": unless(s.Port, 0), "requests": unless(s.Requests, defaultRequests),
			"code_label": unless(s.CodeLabel, defaultCodeLabel), "duration": unless(s.Duration, defaultDuration),
			"timeout": fromDuration(s.Timeout, defaultScrapeTimeout.String()),
		}
	}
	if p := m.Prometheus; p != nil {
		prometheus := map[string]any{
			"url": p.URL, "bearer": unless(p.Bearer, ""), "username": unless(p.Username, ""), "password": unless(p.Password, ""),
			"timeout": fromDuration(p.Timeout, defaultQueryTimeout.String()), "preset": unless(p.Preset, ""), "service": unless(p.Service, ""),
			"selector": unless(p.Selector, ""), "code_label": unless(p.CodeLabel, defaultCodeLabel),
		}
		if len(p.Headers) > 0 {
			prometheus["headers"] = p.Headers
		}
		if p.TLS != nil {
			prometheus["tls"] = map[string]any{"ca": unless(p.TLS.CA, ""), "ca_file": unless(p.TLS.CAFile, ""), "server_name": unless(p.TLS.ServerName, "")}
		}
		if p.Queries != nil {
			prometheus["queries"] = map[string]any{
				"requests": unless(p.Queries.Requests, ""), "errors": unless(p.Queries.Errors, ""), "duration_buckets": unless(p.Queries.DurationBuckets, ""),
			}
		}
		metrics["prometheus"] = prometheus
	}
	return metrics
}

func fromHost(id service.ID, h service.HostPlatform) map[string]any {
	slots := map[string]any{}
	for name, slot := range h.Slots {
		if len(slot.Ports) == 1 {
			slots[name] = map[string]any{"port": slot.Ports[0]}
		} else {
			slots[name] = map[string]any{"ports": slices.Clone(slot.Ports)}
		}
	}
	host := map[string]any{
		"directory": unless(h.Directory, defaultDirectory(id)), "address": unless(h.Address, defaultAddress), "slots": slots,
		"drain_timeout": fromDuration(h.DrainTimeout, defaultDrain.String()),
	}
	if h.Log != (service.HostLog{MaxSize: defaultLogSize, MaxFiles: defaultLogFiles}) {
		host["log"] = map[string]any{"max_size": h.Log.MaxSize, "max_files": h.Log.MaxFiles}
	}
	return host
}

// unless is nil, which becomes null, for a default.
func unless[T comparable](value, fallback T) any {
	if value == fallback {
		return nil
	}
	return value
}

func fromDuration(d service.Duration, fallback string) any {
	if d.String() == fallback {
		return nil
	}
	return engine.FormatDuration(d.D())
}
