package service

import (
	"context"
	"encoding/json"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/arguments"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// FromDefinition is a service as a user would write it: defaults are left out.
func FromDefinition(ctx context.Context, d service.Definition) (m model, diags diag.Diagnostics) {
	written := map[string]any{"name": d.ID.Name(), "environment": d.ID.Environment()}
	if h := d.Platform.Host; h != nil {
		written["platform"] = map[string]any{"host": fromHost(d.ID, *h)}
	}
	if d.Router != nil {
		written["router"] = fromRouter(*d.Router)
	}
	if d.Metrics != nil {
		written["metrics"] = fromMetrics(*d.Metrics)
	}
	written["notify"] = fromNotify(d.Notify)
	encoded, err := json.Marshal(written)
	if err != nil {
		diags.AddError("Provider Defect", "A service's definition cannot be written: "+err.Error()+". Please report it.")
		return m, diags
	}
	var raw tftypes.Value
	if raw, err = arguments.Decode(ctx, resourceSchema(), encoded); err != nil {
		diags.AddError("Provider Defect", "A service's definition cannot be read back: "+err.Error()+". Please report it.")
		return m, diags
	}
	diags.Append(tfsdk.State{Schema: resourceSchema(), Raw: raw}.Get(ctx, &m)...)
	m.ID = types.StringValue(string(d.ID))
	return m, diags
}
