// Package finalization is the resource deploy_finalization, step 7 of a release.
package finalization

import (
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/stage"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// New makes the resource.
func New() resource.Resource { return stage.New(kind())() }

// kind has no plan of its own: finalized and finalized_at are unknown whenever the release changes, also for a rollback, and
// keep their values else, which is what the frame does.
func kind() stage.Kind[model] {
	return stage.Kind[model]{
		Stage:   service.StageFinalization,
		Step:    stage.StepOf(model.toSpec, (*delivery.Procedure).Finalize),
		Schema:  resourceSchema,
		Common:  func(m *model) *stage.Common { return &m.Common },
		Service: func(m *model) types.String { return stage.ServiceOf(m.Release) },
		Export:  export,
	}
}
