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

// sqlTimeout is how long connecting and asking may take where nothing is written.
const sqlTimeout = 10 * time.Second

func sqlAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "Asks a PostgreSQL database.",
		Attributes: map[string]schema.Attribute{
			"url": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "URL of the database without a password: `postgres://web@db.internal:5432/orders`.",
			},
			"password": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Name of one of the provider's `credentials`.",
			},
			"query": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "The query: `select 1`.",
			},
			"expect": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Text that the first column of the first row must have. Default: the query must only succeed.",
			},
			"timeout": schema.StringAttribute{
				Optional: true, Validators: []validator.String{duration.AtLeast(time.Millisecond)},
				MarkdownDescription: "Longest time to connect and to answer. Default: `10s`.",
			},
		},
	}
}

type sqlModel struct {
	URL      types.String `tfsdk:"url"`
	Password types.String `tfsdk:"password"`
	Query    types.String `tfsdk:"query"`
	Expect   types.String `tfsdk:"expect"`
	Timeout  types.String `tfsdk:"timeout"`
}

func sqlToSpec(ctx context.Context, at path.Path, object types.Object, diags *diag.Diagnostics) *service.SQLCheck {
	m, found := plain.Object[sqlModel](ctx, object, diags)
	if !found {
		return nil
	}
	return &service.SQLCheck{
		URL:      m.URL.ValueString(),
		Password: m.Password.ValueString(),
		Query:    m.Query.ValueString(),
		Expect:   plain.Text(m.Expect),
		Timeout:  duration.ToDuration(m.Timeout, sqlTimeout, at.AtName("timeout"), diags),
	}
}
