// Package result prints what a benchmark measured, and writes it for programs.
package result

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
)

// Result is one figure.
type Result struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	// Goal is nil where there is none.
	Goal *float64 `json:"goal"`
	// Better is "lower" or "higher".
	Better string `json:"better"`
}

// Lower is a figure that is better when it is lower.
func Lower(name string, value float64, unit string) Result {
	return Result{Name: name, Value: value, Unit: unit, Better: "lower"}
}

// Higher is a figure that is better when it is higher.
func Higher(name string, value float64, unit string) Result {
	return Result{Name: name, Value: value, Unit: unit, Better: "higher"}
}

// AtLeast gives it a goal.
func (r Result) AtLeast(goal float64) Result { return r.AtMost(goal) }

// AtMost gives it a goal.
func (r Result) AtMost(goal float64) Result {
	r.Goal = &goal
	return r
}

// Reached tells whether the goal, if there is one, is.
func (r Result) Reached() bool {
	return r.Goal == nil || r.Better == "lower" && r.Value <= *r.Goal || r.Better == "higher" && r.Value >= *r.Goal
}

// Print writes a table for people.
func Print(w io.Writer, results []Result) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range results {
		goal := ""
		if r.Goal != nil {
			verdict := "reached"
			if !r.Reached() {
				verdict = "NOT reached"
			}
			goal = fmt.Sprintf("goal %.4g, %s", *r.Goal, verdict)
		}
		fmt.Fprintf(table, "%s\t%.4g %s\t%s\n", r.Name, r.Value, r.Unit, goal)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print the table: %w", err)
	}
	return nil
}

// Write leaves the results at path as a JSON list.
func Write(path string, results []Result) error {
	data, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the results: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // for everybody
		return fmt.Errorf("write the results: %w", err)
	}
	if err := os.WriteFile(path, append(data, '\n'), 0o644); err != nil { //nolint:gosec // for everybody
		return fmt.Errorf("write the results: %w", err)
	}
	return nil
}
