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
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/whole"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Where nothing is written: how long one connection may take, and how long to wait before the next one.
const (
	tcpTimeout  = 5 * time.Second
	tcpInterval = 1 * time.Second
)

func tcpAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "Opens a connection. `tcp = {}` asks every instance of the release under test.",
		Attributes: map[string]schema.Attribute{
			"address": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "`host:port` to connect to. Default: every instance of the release under test.",
			},
			"timeout": schema.StringAttribute{
				Optional: true, Validators: []validator.String{duration.AtLeast(time.Millisecond)},
				MarkdownDescription: "Longest time of one connection. Default: `5s`.",
			},
			"retries": schema.Int64Attribute{
				CustomType:          whole.Type{},
				Optional:            true,
				MarkdownDescription: "How often a connection that failed is tried again, `interval` apart. Default: 0.",
			},
			"interval": schema.StringAttribute{
				Optional: true, Validators: []validator.String{duration.Any()},
				MarkdownDescription: "Time between tries. Default: `1s`.",
			},
		},
	}
}

type tcpModel struct {
	Address  types.String `tfsdk:"address"`
	Timeout  types.String `tfsdk:"timeout"`
	Retries  whole.Number `tfsdk:"retries"`
	Interval types.String `tfsdk:"interval"`
}

func tcpToSpec(ctx context.Context, at path.Path, object types.Object, diags *diag.Diagnostics) *service.TCPCheck {
	m, found := plain.Object[tcpModel](ctx, object, diags)
	if !found {
		return nil
	}
	return &service.TCPCheck{
		Address:  m.Address.ValueString(),
		Timeout:  duration.ToDuration(m.Timeout, tcpTimeout, at.AtName("timeout"), diags),
		Retries:  plain.Int(m.Retries, 0),
		Interval: duration.ToDuration(m.Interval, tcpInterval, at.AtName("interval"), diags),
	}
}
