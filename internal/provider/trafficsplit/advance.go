package trafficsplit

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/checks"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/judgement"
)

// advances validates that a value is a way to go on.
type advances struct{}

func (advances) Description(context.Context) string {
	return fmt.Sprintf("one of %q, %q", delivery.AfterPause, delivery.WhenConfident)
}

func (a advances) MarkdownDescription(ctx context.Context) string { return a.Description(ctx) }

// ValidateString stays silent on what is not known yet.
func (a advances) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	switch delivery.Advance(req.ConfigValue.ValueString()) {
	case delivery.AfterPause, delivery.WhenConfident:
		return
	}
	if !req.ConfigValue.IsNull() && !req.ConfigValue.IsUnknown() {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid Value",
			fmt.Sprintf("%q is no way to go on from a step: write %s.", req.ConfigValue.ValueString(), a.Description(ctx)))
	}
}

// validateAdvance refuses to go on when confident where nothing gives confidence.
func validateAdvance(ctx context.Context, m model, diags *diag.Diagnostics) {
	if delivery.Advance(m.Advance.ValueString()) == delivery.WhenConfident && !judgement.MayHaveMargin(ctx, m.Analysis) {
		diags.AddAttributeError(path.Root("advance"), "Invalid Value",
			`With "when_confident" a step ends as soon as it is shown that the release is not worse than stable by more than a margin, and no rule here that decides something has one: `+
				`add analysis = { errors = { margin = 0.05 } }, with versus_stable as it is by default; or write advance = "after_pause".`)
	}
}

// validateChecks refuses an interval of nothing.
func validateChecks(ctx context.Context, m model, diags *diag.Diagnostics) {
	diags.Append(checks.Validate(ctx, path.Root("checks"), m.Checks)...)
	if !m.CheckInterval.IsNull() && !m.CheckInterval.IsUnknown() && !m.Checks.IsUnknown() && len(m.Checks.Elements()) == 0 {
		diags.AddAttributeError(path.Root("check_interval"), "Invalid Value",
			"It says how often checks are repeated, and there are none: add checks, such as `home = { http = { path = \"/\" } }`, or remove it.")
	}
}
