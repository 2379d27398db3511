package judgement

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Validate says what is wrong with the object `analysis`, which stands at root, beyond what its attributes' validators
// see one by one. It stays silent on what is not known yet.
func Validate(ctx context.Context, root path.Path, object types.Object) diag.Diagnostics {
	var diags diag.Diagnostics
	m, found := plain.Object[model](ctx, object, &diags)
	if !found {
		return diags
	}
	if m.Errors.IsNull() && m.Latency.IsNull() && !m.Business.IsUnknown() && len(m.Business.Elements()) == 0 {
		diags.AddAttributeError(root, "Nothing Judged", "An analysis needs at least one of errors, latency, business: `errors = {}` compares the share of errors with the stable release's.")
	}
	for name, element := range m.Business.Elements() {
		if element.IsNull() {
			diags.AddAttributeError(root.AtName("business").AtMapKey(name), invalid, "A number of the business needs its query and a bound, such as { query = \"orders_total\", versus_stable_min = 0.95 }; remove it where none is wanted.")
		}
	}
	// Durations that cannot be read are the validators' to report.
	var unread diag.Diagnostics
	spec := m.toSpec(ctx, root, &unread)
	problems := slices.DeleteFunc(analysis.Validate(spec.Config), func(p service.Problem) bool { return seenAlone(p) || m.waits(ctx, p) })
	for i := range problems {
		problems[i].Detail = strings.ReplaceAll(problems[i].Detail, "gauge = true", `type = "gauge"`) // as it is written here
	}
	diags.Append(diagnostics.Located(ctx, root, object, problems)...)
	m.validateMargins(ctx, root, &diags)
	onNoData.validate(root, m.OnNoData, m.NoDataDeadline, &diags)
	onSourceError.validate(root, m.OnSourceError, m.SourceErrorDeadline, &diags)
	onSharedFault.validate(root, m.OnSharedFault, m.SharedFaultDeadline, &diags)
	if !unread.HasError() {
		m.validateTimes(root, spec, &diags)
	}
	return diags
}

const invalid = "Invalid Value"

// seenAlone tells whether a problem is one that an attribute's validator reports.
func seenAlone(p service.Problem) bool {
	return slices.Contains([]string{"min_requests", "min_bad", "burst_window", "threshold"}, p.Path[len(p.Path)-1])
}

// waits tells whether a problem with the count of failures may come of a limit beside it that is not known yet.
func (m model) waits(ctx context.Context, p service.Problem) bool {
	var beside attr.Value
	switch last := p.Path[len(p.Path)-1]; {
	case last != "failure_limit" && last != "consecutive_failure_limit":
		return false
	case p.Path[0] == "errors":
		beside = m.Errors
	case p.Path[0] == "latency":
		beside = m.Latency
	default:
		beside = m.Business.Elements()[p.Path[1]]
	}
	return !plain.IsKnown(ctx, beside)
}

// validateMargins refuses one of a comparison that is not made.
func (m model) validateMargins(ctx context.Context, root path.Path, diags *diag.Diagnostics) {
	refuse := func(rule string, versusStable types.Bool, margin types.Float64) {
		if !margin.IsNull() && !margin.IsUnknown() && margin.ValueFloat64() > 0 && !plain.Bool(versusStable, true) {
			diags.AddAttributeError(root.AtName(rule).AtName("margin"), invalid,
				"It is a difference to the stable release, and versus_stable = false compares with nothing: remove the margin, or versus_stable.")
		}
	}
	if e, known := plain.Object[errorsModel](ctx, m.Errors, diags); known {
		refuse("errors", e.VersusStable, e.Margin)
	}
	if l, known := plain.Object[latencyModel](ctx, m.Latency, diags); known {
		refuse("latency", l.VersusStable, l.Margin)
	}
}

// validateTimes refuses looks and delays that are longer than the longest pause: nothing would be seen.
func (m model) validateTimes(root path.Path, spec delivery.AnalysisSpec, diags *diag.Diagnostics) {
	if m.MaxPause.IsUnknown() || spec.MaxPause < service.Duration(time.Second) {
		return
	}
	if !m.Interval.IsUnknown() && spec.Interval > spec.MaxPause {
		diags.AddAttributeError(root.AtName("interval"), invalid,
			fmt.Sprintf("Looks every %s would come after max_pause, %s: write a shorter interval, such as \"1s\".", spec.Interval, spec.MaxPause))
	}
	if !m.InitialDelay.IsUnknown() && spec.InitialDelay >= spec.MaxPause {
		diags.AddAttributeError(root.AtName("initial_delay"), invalid,
			fmt.Sprintf("Nothing counts for %s, and max_pause, %s, would be over before anything does: write a shorter initial_delay, or a longer max_pause.", spec.InitialDelay, spec.MaxPause))
	}
}

// MayHaveMargin tells whether the object `analysis` has a rule that decides something and asks for a margin, or may turn out to.
func MayHaveMargin(ctx context.Context, object types.Object) bool {
	if object.IsUnknown() {
		return true
	}
	var unread diag.Diagnostics
	m, _ := plain.Object[model](ctx, object, &unread)
	if m.Errors.IsUnknown() || m.Latency.IsUnknown() {
		return true
	}
	asks := func(versusStable, dryRun types.Bool, margin types.Float64) bool {
		return plain.Bool(versusStable, true) && (margin.IsUnknown() || number(margin, defaultMargin) > 0) && !plain.Bool(dryRun, false)
	}
	e, judged := plain.Object[errorsModel](ctx, m.Errors, &unread)
	if judged && asks(e.VersusStable, e.DryRun, e.Margin) {
		return true
	}
	l, judged := plain.Object[latencyModel](ctx, m.Latency, &unread)
	return judged && asks(l.VersusStable, l.DryRun, l.Margin)
}
