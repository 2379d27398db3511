package judgement

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
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
	if m.Errors.IsNull() && m.Latency.IsNull() {
		diags.AddAttributeError(root, "Nothing Judged", "An analysis needs at least one of errors, latency: `errors = {}` compares the share of errors with the stable release's.")
	}
	if confidence := plain.Float(m.Confidence); confidence != nil && (*confidence <= 0 || *confidence >= 1) {
		diags.AddAttributeError(root.AtName("confidence"), "Invalid Value",
			fmt.Sprintf("%g is not a confidence: write a number above 0 and below 1, such as 0.99.", *confidence))
	}
	if e, known := plain.Object[errorsModel](ctx, m.Errors, &diags); known {
		judgesNothing(root.AtName("errors"), e.VersusStable, e.MaxRate, "max_rate = 0.05", &diags)
	}
	if l, known := plain.Object[latencyModel](ctx, m.Latency, &diags); known {
		judgesNothing(root.AtName("latency"), l.VersusStable, l.MaxRatio, "max_ratio = 0.05", &diags)
	}
	pauses(root, m, &diags)
	return diags
}

// judgesNothing refuses a rule that is neither absolute nor a comparison.
func judgesNothing(at path.Path, versusStable types.Bool, limit attr.Value, remedy string, diags *diag.Diagnostics) {
	if !versusStable.IsNull() && !versusStable.IsUnknown() && !versusStable.ValueBool() && limit.IsNull() {
		diags.AddAttributeError(at, "Nothing Judged",
			fmt.Sprintf("It needs at least one of a limit (%s) and the comparison with stable (versus_stable = true).", remedy))
	}
}

// pauses refuses looks that are farther apart than the longest pause: there would be none.
func pauses(root path.Path, m model, diags *diag.Diagnostics) {
	if m.Interval.IsUnknown() || m.MaxPause.IsUnknown() {
		return
	}
	var unread diag.Diagnostics // The validators' to report.
	interval := duration.ToDuration(m.Interval, defaultInterval, root, &unread)
	longest := duration.ToDuration(m.MaxPause, defaultMaxPause, root, &unread)
	if shortest := service.Duration(time.Second); !unread.HasError() && longest >= shortest && interval > longest {
		diags.AddAttributeError(root.AtName("interval"), "Invalid Value",
			fmt.Sprintf("Looks every %s would come after max_pause, %s: write a shorter interval, such as \"1s\".", interval, longest))
	}
}

// Resolve refuses the object `analysis`, which stands at root, on a service without metrics.
func Resolve(root path.Path, object types.Object, metrics bool) diag.Diagnostics {
	var diags diag.Diagnostics
	if !metrics && !object.IsNull() && !object.IsUnknown() {
		diags.AddAttributeError(root, "Service Without Metrics",
			"The service has no metrics, so there is nothing to judge: give deploy_service metrics, such as `metrics = { scrape = {} }`, or remove the analysis.")
	}
	return diags
}
