package service

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/engine"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/private"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// ModifyPlan knows the id from name and environment, and the status from what the apply is there for.
func (r *serviceResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	diags := &resp.Diagnostics
	defer diagnostics.NamePaths(diags)
	if req.Plan.Raw.IsNull() {
		return // Whether a release is destroyed before it shows at apply: then the procedure refuses.
	}
	kept, more := private.Read[facts](ctx, req.Private)
	diags.Append(more...)
	var plan model
	diags.Append(req.Plan.Get(ctx, &plan)...)
	var prior *model
	if !req.State.Raw.IsNull() {
		prior = &model{}
		diags.Append(req.State.Get(ctx, prior)...)
	}
	if diags.HasError() {
		return
	}
	plan.ID, plan.Status, plan.StoreID = plan.id(), types.StringValue(statusReady), types.StringUnknown()
	if prior != nil {
		plan.StoreID = prior.StoreID
		if replaced := r.planReplacement(ctx, plan, *prior, kept, diags); len(replaced) > 0 {
			resp.RequiresReplace = append(resp.RequiresReplace, replaced...)
			plan.StoreID = types.StringUnknown()
			diags.Append(resp.Plan.Set(ctx, plan)...)
			return
		}
	}
	plan.validateCredentials(ctx, r.engine.Credentials(), diags)
	r.refuse(ctx, plan, prior, kept, diags)
	if !diags.HasError() {
		diags.Append(resp.Plan.Set(ctx, plan)...)
	}
}

// planReplacement tells what makes another service of it, and refuses that while a release runs. What is not known yet may
// turn out the same.
func (r *serviceResource) planReplacement(ctx context.Context, plan, prior model, kept facts, diags *diag.Diagnostics) path.Paths {
	var paths path.Paths
	if !plan.Name.IsUnknown() && !plan.Name.Equal(prior.Name) {
		paths.Append(path.Root("name"))
	}
	if !plan.Environment.IsUnknown() && !plan.Environment.Equal(prior.Environment) {
		paths.Append(path.Root("environment"))
	}
	if len(paths) == 0 || !r.engine.Known() {
		return paths
	}
	id := service.ID(prior.ID.ValueString())
	if view, ok := r.read(ctx, id, kept, diags); ok {
		refuseInUse(id, view, paths[0], diags)
	}
	return paths
}

func refuseInUse(id service.ID, view ledger.View, at path.Path, diags *diag.Diagnostics) {
	if view.State.Stable == "" && view.State.OpenAttempt() == nil {
		return
	}
	runs := string(view.State.Stable)
	if runs == "" {
		runs = string(view.State.OpenAttempt().Release)
	}
	diags.AddAttributeError(at, "Service In Use", fmt.Sprintf(
		"%s would be replaced, and %s runs. Nothing was changed.\n\nNext: destroy its deploy_release first, with deletion_protection = false; or keep name and environment, and declare the other service beside this one.", id, runs))
}

// refuse tells what the ledger, and the rest of the plan, have against it.
func (r *serviceResource) refuse(ctx context.Context, plan model, prior *model, kept facts, diags *diag.Diagnostics) {
	if plan.ID.IsUnknown() {
		return
	}
	id := service.ID(plan.ID.ValueString())
	replacing := prior == nil && kept.Owner != ""
	if err := r.engine.DeclareService(id, engine.Declaration{Existing: prior != nil, Replacing: replacing}); err != nil {
		diagnostics.AddError(ctx, diags, resourceSchema().Type(), "Invalid Plan", err)
		return
	}
	definition, more := plan.ToDefinition(ctx)
	known := plan.known(ctx) && !more.HasError()
	if known {
		r.engine.DeclareDefinition(definition)
	}
	if !r.engine.Known() {
		return
	}
	view, ok := r.read(ctx, id, kept, diags)
	if !ok {
		return
	}
	if known {
		defer func() {
			if !diags.HasError() {
				r.warnUnready(ctx, definition, &view, diags)
				r.warnRouter(ctx, definition, view, diags)
			}
		}()
	}
	if prior != nil {
		if known {
			refuseMoved(ctx, id, definition, view.State, diags)
			r.refuseExisting(ctx, definition, view.State, diags)
		}
		return
	}
	if replacing {
		refuseInUse(id, view, path.Root("name"), diags)
		return
	}
	r.refuseManaged(id, view, diags)
}

// refuseManaged refuses to create what somebody else has, unless a create passed and only its answer was lost.
func (r *serviceResource) refuseManaged(id service.ID, view ledger.View, diags *diag.Diagnostics) {
	state := &view.State
	if state.Definition == nil || state.Retired || state.Owner == "" || state.DefinedRun == r.engine.RunID() || view.DefinitionLost() {
		return
	}
	diags.AddAttributeError(path.Root("name"), "Service Already Managed", fmt.Sprintf(
		"%s is managed by another resource or configuration. Nothing was changed.\n\n"+
			"Next: import it, `terraform import deploy_service.<name> %s`; remove it from the other configuration first; or choose another name or environment.", id, id))
}
