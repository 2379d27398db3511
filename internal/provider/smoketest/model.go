package smoketest

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/checks"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/stage"
)

type model struct {
	stage.Common
	Checks  types.Map `tfsdk:"checks"`
	Results types.Map `tfsdk:"results"`
}

// toSpec is the engine's form, with the defaults where nothing is written.
func (m model) toSpec(ctx context.Context) (delivery.SmokeTestSpec, diag.Diagnostics) {
	all, diags := checks.ToSpec(ctx, path.Root("checks"), m.Checks)
	return delivery.SmokeTestSpec{Checks: all}, diags
}

func validate(ctx context.Context, m model) diag.Diagnostics {
	diags := checks.Validate(ctx, path.Root("checks"), m.Checks)
	if !m.Checks.IsUnknown() && len(m.Checks.Elements()) == 0 {
		diags.AddAttributeError(path.Root("checks"), "Nothing Checked",
			"A smoke test needs at least one check, such as `home = { http = { path = \"/\" } }`; each has exactly one of http, tcp, command, logs, sql, metric.")
	}
	return diags
}
