package checks

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/whole"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func logsAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "Reads what the release under test wrote since it started.",
		Attributes: map[string]schema.Attribute{
			"deny": schema.ListAttribute{
				Required: true, ElementType: types.StringType,
				MarkdownDescription: "Regular expressions (RE2) of lines that must not be there: `[\"panic:\", \"ERROR\"]`.",
			},
			"max": schema.Int64Attribute{
				CustomType:          whole.Type{},
				Optional:            true,
				MarkdownDescription: "How many such lines are allowed. Default: 0.",
			},
		},
	}
}

type logsModel struct {
	Deny types.List   `tfsdk:"deny"`
	Max  whole.Number `tfsdk:"max"`
}

func logsToSpec(ctx context.Context, object types.Object, diags *diag.Diagnostics) *service.LogsCheck {
	m, found := plain.Object[logsModel](ctx, object, diags)
	if !found {
		return nil
	}
	return &service.LogsCheck{Deny: plain.Strings(m.Deny), Max: plain.Int(m.Max, 0)}
}
