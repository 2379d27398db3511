package service

import (
	"context"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/connect"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/choice"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const invalid = "Invalid Value"

// What there is to choose from.
var (
	platforms = choice.Of{Names: []string{"host", "kubernetes"}, ToCome: []string{"kubernetes"}}
	routers   = choice.Of{Names: []string{"caddy", "haproxy", "gateway_api"}, ToCome: []string{"haproxy", "gateway_api"}}
	sources   = choice.Of{Names: []string{"scrape", "haproxy", "prometheus"}, ToCome: []string{"haproxy"}}
)

// validate decides what the configuration alone can tell; it is silent on what is not known yet.
func (m model) validate(ctx context.Context) diag.Diagnostics {
	var diags diag.Diagnostics
	for name, value := range map[string]types.String{"name": m.Name, "environment": m.Environment} {
		if value.IsNull() || value.IsUnknown() {
			continue
		}
		if err := service.ValidateName(value.ValueString()); err != nil {
			diags.AddAttributeError(path.Root(name), invalid, diagnostics.Sentence(err.Error()))
		}
	}
	platforms.ExactlyOne(path.Root("platform"), m.Platform, &diags)
	routers.ExactlyOne(path.Root("router"), m.Router, &diags)
	sources.AtLeastOne(path.Root("metrics"), m.Metrics, &diags)
	m.validateSlots(ctx, &diags)
	m.validateNotify(ctx, &diags)
	if diags.HasError() || m.Platform.IsNull() { // Which the schema refuses.
		return diags
	}
	definition, more := m.ToDefinition(ctx)
	diags.Append(more...)
	if diags.HasError() {
		return diags
	}
	diags.Append(m.located(ctx, first(connect.Validate(definition)))...)
	return diags
}

// first leaves out what is wrong with the router where something is wrong with the platform, whose slots it splits between.
func first(problems []service.Problem) []service.Problem {
	below := func(root string) func(service.Problem) bool {
		return func(p service.Problem) bool { return len(p.Path) > 0 && p.Path[0] == root }
	}
	if slices.ContainsFunc(problems, below("platform")) {
		return slices.DeleteFunc(problems, below("router"))
	}
	return problems
}

// located puts problems of the definition where they belong. Those below something that is not known yet say nothing.
func (m model) located(ctx context.Context, problems []service.Problem) diag.Diagnostics {
	s := resourceSchema()
	state := tfsdk.State{Schema: s}
	diags := state.Set(ctx, m)
	if diags.HasError() {
		return diags
	}
	value, err := s.Type().ValueFromTerraform(ctx, state.Raw)
	if err != nil {
		diags.AddError("Provider Defect", err.Error())
		return diags
	}
	diags.Append(diagnostics.Located(ctx, path.Empty(), value, problems)...)
	return diags
}

// validateSlots sees to it that each slot says its port in one way.
func (m model) validateSlots(ctx context.Context, diags *diag.Diagnostics) {
	platform, found := plain.Object[platformModel](ctx, m.Platform, diags)
	if !found {
		return
	}
	host, found := plain.Object[hostModel](ctx, platform.Host, diags)
	if !found {
		return
	}
	for name, value := range host.Slots.Elements() {
		at := path.Root("platform").AtName("host").AtName("slots").AtMapKey(name)
		if value.IsNull() {
			diags.AddAttributeError(at, invalid, "A slot needs exactly one of port (of the only instance), ports (of several); remove it where none is wanted.")
			continue
		}
		slot, found := element[slotModel](ctx, value, diags)
		if !found || slot.Port.IsUnknown() || slot.Ports.IsUnknown() || slot.Port.IsNull() != slot.Ports.IsNull() {
			continue
		}
		diags.AddAttributeError(at, "Exactly One Needed",
			"Set exactly one of: port (of the only instance), ports (of several).")
	}
}

// validateNotify refuses channels that are nothing, or are told nothing.
func (m model) validateNotify(ctx context.Context, diags *diag.Diagnostics) {
	for name, value := range m.Notify.Elements() {
		at := path.Root("notify").AtMapKey(name)
		if value.IsNull() {
			diags.AddAttributeError(at, invalid, "A channel needs its url; remove it where none is wanted.")
			continue
		}
		n, found := element[notificationModel](ctx, value, diags)
		if found && !n.On.IsNull() && !n.On.IsUnknown() && len(n.On.Elements()) == 0 {
			diags.AddAttributeError(at.AtName("on"), invalid, "It is told nothing: write any of started, succeeded, rolled_back, restore_failed; or leave `on` out, which is all of them.")
		}
	}
}

// validateCredentials refuses names that the provider does not have.
func (m model) validateCredentials(ctx context.Context, lookup diagnostics.Lookup, diags *diag.Diagnostics) {
	if metrics, found := plain.Object[metricsModel](ctx, m.Metrics, diags); found {
		if prometheus, found := plain.Object[prometheusModel](ctx, metrics.Prometheus, diags); found {
			for attribute, name := range map[string]types.String{"bearer": prometheus.Bearer, "password": prometheus.Password} {
				if !name.IsNull() && !name.IsUnknown() {
					diagnostics.Credential(lookup, path.Root("metrics").AtName("prometheus").AtName(attribute), name.ValueString(), diags)
				}
			}
		}
	}
	for name, value := range m.Notify.Elements() {
		n, found := element[notificationModel](ctx, value, diags)
		if !found || n.URL.IsNull() || n.URL.IsUnknown() || strings.Contains(n.URL.ValueString(), "://") {
			continue
		}
		diagnostics.Credential(lookup, path.Root("notify").AtMapKey(name).AtName("url"), n.URL.ValueString(), diags)
	}
}
