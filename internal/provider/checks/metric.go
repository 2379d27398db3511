package checks

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// metricWindow is the time that a rate is taken over where nothing is written.
const metricWindow = 30 * time.Second

func metricAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "Compares a series of the service's metrics with `min`, `max` or both. The service needs `metrics`.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Name of the series, such as `queue_depth`. Several that match are added up over all instances.",
			},
			"labels": schema.MapAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Labels that the series must have.",
			},
			"rate": schema.BoolAttribute{
				Optional:            true,
				MarkdownDescription: "Compare the increase per second over `window`, not the value itself. Default: `false`.",
			},
			"window": schema.StringAttribute{
				Optional: true, Validators: []validator.String{duration.AtLeast(time.Second)},
				MarkdownDescription: "Time that a rate is taken over; only with `rate`. Default: `30s`.",
			},
			"min": schema.Float64Attribute{
				Optional:            true,
				MarkdownDescription: "Least value that passes. At least one of `min` and `max`.",
			},
			"max": schema.Float64Attribute{
				Optional:            true,
				MarkdownDescription: "Greatest value that passes.",
			},
		},
	}
}

type metricModel struct {
	Name   types.String  `tfsdk:"name"`
	Labels types.Map     `tfsdk:"labels"`
	Rate   types.Bool    `tfsdk:"rate"`
	Window types.String  `tfsdk:"window"`
	Min    types.Float64 `tfsdk:"min"`
	Max    types.Float64 `tfsdk:"max"`
}

func metricToSpec(ctx context.Context, at path.Path, object types.Object, diags *diag.Diagnostics) *service.MetricCheck {
	m, found := plain.Object[metricModel](ctx, object, diags)
	if !found {
		return nil
	}
	// A rate that is not known yet is taken for one, so that a window beside it is nothing wrong.
	rate := m.Rate.ValueBool() || m.Rate.IsUnknown()
	window := time.Duration(0)
	if rate {
		window = metricWindow
	}
	return &service.MetricCheck{
		Name:   m.Name.ValueString(),
		Labels: plain.StringMap(m.Labels),
		Rate:   rate,
		Window: duration.ToDuration(m.Window, window, at.AtName("window"), diags),
		Min:    plain.Float(m.Min),
		Max:    plain.Float(m.Max),
	}
}
