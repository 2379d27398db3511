package judgement

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/whole"
)

// What holds where nothing is written.
const (
	defaultInterval    = time.Second
	defaultConfidence  = 0.99
	defaultMargin      = 0.01
	defaultMinRequests = 100
	defaultMaxPause    = 30 * time.Minute
)

type model struct {
	Interval      types.String  `tfsdk:"interval"`
	Confidence    types.Float64 `tfsdk:"confidence"`
	Errors        types.Object  `tfsdk:"errors"`
	Latency       types.Object  `tfsdk:"latency"`
	MinRequests   whole.Number  `tfsdk:"min_requests"`
	MaxPause      types.String  `tfsdk:"max_pause"`
	OnNoData      types.String  `tfsdk:"on_no_data"`
	OnSourceError types.String  `tfsdk:"on_source_error"`
	OnInconcl     types.String  `tfsdk:"on_inconclusive"`
}

type errorsModel struct {
	MaxRate      types.Float64 `tfsdk:"max_rate"`
	VersusStable types.Bool    `tfsdk:"versus_stable"`
	Margin       types.Float64 `tfsdk:"margin"`
}

type latencyModel struct {
	Threshold    types.String  `tfsdk:"threshold"`
	MaxRatio     types.Float64 `tfsdk:"max_ratio"`
	VersusStable types.Bool    `tfsdk:"versus_stable"`
}

// ToSpec turns the object `analysis`, which stands at root, into the engine's form, with the defaults where nothing is
// written; nil where it is null or not known yet.
func ToSpec(ctx context.Context, root path.Path, object types.Object) (*delivery.AnalysisSpec, diag.Diagnostics) {
	var diags diag.Diagnostics
	m, found := plain.Object[model](ctx, object, &diags)
	if !found {
		return nil, diags
	}
	spec := &delivery.AnalysisSpec{
		Interval: duration.ToDuration(m.Interval, defaultInterval, root.AtName("interval"), &diags),
		Config: analysis.Config{
			Confidence:  number(m.Confidence, defaultConfidence),
			Errors:      toErrorRule(ctx, m.Errors, &diags),
			Latency:     toLatencyRule(ctx, root.AtName("latency"), m.Latency, &diags),
			MinRequests: plain.Int(m.MinRequests, defaultMinRequests),
		},
		MaxPause:       duration.ToDuration(m.MaxPause, defaultMaxPause, root.AtName("max_pause"), &diags),
		OnNoData:       toPolicy(m.OnNoData, delivery.PolicyWait),
		OnSourceError:  toPolicy(m.OnSourceError, delivery.PolicyWait),
		OnInconclusive: toPolicy(m.OnInconcl, delivery.PolicyPause),
	}
	return spec, diags
}

func toErrorRule(ctx context.Context, object types.Object, diags *diag.Diagnostics) *analysis.ErrorRule {
	m, found := plain.Object[errorsModel](ctx, object, diags)
	if !found {
		return nil
	}
	return &analysis.ErrorRule{
		MaxRate:      plain.Float(m.MaxRate),
		VersusStable: plain.Bool(m.VersusStable, true),
		Margin:       number(m.Margin, defaultMargin),
	}
}

func toLatencyRule(ctx context.Context, at path.Path, object types.Object, diags *diag.Diagnostics) *analysis.LatencyRule {
	m, found := plain.Object[latencyModel](ctx, object, diags)
	if !found {
		return nil
	}
	return &analysis.LatencyRule{
		Threshold:    duration.ToDuration(m.Threshold, 0, at.AtName("threshold"), diags).D(),
		MaxRatio:     plain.Float(m.MaxRatio),
		VersusStable: plain.Bool(m.VersusStable, true),
	}
}

func number(value types.Float64, fallback float64) float64 {
	if known := plain.Float(value); known != nil {
		return *known
	}
	return fallback
}
