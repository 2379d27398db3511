package preflight

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/checks"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/content"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/stage"
)

// defaultValidFor is how long a preflight is good where nothing is written.
const defaultValidFor = time.Hour

type model struct {
	stage.Common
	Service  types.String `tfsdk:"service"`
	Content  types.Object `tfsdk:"content"`
	Checks   types.Map    `tfsdk:"checks"`
	Requires types.Object `tfsdk:"requires"`
	Window   types.Object `tfsdk:"window"`
	Override types.Object `tfsdk:"override"`
	ValidFor types.String `tfsdk:"valid_for"`
	Results  types.Map    `tfsdk:"results"`
}

type requiresModel struct {
	Config   types.List `tfsdk:"config"`
	Services types.Map  `tfsdk:"services"`
}

type windowModel struct {
	Allow    types.List   `tfsdk:"allow"`
	Timezone types.String `tfsdk:"timezone"`
	Freezes  types.List   `tfsdk:"freezes"`
}

type overrideModel struct {
	Skip   types.List   `tfsdk:"skip"`
	Reason types.String `tfsdk:"reason"`
}

// toSpec is the engine's form, with the defaults where nothing is written.
func (m model) toSpec(ctx context.Context) (delivery.PreflightSpec, diag.Diagnostics) {
	spec, diags := delivery.PreflightSpec{}, diag.Diagnostics{}
	var failures diag.Diagnostics
	spec.Checks, failures = checks.ToSpec(ctx, path.Root("checks"), m.Checks)
	diags.Append(failures...)
	spec.ValidFor = duration.ToDuration(m.ValidFor, defaultValidFor, path.Root("valid_for"), &diags)
	if c, known, more := content.ToContent(ctx, m.Content); known {
		diags.Append(more...)
		spec.Content = &c
	}
	if requires, found := plain.Object[requiresModel](ctx, m.Requires, &diags); found {
		spec.RequireConfig, spec.RequireServices = plain.Strings(requires.Config), plain.StringMap(requires.Services)
	}
	if window, found := plain.Object[windowModel](ctx, m.Window, &diags); found {
		spec.Window = &delivery.Window{
			Allow: plain.Strings(window.Allow), Timezone: window.Timezone.ValueString(), Freezes: plain.Strings(window.Freezes),
		}
	}
	if override, found := plain.Object[overrideModel](ctx, m.Override, &diags); found {
		spec.Override = &delivery.Override{Skip: plain.Strings(override.Skip), Reason: override.Reason.ValueString()}
	}
	return spec, diags
}
