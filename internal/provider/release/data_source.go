package release

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/content"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/engine"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// NewDataSource makes the data source deploy_release: what stands at a service.
func NewDataSource() datasource.DataSource { return &releaseData{} }

type releaseData struct{ engine *engine.Engine }

var _ datasource.DataSourceWithConfigure = (*releaseData)(nil)

type dataModel struct {
	Service     types.String `tfsdk:"service"`
	Release     types.String `tfsdk:"release"`
	Version     types.String `tfsdk:"version"`
	Digest      types.String `tfsdk:"digest"`
	Content     types.Object `tfsdk:"content"`
	FinalizedAt types.String `tfsdk:"finalized_at"`
	Attempt     types.Int64  `tfsdk:"attempt"`
	Status      types.String `tfsdk:"status"`
}

func (d *releaseData) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_release"
}

func (d *releaseData) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The release that carries the traffic of a service: for promotion from one environment to the next.",
		Attributes: map[string]schema.Attribute{
			"service": schema.StringAttribute{Required: true, MarkdownDescription: "Id of the service, such as `staging/web`."},
			"release": schema.StringAttribute{Computed: true, MarkdownDescription: "Id of the release."},
			"version": schema.StringAttribute{Computed: true, MarkdownDescription: "Its version."},
			"digest":  schema.StringAttribute{Computed: true, MarkdownDescription: "Digest of its artifact, `sha256:` and 64 hex digits; null if it has none."},
			"content": schema.ObjectAttribute{
				Computed: true, AttributeTypes: content.Types,
				MarkdownDescription: "Its content, as `deploy_release` takes it.",
			},
			"finalized_at": schema.StringAttribute{Computed: true, MarkdownDescription: "When it was finalized, RFC 3339 in UTC; null while it is not."},
			"attempt":      schema.Int64Attribute{Computed: true, MarkdownDescription: "Number of the attempt that introduced it."},
			"status":       schema.StringAttribute{Computed: true, MarkdownDescription: "`finalized`, or `introduced` for one that has all of the traffic and that no finalization has closed yet."},
		},
	}
}

func (d *releaseData) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	d.engine = engine.FromProviderData(req.ProviderData, &resp.Diagnostics)
}

func (d *releaseData) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m dataModel
	diags := &resp.Diagnostics
	diags.Append(req.Config.Get(ctx, &m)...)
	if diags.HasError() {
		return
	}
	id, err := service.ParseID(m.Service.ValueString())
	if err != nil {
		diags.AddAttributeError(path.Root("service"), "Invalid Value", diagnostics.Sentence(err.Error()))
		return
	}
	run, err := d.engine.Run()
	if err != nil {
		diagnostics.AddError(ctx, diags, nil, "Store Not Known", err)
		return
	}
	view, err := run.Service(id).Read(ctx)
	if err != nil {
		diagnostics.AddError(ctx, diags, nil, "Ledger Not Readable", fmt.Errorf("read the ledger of %s: %w", id, err))
		return
	}
	attempt, release := standing(view)
	if release == nil {
		diags.AddAttributeError(path.Root("service"), "No Release Stands",
			fmt.Sprintf("No release of %s carries traffic according to the store %s. Release one there first, or correct the id or the store.", id, run.Store().URL()))
		return
	}
	diags.Append(m.fill(ctx, *release, attempt)...)
	if !diags.HasError() {
		diags.Append(resp.State.Set(ctx, m)...)
	}
}

// standing is the release that carries the traffic, and the attempt that brought it there, nil where that is not kept any
// more. A candidate does not stand, but for one with all of the traffic: then it is what users see.
func standing(view ledger.View) (*ledger.Attempt, *service.Release) {
	state := &view.State
	if a := state.OpenAttempt(); a != nil && a.Weight == 100 && a.Number != view.Void() {
		if r, found := state.Releases[a.Release]; found {
			return a, &r
		}
	}
	stable := state.StableRelease()
	if stable == nil {
		return nil, nil
	}
	for i := len(state.Attempts) - 1; i >= 0; i-- {
		if a := &state.Attempts[i]; a.Release == stable.ID && a.Stands() {
			return a, stable
		}
	}
	return nil, stable
}

func (m *dataModel) fill(ctx context.Context, r service.Release, a *ledger.Attempt) diag.Diagnostics {
	object, diags := content.FromContent(ctx, r.Content)
	m.Release, m.Version, m.Content = types.StringValue(string(r.ID)), types.StringValue(r.Content.Version), object
	m.Digest, m.FinalizedAt, m.Attempt, m.Status = types.StringNull(), types.StringNull(), types.Int64Null(), types.StringValue("finalized")
	if ref, err := service.ParseReference(r.Content.Artifact); err == nil {
		m.Digest = types.StringValue(ref.Digest)
	}
	if a == nil {
		return diags
	}
	m.Attempt = types.Int64Value(int64(a.Number))
	if a.Open() {
		m.Status = types.StringValue("introduced")
	} else {
		m.FinalizedAt = types.StringValue(a.EndedAt.UTC().Format(time.RFC3339))
	}
	return diags
}
