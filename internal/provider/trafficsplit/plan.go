package trafficsplit

import (
	"context"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/capable"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/checks"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/judgement"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/stage"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// plan refuses a split of what cannot be split, and says what the weights and the promoted release will be.
func plan(ctx context.Context, p stage.Planning[model]) diag.Diagnostics {
	var diags diag.Diagnostics
	if p.ReleaseChanges != stage.Unchanged || p.ArgumentsChange {
		if !capable.Router(p.View) {
			diags.AddAttributeError(path.Root("release"), "Service Without A Router",
				"The service has no router, so nothing can split its traffic: give deploy_service a router and apply that first, or remove the deploy_traffic_split; "+
					"without one, deploy_release itself puts the new instances in the place of the old.")
		}
		diags.Append(checks.Resolve(ctx, path.Root("checks"), p.Plan.Checks, p.Credentials, capable.Metrics(p.View))...)
		diags.Append(judgement.Resolve(ctx, path.Root("analysis"), p.Plan.Analysis, p.View)...)
		if !diags.HasError() && p.Mode != service.ModeRollback {
			diags.Append(judgement.Survey(ctx, path.Root("analysis"), p.Plan.Analysis, p.Survey)...)
		}
		p.Plan.Judgement = p.Plan.toJudgement(ctx)
	}
	if p.ReleaseChanges != stage.Unchanged || p.Facts.ExpectedWeights != nil {
		warnOfRouter(ctx, p)
	}
	p.Plan.Weights = plannedWeights(p)
	p.Plan.Promoted = plannedPromoted(p)
	return diags
}

// warnOfRouter tells what of the split would not outlive a reload, and whether its nodes differ: before a release, and where the weights
// are not what they should be. A router that does not answer is told of by the refresh.
func warnOfRouter(ctx context.Context, p stage.Planning[model]) {
	if p.SurveyRouter == nil || p.Prior == nil {
		return // The first split has yet to be made.
	}
	warnings, _ := p.SurveyRouter(ctx) // What could be asked is told, whatever could not.
	for _, text := range warnings {
		p.Warn("Router Needs Attention", text)
	}
}

// plannedWeights are known where only drift is repaired, or nothing is done at all.
func plannedWeights(p stage.Planning[model]) types.Map {
	unknown := types.MapUnknown(types.Int64Type)
	if p.ReleaseChanges != stage.Unchanged || !p.Plan.Weight.Equal(p.Prior.Weight) {
		return unknown
	}
	expected := p.Facts.ExpectedWeights
	if expected == nil || same(expected, fromWeights(p.Prior.Weights)) {
		return p.Prior.Weights
	}
	return toWeights(expected)
}

// plannedPromoted is the release once it has all of the traffic, and until then the one that has it now. What is known
// here must come true: where the facts leave a doubt it is unknown.
func plannedPromoted(p stage.Planning[model]) types.String {
	release, weight := p.Plan.Release, p.Plan.Weight
	switch {
	case p.ReleaseChanges == stage.Unchanged && weight.Equal(p.Prior.Weight):
		return p.Prior.Promoted
	case release.IsUnknown() || weight.IsUnknown():
		return types.StringUnknown()
	case weight.ValueInt64() == 100:
		return release
	case p.Prior == nil:
		return types.StringUnknown()
	}
	id, facts := service.ReleaseID(release.ValueString()), p.Facts
	unfinished := facts.Carries != facts.Stable // A release has all of the traffic, and is not finalized.
	switch {
	case facts.Carries == "" || unfinished && (id == facts.Stable || id == facts.Carries):
		return types.StringUnknown()
	case id == facts.Stable || slices.Contains(facts.Kept, id):
		return release // A rollback goes to 100, and what is stable is there already.
	}
	return types.StringValue(string(facts.Carries))
}

// rerun: another weight, or one to be repaired, is moved to. Everything else about a split is only recorded.
func rerun(prior, planned model) bool {
	return !planned.Weight.Equal(prior.Weight) || !planned.Weights.Equal(prior.Weights)
}

// same tells whether two splits are one; a slot that is not named has nothing.
func same(a, b map[string]int) bool {
	return maps.Equal(withoutZero(a), withoutZero(b))
}

func withoutZero(weights map[string]int) map[string]int {
	weights = maps.Clone(weights)
	maps.DeleteFunc(weights, func(_ string, weight int) bool { return weight == 0 })
	return weights
}
