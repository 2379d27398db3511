package finalization

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/stage"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/whole"
)

// defaultKeepPrevious is how many releases are kept ready where nothing is written.
const defaultKeepPrevious = 1

type model struct {
	stage.Common
	BakeTime     types.String `tfsdk:"bake_time"`
	KeepPrevious whole.Number `tfsdk:"keep_previous"`
	Finalized    types.String `tfsdk:"finalized"`
	FinalizedAt  types.String `tfsdk:"finalized_at"`
}

// toSpec is the engine's form, with the defaults where nothing is written.
func (m model) toSpec(context.Context) (delivery.FinalizationSpec, diag.Diagnostics) {
	var diags diag.Diagnostics
	return delivery.FinalizationSpec{
		BakeTime:     duration.ToDuration(m.BakeTime, 0, path.Root("bake_time"), &diags),
		KeepPrevious: plain.Int(m.KeepPrevious, defaultKeepPrevious),
	}, diags
}

// export leaves what was planned as known: then nothing was finalized.
func export(m *model, exports delivery.Exports) {
	if m.Finalized.IsNull() || m.Finalized.IsUnknown() {
		m.Finalized = types.StringNull()
		if exports.Finalized != "" {
			m.Finalized = types.StringValue(string(exports.Finalized))
		}
	}
	if m.FinalizedAt.IsNull() || m.FinalizedAt.IsUnknown() {
		m.FinalizedAt = types.StringNull()
		if !exports.FinalizedAt.IsZero() {
			m.FinalizedAt = types.StringValue(exports.FinalizedAt.UTC().Format(time.RFC3339))
		}
	}
}
