// Package checkpoint is the resource deploy_checkpoint, step 2 of a release.
package checkpoint

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
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
		Stage:    service.StageCheckpoint,
		Step:     stage.StepOf(model.toSpec, (*delivery.Procedure).Checkpoint),
		Schema:   resourceSchema,
		Common:   func(m *model) *stage.Common { return &m.Common },
		Service:  func(m *model) types.String { return m.Service },
		Validate: validate,
		Plan:     plan,
		Export:   export,
	}
}

// plan knows the checkpoint's id as soon as the release's, so that the release can be planned with it. Where it will lie
// hangs on the attempt.
func plan(ctx context.Context, p stage.Planning[model]) diag.Diagnostics {
	p.Plan.ID = types.StringUnknown()
	if release := p.Plan.Release; !release.IsUnknown() {
		p.Plan.ID = types.StringValue(delivery.CheckpointID(service.ReleaseID(release.ValueString())))
	}
	if p.ReleaseChanges == stage.Unchanged && !p.ArgumentsChange {
		return nil
	}
	return resolve(ctx, p.Plan.Backups, p.Credentials)
}

// export leaves what was planned as known: then no checkpoint was taken.
func export(m *model, exports delivery.Exports) {
	m.ID = types.StringValue(delivery.CheckpointID(service.ReleaseID(m.Release.ValueString())))
	if m.Location.IsNull() || m.Location.IsUnknown() {
		m.Location = types.StringValue(exports.Location)
	}
	if m.RestoreProcedure.IsNull() || m.RestoreProcedure.IsUnknown() {
		m.RestoreProcedure = types.StringValue(exports.Procedure)
	}
}
