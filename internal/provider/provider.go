// Package provider is the Terraform provider "deploy": software deployments as resources, one for each step.
package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/adoption"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/artifact"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/checkpoint"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/finalization"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/preflight"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/release"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/releaseid"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/smoketest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/trafficsplit"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/verification"
	domain "github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// New makes the provider, in the form that servers take it. The process's runs are registered with lifetime, which ends them.
func New(version string, lifetime *Lifetime) func() provider.Provider {
	return func() provider.Provider { return &deploy{version: version, lifetime: lifetime} }
}

type deploy struct {
	version  string
	lifetime *Lifetime
}

var _ provider.ProviderWithFunctions = (*deploy)(nil)

type model struct {
	Store       types.String `tfsdk:"store"`
	Credentials types.Map    `tfsdk:"credentials"`
	RunBudget   types.String `tfsdk:"run_budget"`
	Lock        types.Object `tfsdk:"lock"`
}

type lockModel struct {
	Wait  types.String `tfsdk:"wait"`
	Lease types.String `tfsdk:"lease"`
}

func (p *deploy) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "deploy"
	resp.Version = p.version
}

func (p *deploy) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Runs a release end to end: a plan shows what it will change, an apply carries it out under watch, and an apply that fails puts back what ran before.",
		Attributes: map[string]schema.Attribute{
			"store": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Where the ledgers lie: `s3://bucket/prefix`, `gs://bucket/prefix`, `azblob://container/prefix`, `file:///absolute/path` or `file://./relative/path`, with the parameters and credentials that [the guide on stores](guides/stores.md) lists. Also from `DEPLOY_STORE`. " +
					"Default, on a person's machine: `file://./.deploy`. In CI it must be written, and in HCP Terraform `file://` is refused: a disk that does not outlive the run forgets what runs.",
			},
			"credentials": schema.MapAttribute{
				Optional: true, Sensitive: true, ElementType: types.StringType,
				MarkdownDescription: "Secrets by name, the one place for them: everywhere else their names stand. Ephemeral values are welcome. Also from `DEPLOY_CREDENTIAL_<NAME>`.",
			},
			"run_budget": schema.StringAttribute{
				Optional: true, Validators: []validator.String{duration.AtLeast(time.Second)},
				MarkdownDescription: "The longest that an apply may take, such as `60m`: a plan whose stages may take longer, summed over a service, is an error. Default: unbounded.",
			},
			"lock": schema.SingleNestedAttribute{
				Optional:            true,
				MarkdownDescription: "How a service is kept from being changed by two runs at once.",
				Attributes: map[string]schema.Attribute{
					"wait": schema.StringAttribute{
						Optional: true, Validators: []validator.String{duration.Any()},
						MarkdownDescription: "How long to wait for another run. Also from `DEPLOY_LOCK_WAIT`. Default: `5m`.",
					},
					"lease": schema.StringAttribute{
						Optional: true, Validators: []validator.String{duration.AtLeast(time.Second)},
						MarkdownDescription: "How long a run that does not show itself keeps a service. Also from `DEPLOY_LOCK_LEASE`. Default: `20s`.",
					},
				},
			},
		},
	}
}

// Configure makes the engine that all resources of this process share.
func (p *deploy) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var config model
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	e := p.engine(ctx, config, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.ResourceData, resp.DataSourceData = e, e
}

func (p *deploy) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{
		service.New, preflight.New, checkpoint.New, release.New, smoketest.New, trafficsplit.New, verification.New, finalization.New,
	}
}

// Remembered is what Terraform's state, as `terraform state pull` prints it, knows of a service whose ledger is lost.
func Remembered(ctx context.Context, state []byte, id domain.ID) (delivery.Remembered, error) {
	return adoption.Read(ctx, state, id, (&deploy{}).Resources(ctx))
}

func (p *deploy) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{artifact.New, release.NewDataSource}
}

func (p *deploy) Functions(context.Context) []func() function.Function {
	return []func() function.Function{releaseid.New}
}
