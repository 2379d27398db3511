package trafficsplit

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/checks"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/judgement"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/stage"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/whole"
)

// defaultCheckInterval is the time between two rounds of checks where nothing is written.
const defaultCheckInterval = 10 * time.Second

type model struct {
	stage.Common
	Weight        whole.Number `tfsdk:"weight"`
	Steps         types.List   `tfsdk:"steps"`
	Analysis      types.Object `tfsdk:"analysis"`
	Checks        types.Map    `tfsdk:"checks"`
	CheckInterval types.String `tfsdk:"check_interval"`
	Advance       types.String `tfsdk:"advance"`
	Weights       types.Map    `tfsdk:"weights"`
	Promoted      types.String `tfsdk:"promoted"`
	Judgement     types.List   `tfsdk:"judgement"`
}

type stepModel struct {
	Weight whole.Number `tfsdk:"weight"`
	Pause  types.String `tfsdk:"pause"`
}

// toSpec is the engine's form, with the defaults where nothing is written.
func (m model) toSpec(ctx context.Context) (delivery.SplitSpec, diag.Diagnostics) {
	analysis, diags := judgement.ToSpec(ctx, path.Root("analysis"), m.Analysis)
	spec := delivery.SplitSpec{Weight: plain.Int(m.Weight, 0), Analysis: analysis, Advance: delivery.Advance(m.Advance.ValueString())}
	repeated, more := checks.ToSpec(ctx, path.Root("checks"), m.Checks)
	diags.Append(more...)
	if len(repeated) > 0 {
		spec.Checks = repeated
		spec.CheckInterval = duration.ToDuration(m.CheckInterval, defaultCheckInterval, path.Root("check_interval"), &diags)
	}
	if spec.Advance == "" {
		spec.Advance = delivery.AfterPause
	}
	for i, element := range m.Steps.Elements() {
		object, _ := element.(types.Object)
		if step, found := plain.Object[stepModel](ctx, object, &diags); found {
			spec.Steps = append(spec.Steps, delivery.Step{
				Weight: plain.Int(step.Weight, 0),
				Pause:  duration.ToDuration(step.Pause, 0, path.Root("steps").AtListIndex(i).AtName("pause"), &diags),
			})
		}
	}
	return spec, diags
}

// known tells whether all that a judgement hangs on is known.
func (m model) known(ctx context.Context) bool {
	for _, argument := range []attr.Value{m.Weight, m.Steps, m.Analysis, m.Checks, m.CheckInterval, m.Advance} {
		if !argument.IsNull() && !plain.IsKnown(ctx, argument) {
			return false
		}
	}
	return true
}

// toJudgement is what the arguments come to for a reader; unknown while they are.
func (m model) toJudgement(ctx context.Context) types.List {
	spec, diags := m.toSpec(ctx)
	if !m.known(ctx) || diags.HasError() {
		return types.ListUnknown(types.StringType)
	}
	return judgement.SplitLines(spec)
}

// toWeights is a split as the attribute `weights` has it.
func toWeights(weights map[string]int) types.Map {
	elements := make(map[string]attr.Value, len(weights))
	for slot, weight := range weights {
		elements[slot] = types.Int64Value(int64(weight))
	}
	return types.MapValueMust(types.Int64Type, elements)
}

// fromWeights is a split of the attribute `weights`; nil for null and unknown.
func fromWeights(weights types.Map) map[string]int {
	if weights.IsNull() || weights.IsUnknown() {
		return nil
	}
	split := make(map[string]int, len(weights.Elements()))
	for slot, element := range weights.Elements() {
		weight, _ := element.(types.Int64)
		split[slot] = int(weight.ValueInt64())
	}
	return split
}
