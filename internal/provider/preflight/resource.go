// Package preflight is the resource deploy_preflight, step 1 of a release: prepare.
package preflight

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/capable"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/checks"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/stage"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// New makes the resource.
func New() resource.Resource { return stage.New(kind())() }

func kind() stage.Kind[model] {
	return stage.Kind[model]{
		Stage:    service.StagePreflight,
		Step:     stage.StepOf(model.toSpec, (*delivery.Procedure).Preflight),
		Schema:   resourceSchema,
		Common:   func(m *model) *stage.Common { return &m.Common },
		Service:  func(m *model) types.String { return m.Service },
		Validate: validate,
		Plan:     plan,
		Export: func(m *model, exports delivery.Exports) {
			m.Results = checks.Results(m.Results, exports.Results)
		},
	}
}

// plan refuses what the preflight could not do, and says loudly what it skips.
func plan(ctx context.Context, p stage.Planning[model]) diag.Diagnostics {
	var diags diag.Diagnostics
	if p.ReleaseChanges == stage.Unchanged && !p.ArgumentsChange {
		return diags
	}
	spec, failures := p.Plan.toSpec(ctx)
	diags.Append(failures...)
	diags.Append(checks.Resolve(ctx, path.Root("checks"), p.Plan.Checks, p.Credentials, capable.Metrics(p.View))...)
	if spec.Override != nil && p.ReleaseChanges != stage.Unchanged && p.Mode != service.ModeRollback {
		p.Warn("Preflight Overridden", fmt.Sprintf("The preflight of %s skips %s, because: %s",
			p.Plan.Release.ValueString(), strings.Join(spec.Override.Skip, ", "), spec.Override.Reason))
	}
	return diags
}
