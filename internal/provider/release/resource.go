// Package release is step 3 of a release, execute: the resource and the data source deploy_release.
package release

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/stage"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// New makes the resource.
func New() resource.Resource { return stage.New(kind())() }

func kind() stage.Kind[model] {
	return stage.Kind[model]{
		Stage:      service.StageRelease,
		Step:       stage.StepOf(model.toSpec, (*delivery.Procedure).Execute),
		Schema:     resourceSchema,
		Common:     func(m *model) *stage.Common { return &m.Common },
		Service:    func(m *model) types.String { return m.Service },
		Validate:   validate,
		Target:     func(ctx context.Context, m model) (types.String, diag.Diagnostics) { return m.target(ctx) },
		Plan:       plan,
		Rerun:      rerun,
		Export:     export,
		Recorded:   recorded,
		Refresh:    refresh,
		PlanDelete: planDelete,
		Delete: func(ctx context.Context, p *delivery.Procedure, owner string) error {
			return p.StopRelease(ctx, owner)
		},
		WarnUnreachable: true,
	}
}

func export(m *model, exports delivery.Exports) {
	m.Mode = types.StringValue(string(exports.Mode))
	m.Replaces = orNull(exports.Replaces)
	m.Slot = types.StringValue(exports.Slot)
	m.Interrupts = types.BoolValue(false)
	m.Instances = types.MapValueMust(types.StringType, map[string]attr.Value{})
}

// recorded lays over what follows from the placement, and from the service's slots.
func recorded(m *model, view ledger.View, prior *model) {
	record, found := view.State.Releases[service.ReleaseID(m.Release.ValueString())]
	if found {
		elements := make(map[string]attr.Value, len(record.Placement.Instances))
		for _, instance := range record.Placement.Instances {
			elements[instance.Name] = m.Release
		}
		m.Instances = types.MapValueMust(types.StringType, elements)
	}
	if prior != nil {
		m.Interrupts = prior.Interrupts
		return
	}
	if d := view.State.Definition; d != nil && d.Platform.Host != nil {
		m.Interrupts = types.BoolValue(len(d.Platform.Host.Slots) == 1 && !m.Replaces.IsNull())
	}
}

// refresh lays over what each instance runs right now. Of stable, beside a candidate, it shows those that are gone.
func refresh(m *model, refreshed delivery.Refreshed, _ *stage.Facts) {
	elements := make(map[string]attr.Value, len(refreshed.Snapshot.Instances))
	for _, instance := range refreshed.Snapshot.Instances {
		runs := ""
		// One that is being stopped is gone in a moment; one that nobody looks after would not be started again.
		if instance.Stays(instance.Release) && !instance.Unsupervised {
			runs = string(instance.Release)
		}
		elements[instance.Name] = types.StringValue(runs)
	}
	for _, instance := range refreshed.Gone {
		elements[instance.Name] = types.StringValue("")
	}
	if len(elements) > 0 {
		m.Instances = types.MapValueMust(types.StringType, elements)
	}
}
