// Package figures is what a benchmark of this module measured, in the form that all benchmarks of the repository share: tools/bench/result
// has it for the provider's own module, which this one does not need for anything else.
package figures

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Figure is one of them.
type Figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	// Goal is nil where there is none.
	Goal *float64 `json:"goal"`
	// Better is "lower" or "higher".
	Better string `json:"better"`
}

// Lower is a figure that is better when it is lower.
func Lower(name string, value float64, unit string) Figure {
	return Figure{Name: name, Value: value, Unit: unit, Better: "lower"}
}

// AtMost gives it a goal.
func (f Figure) AtMost(goal float64) Figure {
	f.Goal = &goal
	return f
}

// Reached tells whether the goal, if there is one, is.
func (f Figure) Reached() bool {
	return f.Goal == nil || f.Better == "lower" && f.Value <= *f.Goal || f.Better == "higher" && f.Value >= *f.Goal
}

// Write leaves the figures at path as a JSON list.
func Write(path string, all []Figure) error {
	if all == nil {
		all = []Figure{}
	}
	data, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the figures: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // for everybody
		return fmt.Errorf("write the figures: %w", err)
	}
	if err := os.WriteFile(path, append(data, '\n'), 0o644); err != nil { //nolint:gosec // for everybody
		return fmt.Errorf("write the figures: %w", err)
	}
	return nil
}
