package judgement

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
)

// What a number of the business is.
const (
	counter = "counter"
	gauge   = "gauge"
)

type businessModel struct {
	Query           types.String  `tfsdk:"query"`
	Type            types.String  `tfsdk:"type"`
	Direction       types.String  `tfsdk:"direction"`
	VersusStableMin types.Float64 `tfsdk:"versus_stable_min"`
	VersusStableMax types.Float64 `tfsdk:"versus_stable_max"`
	Min             types.Float64 `tfsdk:"min"`
	Max             types.Float64 `tfsdk:"max"`
	handlingModel
}

// toBusinessRules leaves out those that cannot be read yet; nil for none.
func toBusinessRules(ctx context.Context, business types.Map, diags *diag.Diagnostics) map[string]analysis.BusinessRule {
	var rules map[string]analysis.BusinessRule
	for name, element := range business.Elements() {
		object, _ := element.(types.Object)
		m, found := plain.Object[businessModel](ctx, object, diags)
		if !found {
			continue
		}
		if rules == nil {
			rules = map[string]analysis.BusinessRule{}
		}
		rules[name] = m.toRule()
	}
	return rules
}

func (m businessModel) toRule() analysis.BusinessRule {
	return analysis.BusinessRule{
		Query:           m.Query.ValueString(),
		Gauge:           m.Type.ValueString() == gauge,
		Direction:       m.direction(),
		VersusStableMin: plain.Float(m.VersusStableMin),
		VersusStableMax: plain.Float(m.VersusStableMax),
		Min:             plain.Float(m.Min),
		Max:             plain.Float(m.Max),
		Handling:        m.toHandling(),
	}
}

// direction follows from the bounds where it is not written: what has a bound below is to be large.
func (m businessModel) direction() analysis.Direction {
	if text, known := plain.Known(m.Direction); known {
		return analysis.Direction(text)
	}
	below, above := !m.VersusStableMin.IsNull() || !m.Min.IsNull(), !m.VersusStableMax.IsNull() || !m.Max.IsNull()
	switch {
	case below && above:
		return analysis.Either
	case above:
		return analysis.Down
	}
	return analysis.Up
}
