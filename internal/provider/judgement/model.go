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
	defaultMargin      = 0.05
	defaultMinRequests = 100
	defaultMaxPause    = 30 * time.Minute
)

type model struct {
	Interval            types.String  `tfsdk:"interval"`
	InitialDelay        types.String  `tfsdk:"initial_delay"`
	Confidence          types.Float64 `tfsdk:"confidence"`
	Errors              types.Object  `tfsdk:"errors"`
	Latency             types.Object  `tfsdk:"latency"`
	Business            types.Map     `tfsdk:"business"`
	MinRequests         whole.Number  `tfsdk:"min_requests"`
	MinBad              whole.Number  `tfsdk:"min_bad"`
	BurstWindow         types.String  `tfsdk:"burst_window"`
	MaxPause            types.String  `tfsdk:"max_pause"`
	OnNoData            types.String  `tfsdk:"on_no_data"`
	NoDataDeadline      types.String  `tfsdk:"no_data_deadline"`
	OnSourceError       types.String  `tfsdk:"on_source_error"`
	SourceErrorDeadline types.String  `tfsdk:"source_error_deadline"`
	OnSharedFault       types.String  `tfsdk:"on_shared_fault"`
	SharedFaultDeadline types.String  `tfsdk:"shared_fault_deadline"`
	OnInconclusive      types.String  `tfsdk:"on_inconclusive"`
}

// handlingModel is what all rules have.
type handlingModel struct {
	FailureLimit            whole.Number `tfsdk:"failure_limit"`
	ConsecutiveFailureLimit whole.Number `tfsdk:"consecutive_failure_limit"`
	DryRun                  types.Bool   `tfsdk:"dry_run"`
	Critical                types.Bool   `tfsdk:"critical"`
}

type errorsModel struct {
	MaxRate      types.Float64 `tfsdk:"max_rate"`
	VersusStable types.Bool    `tfsdk:"versus_stable"`
	Margin       types.Float64 `tfsdk:"margin"`
	handlingModel
}

type latencyModel struct {
	Threshold    types.String  `tfsdk:"threshold"`
	MaxRatio     types.Float64 `tfsdk:"max_ratio"`
	VersusStable types.Bool    `tfsdk:"versus_stable"`
	Margin       types.Float64 `tfsdk:"margin"`
	handlingModel
}

// ToSpec turns the object `analysis`, which stands at root, into the engine's form, with the defaults where nothing is
// written; nil where it is null or not known yet.
func ToSpec(ctx context.Context, root path.Path, object types.Object) (*delivery.AnalysisSpec, diag.Diagnostics) {
	var diags diag.Diagnostics
	m, found := plain.Object[model](ctx, object, &diags)
	if !found {
		return nil, diags
	}
	spec := m.toSpec(ctx, root, &diags)
	return &spec, diags
}

func (m model) toSpec(ctx context.Context, root path.Path, diags *diag.Diagnostics) delivery.AnalysisSpec {
	spec := delivery.AnalysisSpec{
		Interval:     duration.ToDuration(m.Interval, defaultInterval, root.AtName("interval"), diags),
		InitialDelay: duration.ToDuration(m.InitialDelay, 0, root.AtName("initial_delay"), diags),
		Config: analysis.Config{
			Confidence:  number(m.Confidence, defaultConfidence),
			Errors:      toErrorRule(ctx, m.Errors, diags),
			Latency:     toLatencyRule(ctx, root.AtName("latency"), m.Latency, diags),
			Business:    toBusinessRules(ctx, m.Business, diags),
			MinRequests: plain.Int(m.MinRequests, defaultMinRequests),
			MinBad:      plain.Int(m.MinBad, analysis.DefaultMinBad),
			BurstWindow: duration.ToDuration(m.BurstWindow, analysis.DefaultBurstWindow, root.AtName("burst_window"), diags).D(),
		},
		MaxPause:       duration.ToDuration(m.MaxPause, defaultMaxPause, root.AtName("max_pause"), diags),
		OnInconclusive: toPolicy(m.OnInconclusive, delivery.PolicyPause),
	}
	spec.OnNoData, spec.NoDataDeadline = onNoData.read(root, m.OnNoData, m.NoDataDeadline, diags)
	spec.OnSourceError, spec.SourceErrorDeadline = onSourceError.read(root, m.OnSourceError, m.SourceErrorDeadline, diags)
	spec.OnSharedFault, spec.SharedFaultDeadline = onSharedFault.read(root, m.OnSharedFault, m.SharedFaultDeadline, diags)
	return spec
}

func toErrorRule(ctx context.Context, object types.Object, diags *diag.Diagnostics) *analysis.ErrorRule {
	m, found := plain.Object[errorsModel](ctx, object, diags)
	if !found {
		return nil
	}
	versusStable := plain.Bool(m.VersusStable, true)
	return &analysis.ErrorRule{
		MaxRate:      plain.Float(m.MaxRate),
		VersusStable: versusStable,
		Margin:       margin(m.Margin, versusStable),
		Handling:     m.toHandling(),
	}
}

func toLatencyRule(ctx context.Context, at path.Path, object types.Object, diags *diag.Diagnostics) *analysis.LatencyRule {
	m, found := plain.Object[latencyModel](ctx, object, diags)
	if !found {
		return nil
	}
	versusStable := plain.Bool(m.VersusStable, true)
	return &analysis.LatencyRule{
		Threshold:    duration.ToDuration(m.Threshold, 0, at.AtName("threshold"), diags).D(),
		MaxRatio:     plain.Float(m.MaxRatio),
		VersusStable: versusStable,
		Margin:       margin(m.Margin, versusStable),
		Handling:     m.toHandling(),
	}
}

// margin is that of a comparison; without one there is none.
func margin(written types.Float64, versusStable bool) float64 {
	if !versusStable {
		return number(written, 0)
	}
	return number(written, defaultMargin)
}

func (m handlingModel) toHandling() analysis.Handling {
	return analysis.Handling{
		FailureLimit:            count(m.FailureLimit),
		ConsecutiveFailureLimit: count(m.ConsecutiveFailureLimit),
		DryRun:                  plain.Bool(m.DryRun, false),
		Uncritical:              !plain.Bool(m.Critical, true),
	}
}

// count is nil for null and unknown.
func count(value whole.Number) *int {
	if value.IsNull() || value.IsUnknown() {
		return nil
	}
	n := int(value.ValueInt64())
	return &n
}

func number(value types.Float64, fallback float64) float64 {
	if known := plain.Float(value); known != nil {
		return *known
	}
	return fallback
}
