package checks

import (
	"context"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
)

// Resolve refuses, each at its attribute, what the map `checks`, which stands at root, needs and is not there: credentials by
// name, and, for a service without them, metrics. credentials are nil where they are not known yet, metrics is true then.
func Resolve(ctx context.Context, root path.Path, checks types.Map, credentials delivery.Credentials, metrics bool) diag.Diagnostics {
	var diags diag.Diagnostics
	eachCredential(ctx, root, checks, func(at path.Path, name string) {
		if credentials != nil {
			diagnostics.Credential(credentials, at, name, &diags)
		}
	})
	eachMetric(ctx, root, checks, func(at path.Path) {
		if !metrics {
			diags.AddAttributeError(at, "Service Without Metrics",
				"The service has no metrics, so there is no series to compare: give deploy_service metrics, such as `metrics = { scrape = {} }`, or remove the check.")
		}
	})
	return diags
}

// eachCredential visits the names of credentials in the map `checks`, which stands at root, with the attribute that
// names each. Names that are not known yet are left out.
func eachCredential(ctx context.Context, root path.Path, checks types.Map, visit func(at path.Path, name string)) {
	each(ctx, root, checks, func(at path.Path, m model) {
		var ignored diag.Diagnostics
		if command, found := plain.Object[commandModel](ctx, m.Command, &ignored); found {
			secrets := plain.StringMap(command.Secrets)
			for _, variable := range slices.Sorted(maps.Keys(secrets)) {
				if name := secrets[variable]; name != "" {
					visit(at.AtName("command").AtName("secrets").AtMapKey(variable), name)
				}
			}
		}
		if sql, found := plain.Object[sqlModel](ctx, m.SQL, &ignored); found && sql.Password.ValueString() != "" {
			visit(at.AtName("sql").AtName("password"), sql.Password.ValueString())
		}
	})
}

// eachMetric visits the attribute `metric` of every check that compares a metric.
func eachMetric(ctx context.Context, root path.Path, checks types.Map, visit func(at path.Path)) {
	each(ctx, root, checks, func(at path.Path, m model) {
		if !m.Metric.IsNull() && !m.Metric.IsUnknown() {
			visit(at.AtName("metric"))
		}
	})
}

// each visits the checks that can be read, in the order of their names.
func each(ctx context.Context, root path.Path, checks types.Map, visit func(at path.Path, m model)) {
	elements := checks.Elements()
	for _, name := range slices.Sorted(maps.Keys(elements)) {
		var ignored diag.Diagnostics
		object, _ := elements[name].(types.Object)
		if m, found := plain.Object[model](ctx, object, &ignored); found {
			visit(root.AtMapKey(name), m)
		}
	}
}
