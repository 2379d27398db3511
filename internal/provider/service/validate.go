package service

import (
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/connect"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/choice"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const invalid = "Invalid Value"

// What there is to choose from.
var (
	platforms = choice.Of{Names: []string{"host", "kubernetes"}, ToCome: []string{"kubernetes"}}
	routers   = choice.Of{Names: []string{"caddy", "haproxy", "gateway_api"}, ToCome: []string{"gateway_api"}}
	sources   = choice.Of{Names: []string{"scrape", "haproxy", "prometheus"}}
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
	if host, found := m.host(ctx, &diags); found {
		host.validate(ctx, &diags)
	}
	m.validateHAProxy(ctx, &diags)
	m.validateMetrics(ctx, &diags)
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
