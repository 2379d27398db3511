package verification

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/checks"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/judgement"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/stage"
)

type model struct {
	stage.Common
	Checks    types.Map    `tfsdk:"checks"`
	Analysis  types.Object `tfsdk:"analysis"`
	Duration  types.String `tfsdk:"duration"`
	Judgement types.List   `tfsdk:"judgement"`
	Results   types.Map    `tfsdk:"results"`
}

// toSpec is the engine's form, with the defaults where nothing is written. No duration is 0: the judgement ends with its
// minimum of requests.
func (m model) toSpec(ctx context.Context) (delivery.VerificationSpec, diag.Diagnostics) {
	all, diags := checks.ToSpec(ctx, path.Root("checks"), m.Checks)
	analysis, failures := judgement.ToSpec(ctx, path.Root("analysis"), m.Analysis)
	diags.Append(failures...)
	return delivery.VerificationSpec{
		Checks:   all,
		Analysis: analysis,
		Duration: duration.ToDuration(m.Duration, 0, path.Root("duration"), &diags),
	}, diags
}

// toJudgement is what the arguments come to for a reader; unknown while they are.
func (m model) toJudgement(ctx context.Context) types.List {
	spec, diags := m.toSpec(ctx)
	if !m.Analysis.IsNull() && !plain.IsKnown(ctx, m.Analysis) || m.Duration.IsUnknown() || diags.HasError() {
		return types.ListUnknown(types.StringType)
	}
	return judgement.VerificationLines(spec)
}

func validate(ctx context.Context, m model) diag.Diagnostics {
	diags := checks.Validate(ctx, path.Root("checks"), m.Checks)
	diags.Append(judgement.Validate(ctx, path.Root("analysis"), m.Analysis)...)
	if !m.Checks.IsUnknown() && len(m.Checks.Elements()) == 0 && m.Analysis.IsNull() {
		diags.AddError("Nothing Verified", "A verification needs at least one of checks, analysis: `analysis = { errors = {} }` compares the share of errors with the stable release's.")
	}
	if m.Analysis.IsNull() && !m.Duration.IsNull() && !m.Duration.IsUnknown() {
		diags.AddAttributeError(path.Root("duration"), "Invalid Value", "It says how long analysis judges, and there is none: add `analysis = { errors = {} }`, or remove the duration.")
	}
	return diags
}
