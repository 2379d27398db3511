package stage

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/engine"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/private"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// ModifyPlan sets every computed attribute of the plan, since the framework marks all of them unknown on any difference.
// It runs at plan and again at apply, in another process, and must come to the same: what is known comes from
// configuration, prior state and facts alone. What the ledger shows may only warn or refuse.
func (r *Resource[M]) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	defer diagnostics.NamePaths(&resp.Diagnostics)
	facts, diags := private.Read[Facts](ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	if req.Plan.Raw.IsNull() {
		r.planDelete(ctx, r.model(ctx, req.State.Raw, &resp.Diagnostics), facts, false, &resp.Diagnostics)
		return
	}
	p := r.planning(ctx, req, facts, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	if p.moved && p.hasService {
		r.planDelete(ctx, *p.prior, facts, true, &resp.Diagnostics)
		resp.RequiresReplace = append(resp.RequiresReplace, path.Root("service"))
		return // Terraform asks again, for the new object alone.
	}
	r.refuse(ctx, p, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Plan.Raw = r.planned(ctx, p, resp)
}

// planning is what one call of ModifyPlan found out.
type planning[M any] struct {
	s          planningSchema
	plan       M
	planRaw    attributes
	config     attributes
	prior      *M // nil on create, and where another service's object is meant.
	priorRaw   attributes
	facts      Facts
	id         service.ID // Empty while unknown.
	target     types.String
	change     Change
	differs    bool // The arguments differ.
	moved      bool // The prior state is another service's.
	replacing  bool // The new object of a replacement.
	hasService bool
	ledger     seen
}

func (r *Resource[M]) planning(ctx context.Context, req resource.ModifyPlanRequest, facts Facts, diags *diag.Diagnostics) *planning[M] {
	s := r.kind.Schema()
	p := &planning[M]{
		s: planningSchema{s}, planRaw: attributesOf(req.Plan.Raw, diags), config: attributesOf(req.Config.Raw, diags),
		priorRaw: attributesOf(req.State.Raw, diags), facts: facts, differs: true,
	}
	_, p.hasService = s.Attributes["service"]
	p.plan = r.model(ctx, req.Plan.Raw, diags)
	target, more := r.kind.Target(ctx, p.plan)
	diags.Append(more...)
	p.target = target
	if id := r.serviceOf(&p.plan, target); isKnown(id) {
		p.id = service.ID(id.ValueString())
	}
	if !req.State.Raw.IsNull() {
		prior := r.model(ctx, req.State.Raw, diags)
		p.prior = &prior
		p.differs = argumentsDiffer(s, p.planRaw, p.priorRaw)
		p.moved = p.id != "" && r.kind.Service(&prior).ValueString() != string(p.id)
	}
	p.replacing = p.prior == nil && facts.Known()
	if diags.HasError() {
		return p
	}
	if p.moved && !p.hasService {
		// To the other service this is a new object.
		p.prior, p.priorRaw, p.facts = nil, attributes{}, Facts{}
	}
	p.change = changeOf(r.priorRelease(p.prior), target)
	p.ledger = r.look(ctx, p.id, diags)
	return p
}

// serviceOf falls back on the release's id where the service is not known: the function knows it before the resource does.
func (r *Resource[M]) serviceOf(plan *M, target types.String) types.String {
	if id := r.kind.Service(plan); isKnown(id) {
		return id
	}
	return ServiceOf(target)
}

func (r *Resource[M]) priorRelease(prior *M) types.String {
	if prior == nil {
		return types.StringNull()
	}
	return r.kind.Common(prior).Release
}

func changeOf(prior, target types.String) Change {
	switch {
	case !isKnown(target):
		return ChangeUnknown
	case target.Equal(prior):
		return Unchanged
	}
	return Changed
}

// planned is the plan with every computed attribute set.
func (r *Resource[M]) planned(ctx context.Context, p *planning[M], resp *resource.ModifyPlanResponse) tftypes.Value {
	diags := &resp.Diagnostics
	names := computed(p.s.Schema, p.config)
	base := p.base(names)
	plan := r.model(ctx, base.value(ctx, p.s.Schema), diags)
	mode := r.mode(p)
	worst, estimated := r.worstCase(ctx, p, mode, diags)
	common := r.kind.Common(&plan)
	common.Release = p.target
	if p.differs || p.change != Unchanged {
		common.WorstCase = types.StringUnknown()
		if estimated && p.change != ChangeUnknown {
			common.WorstCase = types.StringValue(engine.FormatDuration(worst))
		}
	}
	if r.kind.Plan != nil {
		diags.Append(r.kind.Plan(ctx, Planning[M]{
			Prior: p.prior, Plan: &plan, ReleaseChanges: p.change, ArgumentsChange: p.differs, Mode: mode, Facts: p.facts,
			View: p.ledger.view, Definition: r.definition(p), Run: p.ledger.run, Credentials: r.engine.Credentials(), Survey: r.survey(p), SurveyRouter: r.surveyRouter(p), Warn: diags.AddWarning,
		})...)
	}
	if p.change == Unchanged && !r.kind.Rerun(*p.prior, plan) {
		worst = 0
	}
	r.declare(ctx, p, worst, diags)
	return p.overlay(ctx, names, r.raw(ctx, plan, diags), diags)
}

// definition of the service, as far as one is known.
func (r *Resource[M]) definition(p *planning[M]) *service.Definition {
	if planned, found := r.engine.Definition(p.id); found {
		return &planned
	}
	if p.ledger.view == nil {
		return nil
	}
	return p.ledger.view.State.Definition
}

// survey is how a plan asks the service's metrics. Credentials that are not known yet may be what they want.
func (r *Resource[M]) survey(p *planning[M]) func(context.Context, delivery.AnalysisSpec) (delivery.MetricsSurvey, error) {
	view := p.ledger.view
	if view == nil || r.engine.Credentials() == nil || view.State.LeaseRun == p.ledger.run || view.State.StableRelease() == nil {
		return nil
	}
	return func(ctx context.Context, spec delivery.AnalysisSpec) (delivery.MetricsSurvey, error) {
		run, err := r.engine.Run()
		if err != nil {
			return delivery.MetricsSurvey{}, err
		}
		return run.Service(p.id).SurveyMetrics(ctx, *view, spec)
	}
}

// surveyRouter is how a plan asks the service's router.
func (r *Resource[M]) surveyRouter(p *planning[M]) func(context.Context) ([]string, error) {
	view := p.ledger.view
	if view == nil || r.engine.Credentials() == nil || view.State.LeaseRun == p.ledger.run {
		return nil
	}
	return func(ctx context.Context) ([]string, error) {
		run, err := r.engine.Run()
		if err != nil {
			return nil, err
		}
		return run.Service(p.id).SurveyRouter(ctx, *view)
	}
}

// base has the prior values of computed attributes where the release stays, and else unknown ones.
func (p *planning[M]) base(names []string) attributes {
	base := attributes{}
	for name, value := range p.planRaw {
		base[name] = value
	}
	for _, name := range names {
		if p.change == Unchanged {
			base[name] = p.priorRaw[name]
		} else {
			base[name] = tftypes.NewValue(base[name].Type(), tftypes.UnknownValue)
		}
	}
	return base
}

// overlay takes computed attributes from a model, and everything else as Terraform proposed it, to the bit.
func (p *planning[M]) overlay(ctx context.Context, names []string, raw tftypes.Value, diags *diag.Diagnostics) tftypes.Value {
	result, from := attributes{}, attributesOf(raw, diags)
	for name, value := range p.planRaw {
		result[name] = value
	}
	for _, name := range names {
		if value, found := from[name]; found {
			result[name] = value
		}
	}
	return result.value(ctx, p.s.Schema)
}

// mode in which the wanted release is, or would be, introduced; empty while that is not known.
func (r *Resource[M]) mode(p *planning[M]) service.Mode {
	switch {
	case p.prior == nil || p.change == ChangeUnknown:
		return ""
	case p.change == Unchanged:
		return p.facts.Mode
	}
	return p.facts.ModeOf(service.ReleaseID(p.target.ValueString()))
}

// worstCase of the stage; the longest one while the mode is not known. estimated is false where an argument is unknown.
func (r *Resource[M]) worstCase(ctx context.Context, p *planning[M], mode service.Mode, diags *diag.Diagnostics) (worst time.Duration, estimated bool) {
	if !timed(p.s.Schema, p.planRaw) {
		return 0, false
	}
	modes := []service.Mode{mode}
	if mode == "" {
		modes = []service.Mode{service.ModeInstall, service.ModeUpdate}
	}
	circumstances := p.facts.Circumstances
	if p.prior == nil {
		// The facts of an object that is gone, as after a first install that failed: its successor's apply does not have them.
		circumstances = delivery.Circumstances{}
	}
	for _, mode := range modes {
		circumstances.Mode = mode
		d, more := r.kind.WorstCase(ctx, p.plan, circumstances)
		diags.Append(more...)
		if more.HasError() {
			return 0, false
		}
		worst = max(worst, d)
	}
	return worst, true
}

// declare makes the stage known to the other resources of the plan.
func (r *Resource[M]) declare(ctx context.Context, p *planning[M], worst time.Duration, diags *diag.Diagnostics) {
	if p.id == "" {
		return
	}
	err := r.engine.DeclareStage(p.id, r.kind.Stage, engine.Declaration{Existing: p.prior != nil, Replacing: p.replacing, WorstCase: worst})
	if err != nil {
		diagnostics.AddError(ctx, diags, p.s.Type(), "Invalid Plan", err)
	}
}
