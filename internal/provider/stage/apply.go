package stage

import (
	"context"
	"encoding/json"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/arguments"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/private"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Create runs the stage. A stage that fails leaves nothing in the state: the procedure has put everything back, and
// what could not be put back is in the ledger.
func (r *Resource[M]) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	a := r.applying(ctx, req.Plan, &resp.Diagnostics)
	if a == nil {
		return
	}
	a.request.Create = true
	outcome, err := r.kind.Run(ctx, a.procedure, a.request, &a.plan)
	if err != nil {
		r.failed(ctx, &resp.Diagnostics, "Failed", err)
		return
	}
	raw, facts := r.passed(ctx, a, outcome, nil, &resp.Diagnostics)
	resp.State.Raw = raw
	resp.Diagnostics.Append(private.Write(ctx, resp.Private, facts)...)
}

// Update runs the stage for another release, or records what else changed. When it fails the prior state stays.
func (r *Resource[M]) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	facts, diags := private.Read[Facts](ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	a := r.applying(ctx, req.Plan, &resp.Diagnostics)
	if a == nil || resp.Diagnostics.HasError() {
		return
	}
	prior := r.model(ctx, req.State.Raw, &resp.Diagnostics)
	moved := !r.kind.Service(&prior).Equal(r.kind.Service(&a.plan))
	if moved {
		a.request.Create = true
	} else {
		a.request.Owner, a.request.Seen = facts.Owner, facts.Seen
		a.request.PriorAttempt = int(r.kind.Common(&prior).Attempt.ValueInt64())
	}
	outcome, err := r.update(ctx, a, prior, moved)
	if err != nil {
		r.failed(ctx, &resp.Diagnostics, "Failed", err)
		return
	}
	if moved {
		r.leave(ctx, prior, facts, &resp.Diagnostics)
	}
	raw, facts := r.passed(ctx, a, outcome, &prior, &resp.Diagnostics)
	resp.State.Raw = raw
	resp.Diagnostics.Append(private.Write(ctx, resp.Private, facts)...)
}

func (r *Resource[M]) update(ctx context.Context, a *applying[M], prior M, moved bool) (delivery.Outcome, error) {
	same := r.kind.Common(&prior).Release.Equal(r.kind.Common(&a.plan).Release)
	if moved || !same || r.kind.Rerun(prior, a.plan) {
		return r.kind.Run(ctx, a.procedure, a.request, &a.plan)
	}
	return r.changeArguments(ctx, a)
}

// changeArguments records arguments, and deploys nothing: what the stage exported stays.
func (r *Resource[M]) changeArguments(ctx context.Context, a *applying[M]) (delivery.Outcome, error) {
	spec, err := r.kind.Spec(ctx, a.plan)
	if err != nil {
		return delivery.Outcome{}, err
	}
	view, err := a.procedure.Read(ctx)
	if err != nil {
		return delivery.Outcome{}, err
	}
	var exports delivery.Exports
	if passage := view.Standing(r.kind.Stage); passage != nil {
		if err := json.Unmarshal(passage.Exports, &exports); err != nil {
			return delivery.Outcome{}, err
		}
	}
	exports.WorstCase = service.Duration(a.request.WorstCase)
	return a.procedure.ChangeArguments(ctx, r.kind.Stage, a.request, spec, exports)
}

// leave ends the object at the service that it belonged to before. It is not what the user is after, so it only warns.
func (r *Resource[M]) leave(ctx context.Context, prior M, facts Facts, diags *diag.Diagnostics) {
	if p := r.procedure(ctx, &prior, diags); p != nil {
		if err := r.kind.Delete(ctx, p, facts.Owner); err != nil {
			diags.AddWarning("Stage Not Forgotten", "At "+r.kind.Service(&prior).ValueString()+", which it belonged to before, the stage could not be forgotten: "+err.Error())
		}
	}
}

// Delete ends the object.
func (r *Resource[M]) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	facts, diags := private.Read[Facts](ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	prior := r.model(ctx, req.State.Raw, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	if p := r.procedure(ctx, &prior, &resp.Diagnostics); p != nil {
		if err := r.kind.Delete(ctx, p, facts.Owner); err != nil {
			r.failed(ctx, &resp.Diagnostics, "Not Removed", err)
		}
	}
}

// applying is one create or update under way.
type applying[M any] struct {
	planRaw   attributes
	plan      M
	procedure *delivery.Procedure
	request   delivery.Request
}

func (r *Resource[M]) applying(ctx context.Context, plan tfsdk.Plan, diags *diag.Diagnostics) *applying[M] {
	s := r.kind.Schema()
	a := &applying[M]{planRaw: attributesOf(plan.Raw, diags), plan: r.model(ctx, plan.Raw, diags)}
	if diags.HasError() {
		return nil
	}
	encoded, err := arguments.Encode(s, plan.Raw)
	if err != nil {
		diagnostics.AddError(ctx, diags, nil, "Provider Defect", err)
		return nil
	}
	worst, err := time.ParseDuration(r.kind.Common(&a.plan).WorstCase.ValueString())
	if err != nil {
		diags.AddError("Provider Defect", "The plan does not say how long the stage may take. Please report it.")
		return nil
	}
	a.request = delivery.Request{
		Release: service.ReleaseID(r.kind.Common(&a.plan).Release.ValueString()), Arguments: encoded, WorstCase: worst,
	}
	if a.procedure = r.procedure(ctx, &a.plan, diags); a.procedure == nil {
		return nil
	}
	return a
}

// passed is the state and the facts after a stage that passed. What the plan promised stays as promised: should the
// world have come out otherwise, the next refresh says so.
func (r *Resource[M]) passed(ctx context.Context, a *applying[M], outcome delivery.Outcome, prior *M, diags *diag.Diagnostics) (tftypes.Value, Facts) {
	diagnostics.AddWarnings(diags, outcome.Warnings)
	m, s := a.plan, r.kind.Schema()
	common := r.kind.Common(&m)
	common.Attempt = types.Int64Value(int64(outcome.Attempt))
	r.kind.Export(&m, outcome.Exports)
	if prior != nil && !r.kind.Common(prior).Attempt.Equal(common.Attempt) {
		prior = nil
	}
	facts := r.factsAfter(ctx, a, outcome, &m, prior, diags)
	state := attributes{}
	exported := attributesOf(r.raw(ctx, m, diags), diags)
	for name, planned := range a.planRaw {
		state[name] = planned
		if !planned.IsFullyKnown() {
			state[name] = exported[name]
		}
	}
	return state.value(ctx, s), facts
}

// factsTimeout bounds the look at the ledger after a stage; it is done even where the apply was just interrupted.
const factsTimeout = 10 * time.Second

func (r *Resource[M]) factsAfter(ctx context.Context, a *applying[M], outcome delivery.Outcome, m, prior *M, diags *diag.Diagnostics) Facts {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), factsTimeout)
	defer cancel()
	facts := Facts{Owner: outcome.Owner, Seen: outcome.Seen, Mode: outcome.Mode}
	id, err := r.engine.StoreID(ctx)
	if err == nil {
		facts.StoreID = id
		view, readErr := a.procedure.Read(ctx)
		if err = readErr; err == nil {
			facts.observe(view)
			facts.Seen = max(facts.Seen, outcome.Seen)
			if r.kind.Recorded != nil {
				r.kind.Recorded(m, view, prior)
			}
			return facts
		}
	}
	diags.AddWarning("Ledger Not Readable", "The stage passed. Then the ledger could not be read to prepare the next plan, which will read it anew: "+err.Error())
	return facts
}
