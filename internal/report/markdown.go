// Package report writes what happened to a release, for people.
package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Attempt is what a record is made of.
type Attempt struct {
	Service   service.ID
	Attempt   ledger.Attempt
	End       service.End
	Failure   ledger.Failure
	Restored  []string
	Leftovers []string
	Evidence  []string
	// Events since the attempt began, those of other attempts among them.
	Events []ledger.Event
	At     time.Time
}

// Markdown writes the record: outcome, evidence, what was restored, timeline.
func Markdown(a Attempt) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: attempt %d of %s\n\n", a.Service, a.Attempt.Number, a.Attempt.Release.Label())
	fmt.Fprintf(&b, "| | |\n|---|---|\n| outcome | %s |\n| mode | %s |\n| release | `%s` |\n", strings.ReplaceAll(string(a.End), "_", " "), a.Attempt.Mode, a.Attempt.Release)
	if a.Attempt.Replaces != "" {
		fmt.Fprintf(&b, "| before it | `%s` |\n", a.Attempt.Replaces)
	}
	fmt.Fprintf(&b, "| began | %s |\n| ended | %s |\n", stamp(a.Attempt.OpenedAt), stamp(a.At))
	if a.Failure.Reason != "" {
		fmt.Fprintf(&b, "\n## What failed\n\n%s (cause: %s)\n", a.Failure.Reason, a.Failure.Cause)
	}
	section(&b, "Evidence", append(append([]string(nil), a.Failure.Evidence...), without(a.Evidence, a.Failure.Evidence)...))
	section(&b, "Restored and verified", a.Restored)
	section(&b, "NOT restored", a.Leftovers)
	section(&b, "Stages", Stages(a))
	b.WriteString("\n## Timeline\n\n| time | event | what |\n|---|---|---|\n")
	for _, e := range a.Events {
		if e.Attempt == a.Attempt.Number {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", e.Time.UTC().Format("15:04:05.000"), strings.ReplaceAll(string(e.Type), "_", " "), cell(Text(e)))
		}
	}
	return b.String()
}

func without(items, known []string) []string {
	seen := map[string]bool{}
	for _, k := range known {
		seen[k] = true
	}
	var rest []string
	for _, i := range items {
		if !seen[i] {
			rest = append(rest, i)
		}
	}
	return rest
}

func section(b *strings.Builder, title string, items []string) {
	if len(items) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n", title)
	for _, item := range items {
		if first, rest, block := strings.Cut(item, "\n"); block {
			fmt.Fprintf(b, "- %s\n\n  ```text\n  %s\n  ```\n", first, strings.ReplaceAll(strings.TrimRight(rest, "\n"), "\n", "\n  "))
		} else {
			fmt.Fprintf(b, "- %s\n", item)
		}
	}
}

func cell(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return strings.ReplaceAll(s, "|", "\\|")
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// Text says in a line what an event records.
func Text(e ledger.Event) string {
	switch {
	case e.Change != nil && e.Change.Error != "":
		return fmt.Sprintf("%s %s: %s", e.Change.Action, e.Change.Target, e.Change.Error)
	case e.Change != nil:
		return fmt.Sprintf("%s %s", e.Change.Action, e.Change.Target)
	case e.Text != "":
		return e.Text
	case e.Stage != "":
		return strings.ReplaceAll(string(e.Stage), "_", " ")
	case e.Record != nil:
		return fmt.Sprintf("%s goes to slot %s", e.Record.ID, e.Record.Placement.Slot)
	case e.Lease != nil && e.Type == ledger.LeaseAcquired:
		return e.Lease.Holder.String()
	}
	return string(e.Release)
}
