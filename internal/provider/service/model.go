package service

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// model of the resource. What a user did not write is null; ToDefinition puts defaults in its place.
type model struct {
	Name        types.String `tfsdk:"name"`
	Environment types.String `tfsdk:"environment"`
	Platform    types.Object `tfsdk:"platform"`
	Router      types.Object `tfsdk:"router"`
	Metrics     types.Object `tfsdk:"metrics"`
	Notify      types.Map    `tfsdk:"notify"`
	ID          types.String `tfsdk:"id"`
	Status      types.String `tfsdk:"status"`
	StoreID     types.String `tfsdk:"store_id"`
}

type platformModel struct {
	Host       types.Object `tfsdk:"host"`
	Kubernetes types.Object `tfsdk:"kubernetes"`
}

// id is known as soon as name and environment are.
func (m model) id() types.String {
	if m.Name.IsUnknown() || m.Environment.IsUnknown() {
		return types.StringUnknown()
	}
	return types.StringValue(string(service.NewID(m.Environment.ValueString(), m.Name.ValueString())))
}

// known tells whether all that makes the definition is known.
func (m model) known(ctx context.Context) bool {
	for _, value := range []attr.Value{m.Platform, m.Router, m.Metrics, m.Notify} {
		if !plain.IsKnown(ctx, value) {
			return false
		}
	}
	return true
}

// ToDefinition is the service with defaults where nothing is written, or nothing is known yet.
func (m model) ToDefinition(ctx context.Context) (service.Definition, diag.Diagnostics) {
	var diags diag.Diagnostics
	d := service.Definition{ID: service.ID(m.id().ValueString())}
	if host, found := m.host(ctx, &diags); found {
		d.Platform.Host = host.toDefinition(ctx, d.ID, &diags)
	}
	d.Router, d.Metrics = toRouter(ctx, m.Router, &diags), toMetrics(ctx, m.Metrics, &diags)
	d.Notify = toNotify(ctx, m.Notify, &diags)
	return d, diags
}
