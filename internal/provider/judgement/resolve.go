package judgement

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/connect"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/capable"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
)

// Resolve refuses, each at its attribute, what the object `analysis`, which stands at root, asks of a service that has no metrics, or of
// metrics that cannot answer it. It is silent where either is not known yet.
func Resolve(ctx context.Context, root path.Path, object types.Object, view *ledger.View) diag.Diagnostics {
	var diags diag.Diagnostics
	m, found := plain.Object[model](ctx, object, &diags)
	if !found {
		return diags
	}
	if !capable.Metrics(view) {
		diags.AddAttributeError(root, "Service Without Metrics",
			"The service has no metrics, so there is nothing to judge: give deploy_service metrics, such as `metrics = { scrape = {} }`, or remove the analysis.")
		return diags
	}
	if source := capable.Source(view); source != nil {
		problems := connect.ValidateSeries(*source, m.series(ctx, &diags))
		diags.Append(diagnostics.Located(ctx, root.AtName("business"), m.Business, problems)...)
	}
	return diags
}

// series that are known, by the names of their rules.
func (m model) series(ctx context.Context, diags *diag.Diagnostics) map[string]delivery.Series {
	series := map[string]delivery.Series{}
	for name, element := range m.Business.Elements() {
		object, _ := element.(types.Object)
		rule, found := plain.Object[businessModel](ctx, object, diags)
		if query, known := plain.Known(rule.Query); found && known && !rule.Type.IsUnknown() {
			series[name] = delivery.Series{Query: query, Gauge: rule.Type.ValueString() == gauge}
		}
	}
	return series
}
