package judgement

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/engine"
)

// SplitLines says, from configuration alone, what each step of a split takes; null where nothing is judged.
func SplitLines(spec delivery.SplitSpec) types.List {
	if spec.Analysis == nil && len(spec.Checks) == 0 {
		return types.ListNull(types.StringType)
	}
	var lines []string
	for _, step := range spec.Walk() {
		lines = append(lines, fmt.Sprintf("at %d %%: %s", step.Weight, stay(spec.Analysis, step, spec.Advance)))
	}
	if spec.Analysis != nil && spec.Analysis.InitialDelay > 0 {
		lines = append(lines, fmt.Sprintf("what is seen in the first %s after each raise of weight counts neither way", length(spec.Analysis.InitialDelay.D())))
	}
	if n := len(spec.Checks); n > 0 {
		text := fmt.Sprintf("%s every %s, and one that fails speaks against the release", counted(n, "check"), length(spec.CheckInterval.D()))
		if spec.Analysis != nil {
			text += fmt.Sprintf("; each that passes counts as a request of a step that has too few: %s a minute", about(float64(n)*float64(time.Minute)/float64(spec.CheckInterval)))
		}
		lines = append(lines, text)
	}
	if spec.Analysis == nil {
		return list(append(lines, "no metrics are judged"))
	}
	return list(append(lines, confidence(spec.Analysis.Config)...))
}

// VerificationLines says, from configuration alone, what the judgement with all of the traffic takes; null where there is none.
func VerificationLines(spec delivery.VerificationSpec) types.List {
	if spec.Analysis == nil {
		return types.ListNull(types.StringType)
	}
	all := delivery.Step{Weight: 100, Pause: spec.Duration}
	return list(append([]string{"with all of the traffic: " + stay(spec.Analysis, all, delivery.AfterPause)}, confidence(spec.Analysis.Config)...))
}

// stay says how long a step lasts.
func stay(spec *delivery.AnalysisSpec, step delivery.Step, advance delivery.Advance) string {
	pause := length(step.Pause.D())
	switch {
	case spec == nil && step.Pause == 0:
		return "goes on at once"
	case spec == nil:
		return "for " + pause
	}
	var parts []string
	if step.Pause > 0 && advance != delivery.WhenConfident {
		parts = append(parts, "at least "+pause)
	}
	requests := float64(max(1, spec.MinRequests))
	if margin, shown := margins(spec.Config); margin > 0 {
		weight := float64(step.Weight) / 100
		none := max(requests, analysis.Needed(spec.Confidence, margin, 0, weight))
		some := max(requests, analysis.Needed(spec.Confidence, margin, usualBad, weight))
		parts = append(parts, fmt.Sprintf("until %s: %s of the release if none of stable's are bad, %s if %s are", shown, aboutRequests(none), about(some), percent(usualBad)))
	} else {
		parts = append(parts, fmt.Sprintf("until the release has answered %s", counted(int(requests), "request")))
	}
	return strings.Join(parts, ", and ") + "; at most " + length(max(spec.MaxPause, step.Pause).D())
}

// usualBad is a share of bad answers that a service may well have: what is needed hangs on it.
const usualBad = 0.01

// margins are what is to be shown before a step may end, and the narrowest of them; 0 where there is none.
func margins(c analysis.Config) (narrowest float64, shown string) {
	var errors, slow float64
	if e := c.Errors; e != nil && e.VersusStable && !e.DryRun {
		errors = e.Margin
	}
	if l := c.Latency; l != nil && l.VersusStable && !l.DryRun {
		slow = l.Margin
	}
	const above = " percentage points above stable's"
	switch {
	case errors > 0 && slow == errors:
		return errors, "the shares of errors and of slow requests are shown to be at most " + points(errors) + above
	case errors > 0 && slow > 0:
		return min(errors, slow), "the share of errors is shown to be at most " + points(errors) + above + ", and that of slow requests at most " + points(slow)
	case errors > 0:
		return errors, "the share of errors is shown to be at most " + points(errors) + above
	case slow > 0:
		return slow, "the share of slow requests is shown to be at most " + points(slow) + above
	}
	return 0, ""
}

// confidence says how the rules share what it leaves.
func confidence(c analysis.Config) []string {
	left := 1 - c.Confidence
	switch n := int(math.Round(c.Limit() * left)); {
	case !decides(c):
		return nil
	case n == 1:
		return []string{fmt.Sprintf("a release that is as good as it should be is restored with a probability of at most %s, however often one looks", percent(left))}
	default:
		return []string{fmt.Sprintf("a release that is as good as it should be is restored with a probability of at most %s, however often one looks: each of %d rules may be wrong with %s", percent(left), n, percent(left/float64(n)))}
	}
}

// decides tells whether any rule that chance can break decides something.
func decides(c analysis.Config) bool {
	for _, b := range c.Business {
		if !b.DryRun && (b.VersusStableMin != nil || b.VersusStableMax != nil) {
			return true
		}
	}
	return c.Errors != nil && !c.Errors.DryRun || c.Latency != nil && !c.Latency.DryRun
}

// length of time, as people write it.
func length(d time.Duration) string {
	if d%time.Second != 0 {
		return d.String()
	}
	return engine.FormatDuration(d)
}

func list(lines []string) types.List {
	values := make([]attr.Value, len(lines))
	for i, line := range lines {
		values[i] = types.StringValue(line)
	}
	return types.ListValueMust(types.StringType, values)
}

func aboutRequests(n float64) string {
	if math.IsInf(n, 1) {
		return about(n)
	}
	return "about " + about(n) + " requests"
}

// about is a number with the two digits that matter of an expectation.
func about(n float64) string {
	if math.IsInf(n, 1) {
		return "more than a billion requests"
	}
	unit := 1.0
	for n/unit >= 100 {
		unit *= 10
	}
	return strconv.FormatFloat(math.Round(n/unit)*unit, 'f', -1, 64)
}

func percent(share float64) string { return points(share) + " %" }

// points is a share in percent, with the three digits that matter.
func points(share float64) string {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(100*share, 'g', 3, 64), 64)
	if err != nil {
		rounded = 100 * share
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
