// Package artifact is the data source deploy_artifact: the artifact is the one that was tested and approved.
package artifact

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/artifact"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/engine"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// New makes the data source.
func New() datasource.DataSource { return &artifactData{} }

type artifactData struct{ engine *engine.Engine }

var (
	_ datasource.DataSourceWithConfigure      = (*artifactData)(nil)
	_ datasource.DataSourceWithValidateConfig = (*artifactData)(nil)
)

type model struct {
	Service   types.String `tfsdk:"service"`
	File      types.String `tfsdk:"file"`
	SHA256    types.String `tfsdk:"sha256"`
	Require   types.Object `tfsdk:"require"`
	Reference types.String `tfsdk:"reference"`
	Digest    types.String `tfsdk:"digest"`
	Size      types.Int64  `tfsdk:"size"`
}

func (d *artifactData) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_artifact"
}

func (d *artifactData) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Step 1, prepare: an artifact by its digest, looked through, and required to have been tested and approved.",
		Attributes: map[string]schema.Attribute{
			"service": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Id of the service that it is for, as a plain string (a reference would put the reading off to the apply). " +
					"What stands there is not asked for its papers again, and a release that its ledger knows needs no file.",
			},
			"file": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Path of the file: a `.tar.gz`, a `.tar.zst`, or a single executable.",
			},
			"sha256": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "SHA-256 that the file must have, as 64 hex digits.",
			},
			"require": schema.SingleNestedAttribute{
				Optional:            true,
				MarkdownDescription: "What the artifact must have been through.",
				Attributes: map[string]schema.Attribute{
					"passed_in": schema.SingleNestedAttribute{
						Optional:            true,
						MarkdownDescription: "This very digest was finalized as a release of another service, and never rolled back.",
						Attributes: map[string]schema.Attribute{
							"service": schema.StringAttribute{
								Required:            true,
								MarkdownDescription: "Id of that service, such as `staging/web`.",
							},
							"min_age": schema.StringAttribute{
								Optional: true, Validators: []validator.String{duration.Any()},
								MarkdownDescription: "How long ago that was at least. Default: `0s`.",
							},
						},
					},
				},
			},
			"reference": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "What `content.artifact` of a release takes: `file:<path>@sha256:<digest>`.",
			},
			"digest": schema.StringAttribute{Computed: true, MarkdownDescription: "`sha256:` and 64 hex digits."},
			"size":   schema.Int64Attribute{Computed: true, MarkdownDescription: "Size of the file in bytes; null where the file is not there any more, and the ledger knows the digest."},
		},
	}
}

func (d *artifactData) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	d.engine = engine.FromProviderData(req.ProviderData, &resp.Diagnostics)
}

var sha256Pattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

func (d *artifactData) ValidateConfig(ctx context.Context, req datasource.ValidateConfigRequest, resp *datasource.ValidateConfigResponse) {
	var config model
	diags := &resp.Diagnostics
	defer diagnostics.NamePaths(diags)
	diags.Append(req.Config.Get(ctx, &config)...)
	if diags.HasError() {
		return
	}
	if known(config.SHA256) && !sha256Pattern.MatchString(config.SHA256.ValueString()) {
		diags.AddAttributeError(path.Root("sha256"), "Invalid Value",
			fmt.Sprintf("%q is not a SHA-256: write 64 hex digits in lower case, as `sha256sum` prints them.", config.SHA256.ValueString()))
	}
	validateID(config.Service, path.Root("service"), diags)
	if passed, found := config.passedIn(ctx, diags); found {
		validateID(passed.Service, passedInPath.AtName("service"), diags)
	}
}

func validateID(id types.String, at path.Path, diags *diag.Diagnostics) {
	if !known(id) {
		return
	}
	if _, err := service.ParseID(id.ValueString()); err != nil {
		diags.AddAttributeError(at, "Invalid Value", diagnostics.Sentence(err.Error()))
	}
}

func known(value types.String) bool { return !value.IsNull() && !value.IsUnknown() }

func (d *artifactData) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var config model
	diags := &resp.Diagnostics
	defer diagnostics.NamePaths(diags)
	diags.Append(req.Config.Get(ctx, &config)...)
	if diags.HasError() {
		return
	}
	d.look(ctx, &config, diags)
	if !diags.HasError() {
		d.require(ctx, config, diags)
	}
	if !diags.HasError() {
		diags.Append(resp.State.Set(ctx, config)...)
	}
}

// look finds out the digest, and that the file could be installed.
func (d *artifactData) look(ctx context.Context, m *model, diags *diag.Diagnostics) {
	file := m.File.ValueString()
	at := path.Root("file")
	want := ""
	if known(m.SHA256) {
		want = "sha256:" + m.SHA256.ValueString()
	}
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) && want != "" && d.recorded(ctx, *m, want, diags) {
		m.found(file, want)
		m.Size = types.Int64Null()
		return
	}
	if diags.HasError() {
		return
	}
	if err != nil {
		diags.AddAttributeError(at, "Artifact Not Found", fmt.Sprintf("The artifact cannot be read: %s. Build it, or correct the path, which is relative to where Terraform runs.", err))
		return
	}
	digest, err := artifact.Digest(ctx, file)
	if err != nil {
		diags.AddAttributeError(at, "Artifact Not Readable", diagnostics.Sentence(err.Error()))
		return
	}
	if want != "" && digest != want {
		diags.AddAttributeError(path.Root("sha256"), "Artifact Has Another Digest",
			fmt.Sprintf("%s has the digest %s, not %s: it is another file than the one that was expected. Put the right one there, or correct sha256.", file, digest, want))
		return
	}
	if err := artifact.Inspect(ctx, file); err != nil {
		diags.AddAttributeError(at, "Artifact Not Installable", diagnostics.Sentence(err.Error()))
		return
	}
	m.found(file, digest)
	m.Size = types.Int64Value(info.Size())
}

func (m *model) found(file, digest string) {
	m.Digest = types.StringValue(digest)
	m.Reference = types.StringValue(service.Reference{Path: file, Digest: digest}.String())
}
