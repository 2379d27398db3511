// Package verification is the resource deploy_verification, step 6 of a release.
package verification

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/capable"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/checks"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/judgement"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/stage"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// New makes the resource.
func New() resource.Resource { return stage.New(kind())() }

func kind() stage.Kind[model] {
	return stage.Kind[model]{
		Stage:    service.StageVerification,
		Step:     stage.StepOf(model.toSpec, (*delivery.Procedure).Verify),
		Schema:   resourceSchema,
		Common:   func(m *model) *stage.Common { return &m.Common },
		Service:  func(m *model) types.String { return stage.ServiceOf(m.Release) },
		Validate: validate,
		Plan:     plan,
		Export: func(m *model, exports delivery.Exports) {
			m.Results = checks.Results(m.Results, exports.Results)
			m.Judgement = m.toJudgement(context.Background())
		},
	}
}

// plan refuses checks that could not be run, and an analysis of nothing, and says what the judgement takes.
func plan(ctx context.Context, p stage.Planning[model]) diag.Diagnostics {
	if p.ReleaseChanges == stage.Unchanged && !p.ArgumentsChange {
		return nil
	}
	diags := checks.Resolve(ctx, path.Root("checks"), p.Plan.Checks, p.Credentials, capable.Metrics(p.View))
	diags.Append(judgement.Resolve(ctx, path.Root("analysis"), p.Plan.Analysis, p.View)...)
	if !diags.HasError() && p.Mode != service.ModeRollback {
		diags.Append(judgement.Survey(ctx, path.Root("analysis"), p.Plan.Analysis, p.Survey)...)
	}
	p.Plan.Judgement = p.Plan.toJudgement(ctx)
	return diags
}
