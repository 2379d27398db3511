package stage

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/arguments"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

type planningSchema struct{ schema.Schema }

// seen is what a plan could see of the ledger.
type seen struct {
	// view is nil where there is no store or no service to ask yet.
	view *ledger.View
	run  string
}

// look reads the ledger of a service. One that cannot be read is an error: then nothing is known.
func (r *Resource[M]) look(ctx context.Context, id service.ID, diags *diag.Diagnostics) seen {
	if id == "" || !r.engine.Known() {
		return seen{}
	}
	run, err := r.engine.Run()
	if err == nil {
		var view ledger.View
		if view, err = run.Service(id).View(ctx); err == nil {
			if planned, found := r.engine.Definition(id); found {
				view.State.Definition = &planned
			}
			return seen{view: &view, run: run.ID()}
		}
	}
	diagnostics.AddError(ctx, diags, nil, "Ledger Not Readable", fmt.Errorf("read the ledger of %s: %w", id, err))
	return seen{}
}

// refuse tells what the ledger has against the plan.
func (r *Resource[M]) refuse(ctx context.Context, p *planning[M], diags *diag.Diagnostics) {
	view := p.ledger.view
	if view == nil {
		return
	}
	if err := r.engine.SameStore(ctx, p.id, p.facts.StoreID, &view.State); err != nil {
		diagnostics.AddError(ctx, diags, nil, "Store Not Readable", err)
		return
	}
	switch {
	case p.prior != nil:
		attempt := int(r.kind.Common(p.prior).Attempt.ValueInt64())
		release := service.ReleaseID(p.target.ValueString())
		err := delivery.GuardPlan(*view, p.ledger.run, release, attempt, p.facts.Seen)
		if err == nil && p.facts.SeenOpen {
			err = delivery.GuardOpen(*view, p.ledger.run, release, p.facts.Seen)
		}
		if err != nil {
			diagnostics.AddError(ctx, diags, nil, err.Summary, err)
		}
	case p.replacing:
		// Terraform shows the new object without the old one, which the ledger still has.
		if prior, found := r.recorded(ctx, *view, diags); found {
			r.planDelete(ctx, prior, p.facts, true, diags)
		}
	default:
		r.refuseManaged(p, diags)
	}
}

// refuseManaged refuses to create what somebody else has, unless a create passed and only its answer was lost.
func (r *Resource[M]) refuseManaged(p *planning[M], diags *diag.Diagnostics) {
	view := p.ledger.view
	passage := view.Standing(r.kind.Stage)
	if passage == nil || passage.Owner == "" || passage.Run == p.ledger.run || view.AnswerLost(*passage) {
		return
	}
	diags.AddError("Already Managed", fmt.Sprintf(
		"The %[1]s of %[2]s is managed by another resource or configuration: %[3]s passed it in attempt %[4]d. Nothing was changed.\n\n"+
			"Next: import it, `terraform import deploy_%[5]s.<name> %[2]s`; or remove it from the other configuration first. If it is this very object that "+
			"is to be replaced (it is tainted, or -replace names it): `terraform untaint deploy_%[5]s.<name>`, and plan without -replace.",
		strings.ReplaceAll(string(r.kind.Stage), "_", " "), p.id, passage.Release, passage.Attempt, r.kind.Stage))
}

// recorded is the model that the ledger keeps of the stage, as far as its arguments go.
func (r *Resource[M]) recorded(ctx context.Context, view ledger.View, diags *diag.Diagnostics) (m M, found bool) {
	passage := view.Standing(r.kind.Stage)
	if passage == nil {
		return m, false
	}
	raw, err := arguments.Decode(ctx, r.kind.Schema(), passage.Arguments)
	if err != nil {
		diagnostics.AddError(ctx, diags, nil, "Ledger Not Readable", err)
		return m, false
	}
	m = r.model(ctx, raw, diags)
	common := r.kind.Common(&m)
	common.Release, common.Attempt = releaseAndAttempt(passage)
	return m, !diags.HasError()
}

// planDelete asks the kind whether the object may go; replacing: another is to take its place.
func (r *Resource[M]) planDelete(ctx context.Context, prior M, facts Facts, replacing bool, diags *diag.Diagnostics) {
	if r.kind.PlanDelete == nil || diags.HasError() {
		return
	}
	found := r.look(ctx, service.ID(r.kind.Service(&prior).ValueString()), diags)
	diags.Append(r.kind.PlanDelete(ctx, prior, facts, found.view, replacing)...)
}
