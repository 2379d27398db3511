package trafficsplit

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/judgement"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/whole"
)

func validate(ctx context.Context, m model) diag.Diagnostics {
	diags := judgement.Validate(ctx, path.Root("analysis"), m.Analysis)
	validateWeight(path.Root("weight"), m.Weight, &diags)
	validateSteps(ctx, m.Steps, &diags)
	validateChecks(ctx, m, &diags)
	validateAdvance(ctx, m, &diags)
	return diags
}

func validateWeight(at path.Path, weight whole.Number, diags *diag.Diagnostics) bool {
	if weight.IsNull() || weight.IsUnknown() {
		return false
	}
	if w := weight.ValueInt64(); w < 1 || w > 100 {
		diags.AddAttributeError(at, "Invalid Weight",
			fmt.Sprintf("%d is not a weight: write whole percent from 1 to 100. To take all traffic from a release, go back to the release before it.", w))
		return false
	}
	return true
}

// validateSteps wants each step higher than the one before it, passing over those that are not known yet.
func validateSteps(ctx context.Context, steps types.List, diags *diag.Diagnostics) {
	highest := int64(0)
	for i, element := range steps.Elements() {
		object, _ := element.(types.Object)
		at := path.Root("steps").AtListIndex(i)
		step, found := plain.Object[stepModel](ctx, object, diags)
		if !found || !validateWeight(at.AtName("weight"), step.Weight, diags) {
			continue
		}
		weight := step.Weight.ValueInt64()
		if weight <= highest {
			diags.AddAttributeError(at.AtName("weight"), "Weights Not Rising",
				fmt.Sprintf("%d follows %d: write each step's weight higher than the one before it, such as 5, 25, 50.", weight, highest))
			continue
		}
		highest = weight
	}
}
