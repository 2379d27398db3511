package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
)

// Stages says in a line each what became of the attempt's stages, and when the candidate reached which weight.
func Stages(a Attempt) []string {
	var lines []string
	var opened time.Time
	for _, e := range a.Events {
		if e.Attempt != a.Attempt.Number {
			continue
		}
		stage := strings.ReplaceAll(string(e.Stage), "_", " ")
		switch e.Type {
		case ledger.StageOpened:
			opened = e.Time
		case ledger.StagePassed:
			if opened.IsZero() {
				opened = e.Time
			}
			lines = append(lines, fmt.Sprintf("%s: passed after %s", stage, e.Time.Sub(opened).Round(10*time.Millisecond)))
			opened = time.Time{}
		case ledger.StagePaused:
			lines = append(lines, fmt.Sprintf("%s: paused: %s", stage, e.Text))
		case ledger.StageFailed:
			lines = append(lines, fmt.Sprintf("%s: failed after %s", stage, e.Time.Sub(opened).Round(10*time.Millisecond)))
		case ledger.WeightReached:
			if e.Weight != nil {
				lines = append(lines, fmt.Sprintf("at %s the candidate has %d %%", e.Time.UTC().Format("15:04:05"), *e.Weight))
			}
		}
	}
	return lines
}

// Plain writes what Markdown does, for a terminal.
func Plain(a Attempt) string {
	var b strings.Builder
	outcome := "open"
	if a.End != "" {
		outcome = strings.ReplaceAll(string(a.End), "_", " ")
	}
	fmt.Fprintf(&b, "%s, attempt %d (%s): %s\n%s\n", a.Service, a.Attempt.Number, a.Attempt.Mode, outcome, a.Attempt.Release)
	if a.Attempt.Replaces != "" {
		fmt.Fprintf(&b, "before it: %s\n", a.Attempt.Replaces)
	}
	fmt.Fprintf(&b, "began %s", stamp(a.Attempt.OpenedAt))
	if !a.Attempt.EndedAt.IsZero() {
		fmt.Fprintf(&b, ", ended %s", stamp(a.Attempt.EndedAt))
	}
	b.WriteString("\n")
	if a.Failure.Reason != "" {
		fmt.Fprintf(&b, "\nwhat failed: %s (%s)\n", a.Failure.Reason, a.Failure.Cause)
	}
	list := func(title string, items []string) {
		if len(items) > 0 {
			fmt.Fprintf(&b, "\n%s:\n  %s\n", title, strings.ReplaceAll(strings.Join(items, "\n"), "\n", "\n  "))
		}
	}
	list("evidence", append(append([]string(nil), a.Failure.Evidence...), without(a.Evidence, a.Failure.Evidence)...))
	list("restored and verified", a.Restored)
	list("NOT restored", a.Leftovers)
	list("stages", Stages(a))
	if a.Attempt.Record != "" {
		fmt.Fprintf(&b, "\nrecord: %s\n", a.Attempt.Record)
	}
	return b.String()
}

// JSON is the report for programs.
func JSON(a Attempt) any {
	return struct {
		Service string         `json:"service"`
		Attempt ledger.Attempt `json:"attempt"`
		Stages  []string       `json:"stages"`
		Events  []ledger.Event `json:"events"`
	}{string(a.Service), a.Attempt, Stages(a), a.Events}
}
