package release

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/content"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/stage"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/whole"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

type model struct {
	stage.Common
	Service            types.String `tfsdk:"service"`
	Checkpoint         types.String `tfsdk:"checkpoint"`
	Content            types.Object `tfsdk:"content"`
	Health             types.Object `tfsdk:"health"`
	MaxAttempts        whole.Number `tfsdk:"max_attempts"`
	DeletionProtection types.Bool   `tfsdk:"deletion_protection"`
	Mode               types.String `tfsdk:"mode"`
	Replaces           types.String `tfsdk:"replaces"`
	Interrupts         types.Bool   `tfsdk:"interrupts"`
	Slot               types.String `tfsdk:"slot"`
	Instances          types.Map    `tfsdk:"instances"`
}

type healthModel struct {
	HTTP             types.Object `tfsdk:"http"`
	MinHealthyTime   types.String `tfsdk:"min_healthy_time"`
	HealthyDeadline  types.String `tfsdk:"healthy_deadline"`
	ProgressDeadline types.String `tfsdk:"progress_deadline"`
	Interval         types.String `tfsdk:"interval"`
	Timeout          types.String `tfsdk:"timeout"`
	DenyLogs         types.List   `tfsdk:"deny_logs"`
}

type httpModel struct {
	Path    types.String `tfsdk:"path"`
	Status  types.List   `tfsdk:"status"`
	Headers types.Map    `tfsdk:"headers"`
}

// defaultMaxAttempts where nothing is written.
const defaultMaxAttempts = 3

// toSpec is the stage's specification with defaults where nothing is written, or nothing is known yet.
func (m model) toSpec(ctx context.Context) (delivery.ReleaseSpec, diag.Diagnostics) {
	c, _, diags := content.ToContent(ctx, m.Content)
	spec := delivery.ReleaseSpec{Content: c, Checkpoint: m.Checkpoint.ValueString(), MaxAttempts: defaultMaxAttempts}
	if !m.MaxAttempts.IsNull() && !m.MaxAttempts.IsUnknown() {
		spec.MaxAttempts = int(m.MaxAttempts.ValueInt64())
	}
	spec.Health = m.toHealth(ctx, &diags)
	return spec, diags
}

func (m model) toHealth(ctx context.Context, diags *diag.Diagnostics) service.Health {
	h, _ := plain.Object[healthModel](ctx, m.Health, diags)
	at := path.Root("health")
	length := func(value types.String, name string, fallback time.Duration) service.Duration {
		return duration.ToDuration(value, fallback, at.AtName(name), diags)
	}
	health := service.Health{
		MinHealthyTime:   length(h.MinHealthyTime, "min_healthy_time", service.DefaultMinHealthyTime.D()),
		HealthyDeadline:  length(h.HealthyDeadline, "healthy_deadline", service.DefaultHealthyDeadline.D()),
		ProgressDeadline: length(h.ProgressDeadline, "progress_deadline", service.DefaultProgressDeadline.D()),
		Interval:         length(h.Interval, "interval", service.DefaultProbeInterval.D()),
		Timeout:          length(h.Timeout, "timeout", service.DefaultProbeTimeout.D()),
		DenyLogs:         plain.Strings(h.DenyLogs),
	}
	if http, found := plain.Object[httpModel](ctx, h.HTTP, diags); found {
		health.HTTP = &service.HTTPProbe{Path: http.Path.ValueString(), Status: plain.Ints(http.Status), Headers: plain.StringMap(http.Headers)}
	}
	return health
}

// target is the id that follows from service and content; unknown while one of them is.
func (m model) target(ctx context.Context) (types.String, diag.Diagnostics) {
	c, known, diags := content.ToContent(ctx, m.Content)
	if !known || m.Service.IsUnknown() || m.Service.IsNull() {
		return types.StringUnknown(), diags
	}
	return types.StringValue(string(c.ReleaseID(service.ID(m.Service.ValueString())))), diags
}

// protected unless the user said otherwise.
func (m model) protected() bool {
	return m.DeletionProtection.IsNull() || m.DeletionProtection.ValueBool()
}
