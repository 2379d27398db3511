package delivery

import (
	"fmt"
	"math"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
)

// evidence lists the judgements with their numbers. What the candidate left is gathered when the traffic is safe.
func (j *judge) evidence() []string {
	var lines []string
	for _, g := range j.last.Judgements {
		line := fmt.Sprintf("%s: candidate %s", g.Rule, tally(g.Candidate))
		if g.Stable.All > 0 {
			line += ", stable " + tally(g.Stable)
		}
		if g.Limit > 0 {
			line += fmt.Sprintf("; evidence against it %s, limit %s", significant(g.Evidence), significant(g.Limit))
		}
		if g.Margin > 0 {
			line += fmt.Sprintf("; at most %.2g %% above stable, margin %.2g %%", 100*g.Excess, 100*g.Margin)
		}
		if g.Shift != nil {
			line += fmt.Sprintf("; %s above stable, tolerance %s", significant(g.Shift.Estimate), significant(g.Shift.Tolerance))
		}
		if g.Failures > 0 {
			line += fmt.Sprintf("; %d %s over the limit", g.Failures, plural(g.Failures, "look"))
		}
		if g.DryRun {
			line += "; dry run"
		}
		lines = append(lines, line)
	}
	return lines
}

func plural(n int, what string) string {
	if n == 1 {
		return what
	}
	return what + "s"
}

// significant is a number that matters by its size.
func significant(x float64) string {
	switch {
	case math.Abs(x) >= math.MaxFloat64:
		return "∞"
	case x >= 1000:
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.3g", x)
}

func tally(t analysis.Tally) string {
	share := 0.0
	if t.All > 0 {
		share = 100 * t.Bad / t.All
	}
	return fmt.Sprintf("%.0f of %.0f (%.1f %%)", t.Bad, t.All, share)
}
