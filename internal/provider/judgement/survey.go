package judgement

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/diagnostics"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
)

// Ask asks a service's metrics what they have of an analysis, of the release that is stable.
type Ask func(ctx context.Context, spec delivery.AnalysisSpec) (delivery.MetricsSurvey, error)

// Survey warns, each at its attribute, where the metrics do not have what the object `analysis`, which stands at root, asks for, or
// have something else in its place. It says nothing where ask is nil, and where the analysis is not known yet.
func Survey(ctx context.Context, root path.Path, object types.Object, ask Ask) diag.Diagnostics {
	if ask == nil || object.IsNull() || !plain.IsKnown(ctx, object) {
		return nil
	}
	spec, diags := ToSpec(ctx, root, object)
	if diags.HasError() {
		return diags
	}
	survey, err := ask(ctx, *spec)
	if err != nil {
		diags.AddAttributeWarning(root, "Metrics Not Reachable", fmt.Sprintf(
			"Whether they have what the analysis asks for could not be looked at: %s.\n\nThe apply asks again. While they cannot be reached there, %s", err, meanwhile(onSourceError, spec.OnSourceError, spec.SourceErrorDeadline.D(), *spec)))
		return diags
	}
	notes := listed(survey.Notes)
	if len(survey.Unknown) > 0 {
		diags.AddAttributeWarning(root, "Unknown Metric", fmt.Sprintf(
			"The release that carries the traffic does not have what the analysis asks for:%s\n\nNothing passes by it: while it is missing, %s\n\n"+
				"Next: correct the name, in the analysis or in the metrics of deploy_service; or let stable have the series before a release is compared with it.",
			listed(survey.Unknown)+notes, meanwhile(onNoData, spec.OnNoData, spec.NoDataDeadline.D(), *spec)))
		notes = ""
	}
	if spec.Latency != nil && survey.Threshold > 0 && survey.Threshold != spec.Latency.Threshold {
		diags.AddAttributeWarning(root.AtName("latency").AtName("threshold"), "Latency Bound Replaced", fmt.Sprintf(
			"The histogram of durations has no bucket that ends at %[1]s. The nearest, %[2]s, stands in for it: requests that take longer than %[2]s count as slow.\n\n"+
				"Next: write threshold = \"%[2]s\", or give the service's histogram a bucket at %[1]s.", spec.Latency.Threshold, survey.Threshold))
	}
	if survey.Resolution > spec.Interval.D() {
		diags.AddAttributeWarning(root.AtName("interval"), "Interval Below The Scrape Interval", fmt.Sprintf(
			"The metrics have something new every %s, and a look is wanted every %s: looks in between see nothing, so a bad release is seen no sooner than the metrics show it.%s\n\n"+
				"Next: write interval = \"%[1]s\"; or let the metrics be read more often, or directly from the instances: metrics = { scrape = {} }.",
			survey.Resolution, spec.Interval, notes))
	}
	return diags
}

// meanwhile says what a policy does, for how long it is asked.
func meanwhile(p policy, does delivery.Policy, deadline time.Duration, spec delivery.AnalysisSpec) string {
	if does == delivery.PolicyWait {
		return fmt.Sprintf("a step waits (%s = \"wait\"), for max_pause, %s, at most; then on_inconclusive = %q decides.", p.attribute, length(spec.MaxPause.D()), spec.OnInconclusive)
	}
	return fmt.Sprintf("a step waits for %s, %s; then %s = %q decides.", p.deadline, length(deadline), p.attribute, does)
}

func listed(sentences []string) string {
	var b strings.Builder
	for _, s := range sentences {
		b.WriteString("\n  - " + diagnostics.Sentence(s))
	}
	return b.String()
}
