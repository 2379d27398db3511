// Package checks is the map of checks that preflight, smoke test and verification share: its schema, its models and
// their way into the engine's form. There is one file a kind of check.
package checks

import (
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/check"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Optional is the attribute `checks` of a resource that can do without. what says what they are run against.
func Optional(what string) schema.MapNestedAttribute {
	return schema.MapNestedAttribute{
		Optional: true,
		MarkdownDescription: "Checks by name, run side by side " + what + ". Each has exactly one of `http`, `tcp`, `command`, `logs`, `sql` and `metric`. " +
			"They run when a release changes, never in a refresh; a change of the checks alone runs nothing.",
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"http":    httpAttribute(),
			"tcp":     tcpAttribute(),
			"command": commandAttribute(),
			"logs":    logsAttribute(),
			"sql":     sqlAttribute(),
			"metric":  metricAttribute(),
		}},
	}
}

// Required is the attribute `checks` of a resource that is nothing without.
func Required(what string) schema.MapNestedAttribute {
	attribute := Optional(what)
	attribute.Optional, attribute.Required = false, true
	return attribute
}

// model is one check; its fields are those of service.Check.
type model struct {
	HTTP    types.Object `tfsdk:"http"`
	TCP     types.Object `tfsdk:"tcp"`
	Command types.Object `tfsdk:"command"`
	Logs    types.Object `tfsdk:"logs"`
	SQL     types.Object `tfsdk:"sql"`
	Metric  types.Object `tfsdk:"metric"`
}

// ToSpec turns the map `checks`, which stands at root, into the engine's form, with the defaults where nothing is
// written. What is not known yet comes out as if it were not written; ask plain.IsKnown where that matters.
func ToSpec(ctx context.Context, root path.Path, checks types.Map) (map[string]service.Check, diag.Diagnostics) {
	var diags diag.Diagnostics
	if len(checks.Elements()) == 0 {
		return nil, diags
	}
	specs := make(map[string]service.Check, len(checks.Elements()))
	for name, element := range checks.Elements() {
		specs[name] = toSpec(ctx, root.AtMapKey(name), element, &diags)
	}
	return specs, diags
}

func toSpec(ctx context.Context, at path.Path, element attr.Value, diags *diag.Diagnostics) service.Check {
	object, _ := element.(types.Object)
	m, found := plain.Object[model](ctx, object, diags)
	if !found {
		return service.Check{}
	}
	return service.Check{
		HTTP:    httpToSpec(ctx, at.AtName("http"), m.HTTP, diags),
		TCP:     tcpToSpec(ctx, at.AtName("tcp"), m.TCP, diags),
		Command: commandToSpec(ctx, at.AtName("command"), m.Command, diags),
		Logs:    logsToSpec(ctx, m.Logs, diags),
		SQL:     sqlToSpec(ctx, at.AtName("sql"), m.SQL, diags),
		Metric:  metricToSpec(ctx, at.AtName("metric"), m.Metric, diags),
	}
}

// Validate says what is wrong with the map `checks`, which stands at root, on the attributes concerned. What
// may come of something that is not known yet is left for later.
func Validate(ctx context.Context, root path.Path, checks types.Map) diag.Diagnostics {
	var diags diag.Diagnostics
	for name, element := range checks.Elements() {
		at := root.AtMapKey(name)
		if element.IsNull() {
			diags.AddAttributeError(at, "Invalid Value", "A check needs exactly one of http, tcp, command, logs, sql, metric; remove it where none is wanted.")
			continue
		}
		// The durations that cannot be read are the validators' to report.
		var unread diag.Diagnostics
		spec := toSpec(ctx, at, element, &unread)
		if !unread.HasError() {
			diags.Append(diagnostics.Located(ctx, at, element, slices.DeleteFunc(check.Validate(spec), tooShort))...)
		}
	}
	return diags
}

// tooShort tells whether a problem is that of a time limit of nothing, which the attribute's validator reports.
func tooShort(p service.Problem) bool {
	return len(p.Path) > 0 && p.Path[len(p.Path)-1] == "timeout"
}
