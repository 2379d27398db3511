package stage

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
)

// Step is a stage's part of the procedure: what it does, and for how long at most.
type Step[M any] struct {
	// WorstCase of the stage for a release that is introduced under these circumstances. Only asked where all arguments (but `checkpoint`) are
	// known.
	WorstCase func(ctx context.Context, plan M, c delivery.Circumstances) (time.Duration, diag.Diagnostics)
	// Run does the stage's work: on create, where the release changes, and where Rerun says so.
	Run func(ctx context.Context, p *delivery.Procedure, request delivery.Request, plan *M) (delivery.Outcome, error)
	// Spec of the stage (delivery.SmokeTestSpec, …), recorded with changed arguments.
	Spec func(ctx context.Context, plan M) (any, error)
}

// StepOf is the step of the procedure that takes the specification which a model makes.
func StepOf[M any, S interface {
	WorstCase(c delivery.Circumstances) time.Duration
}](
	toSpec func(M, context.Context) (S, diag.Diagnostics),
	run func(*delivery.Procedure, context.Context, delivery.Request, S) (delivery.Outcome, error),
) Step[M] {
	return Step[M]{
		WorstCase: func(ctx context.Context, plan M, c delivery.Circumstances) (time.Duration, diag.Diagnostics) {
			spec, diags := toSpec(plan, ctx)
			return spec.WorstCase(c), diags
		},
		Run: func(ctx context.Context, p *delivery.Procedure, request delivery.Request, plan *M) (delivery.Outcome, error) {
			spec, diags := toSpec(*plan, ctx)
			if err := diagnostics.AsError(diags); err != nil {
				return delivery.Outcome{}, err
			}
			return run(p, ctx, request, spec)
		},
		Spec: func(ctx context.Context, plan M) (any, error) {
			spec, diags := toSpec(plan, ctx)
			return spec, diagnostics.AsError(diags)
		},
	}
}
