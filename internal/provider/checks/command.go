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

// commandTimeout is how long a program may run where nothing is written.
const commandTimeout = 5 * time.Minute

func commandAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "Runs a program, without a shell, where Terraform runs.",
		Attributes: map[string]schema.Attribute{
			"argv": schema.ListAttribute{
				Required: true, ElementType: types.StringType,
				MarkdownDescription: "The program and its arguments: `[\"./checkout-flow.sh\", \"--fast\"]`.",
			},
			"directory": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Directory to run in. Default: where Terraform runs.",
			},
			"environment": schema.MapAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Variables beside `PATH`, `HOME` and those of the release under test: `DEPLOY_RELEASE`, `DEPLOY_ADDRESS` (the first instance's `host:port`), " +
					"`DEPLOY_ADDRESSES` (all of them). Not for secrets.",
			},
			"secrets": schema.MapAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Names of the provider's `credentials` by the variable that holds the secret.",
			},
			"timeout": schema.StringAttribute{
				Optional: true, Validators: []validator.String{duration.AtLeast(time.Millisecond)},
				MarkdownDescription: "Longest time that the program may run. Default: `5m`.",
			},
			"exit_code": schema.Int64Attribute{
				CustomType:          whole.Type{},
				Optional:            true,
				MarkdownDescription: "Exit code that passes. Default: 0.",
			},
			"junit": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Path of a JUnit report that the program writes, relative to `directory`: the failed test cases are read into the result.",
			},
		},
	}
}

type commandModel struct {
	Argv        types.List   `tfsdk:"argv"`
	Directory   types.String `tfsdk:"directory"`
	Environment types.Map    `tfsdk:"environment"`
	Secrets     types.Map    `tfsdk:"secrets"`
	Timeout     types.String `tfsdk:"timeout"`
	ExitCode    whole.Number `tfsdk:"exit_code"`
	JUnit       types.String `tfsdk:"junit"`
}

func commandToSpec(ctx context.Context, at path.Path, object types.Object, diags *diag.Diagnostics) *service.CommandCheck {
	m, found := plain.Object[commandModel](ctx, object, diags)
	if !found {
		return nil
	}
	return &service.CommandCheck{
		Argv:        plain.Strings(m.Argv),
		Directory:   m.Directory.ValueString(),
		Environment: plain.StringMap(m.Environment),
		Secrets:     plain.StringMap(m.Secrets),
		Timeout:     duration.ToDuration(m.Timeout, commandTimeout, at.AtName("timeout"), diags),
		ExitCode:    plain.Int(m.ExitCode, 0),
		JUnit:       m.JUnit.ValueString(),
	}
}
