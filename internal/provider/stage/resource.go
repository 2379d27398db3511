package stage

import (
	"context"
	"fmt"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/engine"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

var (
	_ resource.ResourceWithConfigure      = (*Resource[Common])(nil)
	_ resource.ResourceWithValidateConfig = (*Resource[Common])(nil)
	_ resource.ResourceWithModifyPlan     = (*Resource[Common])(nil)
	_ resource.ResourceWithImportState    = (*Resource[Common])(nil)
)

func (k Kind[M]) withDefaults() Kind[M] {
	k.Schema = sync.OnceValue(k.Schema)
	if k.Target == nil {
		k.Target = func(_ context.Context, plan M) (types.String, diag.Diagnostics) { return k.Common(&plan).Release, nil }
	}
	if k.Rerun == nil {
		k.Rerun = func(M, M) bool { return false }
	}
	if k.Delete == nil {
		k.Delete = func(ctx context.Context, p *delivery.Procedure, owner string) error {
			return p.Forget(ctx, k.Stage, owner)
		}
	}
	return k
}

// Metadata names the resource.
func (r *Resource[M]) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + string(r.kind.Stage)
}

// Schema of the resource.
func (r *Resource[M]) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = r.kind.Schema()
}

// Configure takes the engine over from the provider.
func (r *Resource[M]) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.engine = engine.FromProviderData(req.ProviderData, &resp.Diagnostics)
}

// ValidateConfig decides what the configuration alone can tell.
func (r *Resource[M]) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var config M
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	r.validateIDs(&config, &resp.Diagnostics)
	if r.kind.Validate != nil {
		resp.Diagnostics.Append(r.kind.Validate(ctx, config)...)
	}
	diagnostics.NamePaths(&resp.Diagnostics)
}

func (r *Resource[M]) validateIDs(config *M, diags *diag.Diagnostics) {
	attributes := r.kind.Schema().Attributes
	id, release := r.kind.Service(config), r.kind.Common(config).Release
	_, hasService := attributes["service"]
	if hasService && isKnown(id) {
		if _, err := service.ParseID(id.ValueString()); err != nil {
			diags.AddAttributeError(path.Root("service"), "Invalid Value", err.Error()+".")
			return
		}
	}
	if attributes["release"].IsComputed() || !isKnown(release) {
		return
	}
	parsed, err := service.ParseReleaseID(release.ValueString())
	if err != nil {
		diags.AddAttributeError(path.Root("release"), "Invalid Value", err.Error()+".")
		return
	}
	if hasService && isKnown(id) && string(parsed.Service()) != id.ValueString() {
		diags.AddAttributeError(path.Root("release"), "Wrong Service",
			fmt.Sprintf("Release %s is not one of service %s. Take release and service from the same deploy_service.", parsed, id.ValueString()))
	}
}

// procedure of the service that a model belongs to, for an apply.
func (r *Resource[M]) procedure(ctx context.Context, m *M, diags *diag.Diagnostics) *delivery.Procedure {
	id, err := service.ParseID(r.kind.Service(m).ValueString())
	if err != nil {
		diags.AddError("Invalid Value", err.Error()+".")
		return nil
	}
	run, err := r.engine.ForChange()
	if err != nil {
		diagnostics.AddError(ctx, diags, nil, "Store Not Known", err)
		return nil
	}
	return run.Service(id)
}

// failed tells what the procedure said.
func (r *Resource[M]) failed(ctx context.Context, diags *diag.Diagnostics, doing string, err error) {
	diagnostics.AddError(ctx, diags, r.kind.Schema().Type(), fmt.Sprintf("%s %s", r.title(), doing), err)
}

// title is the stage's name as summaries write it: "Smoke Test".
func (r *Resource[M]) title() string { return titles[r.kind.Stage] }

var titles = map[service.Stage]string{
	service.StagePreflight: "Preflight", service.StageCheckpoint: "Checkpoint", service.StageRelease: "Release",
	service.StageSmokeTest: "Smoke Test", service.StageTrafficSplit: "Traffic Split",
	service.StageVerification: "Verification", service.StageFinalization: "Finalization",
}

func isKnown(value types.String) bool { return !value.IsNull() && !value.IsUnknown() }
