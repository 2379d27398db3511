// Package trafficsplit is the resource deploy_traffic_split, step 5 of a release.
package trafficsplit

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/stage"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// New makes the resource.
func New() resource.Resource { return stage.New(kind())() }

func kind() stage.Kind[model] {
	return stage.Kind[model]{
		Stage:    service.StageTrafficSplit,
		Step:     stage.StepOf(model.toSpec, (*delivery.Procedure).Shift),
		Schema:   resourceSchema,
		Common:   func(m *model) *stage.Common { return &m.Common },
		Service:  func(m *model) types.String { return stage.ServiceOf(m.Release) },
		Validate: validate,
		Plan:     plan,
		Rerun:    rerun,
		Export:   export,
		Recorded: recorded,
		Refresh:  refresh,
		// A candidate goes back to 0 first.
		Delete: func(ctx context.Context, p *delivery.Procedure, owner string) error { return p.Withdraw(ctx, owner) },
	}
}
