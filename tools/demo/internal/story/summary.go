package story

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
)

// Summary is one chapter's line in summary.json and in the table.
type Summary struct {
	Name    string  `json:"name"`
	Version string  `json:"version"`
	Outcome Outcome `json:"outcome"`
	// ExitCode of the chapter's last apply.
	ExitCode int `json:"exit_code"`
	// Requests that the client sent in the chapter, Lost and Bad ones among them.
	Requests int `json:"requests"`
	Lost     int `json:"lost"`
	Bad      int `json:"bad"`
	// BadMS is the time from the first bad answer to the last, in milliseconds.
	BadMS int64 `json:"bad_ms"`
	// RestoreMS is the time from the ledger's decision to the last answer of the release that had to go, in
	// milliseconds; 0 where it gave none after the decision.
	RestoreMS int64 `json:"restore_ms"`
	// RunningAfter is the version that answers when the chapter is over; several are joined by a plus sign.
	RunningAfter string `json:"running_after"`
}

// WriteSummary writes summary.json.
func WriteSummary(path string, summaries []Summary) error {
	if summaries == nil {
		summaries = []Summary{}
	}
	text, err := json.MarshalIndent(summaries, "", "  ")
	if err != nil {
		return fmt.Errorf("write the summary: %w", err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("write the summary: %w", err)
	}
	return nil
}

// Table prints the chapters under each other.
func Table(w io.Writer, summaries []Summary) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "chapter\tversion\toutcome\texit\trequests\tlost\tbad\tbad for\trestored in\truns now\t")
	for _, s := range summaries {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%s\t%s\t%s\t\n", s.Name, s.Version, s.Outcome, s.ExitCode,
			s.Requests, s.Lost, s.Bad, milliseconds(s.BadMS, s.Bad > 0), milliseconds(s.RestoreMS, s.Outcome != Succeeded), s.RunningAfter)
	}
	// Flush reports what went wrong in the lines above as well.
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print the table: %w", err)
	}
	return nil
}

func milliseconds(ms int64, applies bool) string {
	if !applies {
		return "-"
	}
	return fmt.Sprintf("%d ms", ms)
}
