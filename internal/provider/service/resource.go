// Package service is the resource deploy_service.
package service

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/engine"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// New makes the resource.
func New() resource.Resource { return &serviceResource{} }

type serviceResource struct{ engine *engine.Engine }

var (
	_ resource.ResourceWithConfigure      = (*serviceResource)(nil)
	_ resource.ResourceWithValidateConfig = (*serviceResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*serviceResource)(nil)
	_ resource.ResourceWithImportState    = (*serviceResource)(nil)
)

// facts are kept in private state.
type facts struct {
	StoreID string `json:"store_id"`
	// Owner is the token by which the ledger knows this resource.
	Owner string `json:"owner"`
}

// What deploy_service.status says.
const (
	statusReady         = "ready"
	statusInterrupted   = "interrupted"
	statusRestoreFailed = "restore_failed"
	statusResizing      = "resizing"
)

func (r *serviceResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_service"
}

func (r *serviceResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = resourceSchema()
}

func (r *serviceResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.engine = engine.FromProviderData(req.ProviderData, &resp.Diagnostics)
}

func (r *serviceResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var config model
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(config.validate(ctx)...)
	}
	diagnostics.NamePaths(&resp.Diagnostics)
}

// read what the ledger says of a service, in the store that the facts remember.
func (r *serviceResource) read(ctx context.Context, id service.ID, kept facts, diags *diag.Diagnostics) (view ledger.View, ok bool) {
	run, err := r.engine.Run()
	if err != nil {
		diagnostics.AddError(ctx, diags, nil, "Store Not Known", err)
		return view, false
	}
	if view, err = run.Service(id).View(ctx); err != nil {
		diagnostics.AddError(ctx, diags, nil, "Ledger Not Readable", fmt.Errorf("read the ledger of %s: %w", id, err))
		return view, false
	}
	if err := r.engine.SameStore(ctx, id, kept.StoreID, &view.State); err != nil {
		diagnostics.AddError(ctx, diags, nil, "Store Not Readable", err)
		return view, false
	}
	return view, true
}

// procedure of a service, for an apply.
func (r *serviceResource) procedure(ctx context.Context, id service.ID, diags *diag.Diagnostics) *delivery.Procedure {
	run, err := r.engine.ForChange()
	if err != nil {
		diagnostics.AddError(ctx, diags, nil, "Store Not Known", err)
		return nil
	}
	return run.Service(id)
}

func statusOf(view ledger.View) string {
	switch {
	case view.State.Broken != nil:
		return statusRestoreFailed
	case view.Interrupted() != nil, view.Unsettled():
		return statusInterrupted
	case delivery.Unsized(&view.State):
		return statusResizing
	}
	return statusReady
}
