package service

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/arguments"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/private"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func (r *serviceResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	kept, ok := r.define(ctx, &plan, req.Plan.Raw, facts{}, true, &resp.Diagnostics)
	if !ok {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
	resp.Diagnostics.Append(private.Write(ctx, resp.Private, kept)...)
}

// Update records the definition. What an earlier run left in the middle is recovered first, whatever the HCL now says.
func (r *serviceResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	kept, diags := private.Read[facts](ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	var plan model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	kept, ok := r.define(ctx, &plan, req.Plan.Raw, kept, false, &resp.Diagnostics)
	if !ok {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
	resp.Diagnostics.Append(private.Write(ctx, resp.Private, kept)...)
}

func (r *serviceResource) define(ctx context.Context, plan *model, raw tftypes.Value, kept facts, create bool, diags *diag.Diagnostics) (facts, bool) {
	definition, more := plan.ToDefinition(ctx)
	diags.Append(more...)
	if diags.HasError() {
		return kept, false
	}
	storeID, err := r.engine.EstablishStore(ctx)
	if err != nil {
		diagnostics.AddError(ctx, diags, nil, "Store Not Writable", err)
		return kept, false
	}
	p := r.procedure(ctx, definition.ID, diags)
	if p == nil {
		return kept, false
	}
	written, err := arguments.Encode(resourceSchema(), raw)
	if err != nil {
		diagnostics.AddError(ctx, diags, nil, "Provider Defect", err)
		return kept, false
	}
	outcome, err := p.Define(ctx, delivery.DefineRequest{Definition: definition, Create: create, Owner: kept.Owner, Arguments: written})
	if err != nil {
		diagnostics.AddError(ctx, diags, resourceSchema().Type(), "Service Not Defined", err)
		return kept, false
	}
	diagnostics.AddWarnings(diags, outcome.Warnings)
	if plan.StoreID.IsUnknown() {
		plan.StoreID = types.StringValue(storeID)
	}
	return facts{StoreID: storeID, Owner: outcome.Owner}, true
}

// Read keeps what the user wrote as long as the ledger means the same by it.
func (r *serviceResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	if !r.engine.Known() {
		return // Nothing can be asked yet: the state stays as it is.
	}
	diags := &resp.Diagnostics
	kept, more := private.Read[facts](ctx, req.Private)
	diags.Append(more...)
	var state model
	diags.Append(req.State.Get(ctx, &state)...)
	if diags.HasError() {
		return
	}
	id := service.ID(state.ID.ValueString())
	kept.StoreID = state.StoreID.ValueString()
	view, ok := r.read(ctx, id, kept, diags)
	if !ok {
		return
	}
	if view.State.AdoptedFrom != "" && view.State.AdoptedFrom == kept.StoreID {
		var err error
		if kept.StoreID, err = r.engine.StoreID(ctx); err != nil {
			diagnostics.AddError(ctx, diags, nil, "Store Not Readable", err)
			return
		}
		state.StoreID = types.StringValue(kept.StoreID)
	}
	if kept.Owner == "" {
		// Terraform drops the private part of a state when a provider dies in the middle of a change.
		kept.Owner = view.State.Owner
	}
	if view.State.Definition == nil || view.State.Retired {
		resp.State.RemoveResource(ctx)
		return
	}
	if !same(ctx, state, *view.State.Definition) {
		storeID := state.StoreID
		state, more = written(ctx, view.State)
		diags.Append(more...)
		state.StoreID = storeID
	}
	state.Status = types.StringValue(statusOf(view))
	diags.Append(resp.State.Set(ctx, state)...)
	diags.Append(private.Write(ctx, resp.Private, kept)...)
}

// written is the service as its user wrote it, which the ledger keeps; where that is not known, or means something else than
// the definition (which operators' commands make, too), as a user would write it.
func written(ctx context.Context, state ledger.State) (model, diag.Diagnostics) {
	if len(state.Arguments) > 0 {
		var m model
		raw, err := arguments.Decode(ctx, resourceSchema(), state.Arguments)
		if err == nil && !(tfsdk.State{Schema: resourceSchema(), Raw: raw}).Get(ctx, &m).HasError() && same(ctx, m, *state.Definition) {
			m.ID = types.StringValue(string(state.Definition.ID))
			return m, nil
		}
	}
	return FromDefinition(ctx, *state.Definition)
}

func same(ctx context.Context, m model, d service.Definition) bool {
	written, diags := m.ToDefinition(ctx)
	if diags.HasError() {
		return false
	}
	a, errA := json.Marshal(written)
	b, errB := json.Marshal(d)
	return errA == nil && errB == nil && string(a) == string(b)
}

func (r *serviceResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	kept, diags := private.Read[facts](ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if p := r.procedure(ctx, service.ID(state.ID.ValueString()), &resp.Diagnostics); p != nil {
		if err := p.Retire(ctx, kept.Owner); err != nil {
			diagnostics.AddError(ctx, &resp.Diagnostics, resourceSchema().Type(), "Service Not Retired", err)
		}
	}
}

// ImportState takes a service over by its id, with the owner's token that the ledger has.
func (r *serviceResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	diags := &resp.Diagnostics
	id, err := service.ParseID(req.ID)
	if err != nil {
		diags.AddError("Invalid Import Id", diagnostics.Sentence(err.Error()))
		return
	}
	view, ok := r.read(ctx, id, facts{}, diags)
	if !ok {
		return
	}
	if view.State.Definition == nil || view.State.Retired {
		diags.AddError("Nothing To Import", fmt.Sprintf("The store has no ledger of a service %s, or it is retired. Correct the id or the provider's store, or create the service.", id))
		return
	}
	storeID, err := r.engine.StoreID(ctx)
	if err != nil {
		diagnostics.AddError(ctx, diags, nil, "Store Not Readable", err)
		return
	}
	state, more := written(ctx, view.State)
	diags.Append(more...)
	state.Status, state.StoreID = types.StringValue(statusOf(view)), types.StringValue(storeID)
	if diags.HasError() {
		return
	}
	diags.Append(resp.State.Set(ctx, state)...)
	diags.Append(private.Write(ctx, resp.Private, facts{StoreID: storeID, Owner: view.State.Owner})...)
}
