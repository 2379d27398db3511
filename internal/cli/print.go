package cli

import (
	"encoding/json"
	"fmt"
)

// result is what a command that changed something prints.
type result struct {
	Service string `json:"service,omitempty"`
	Done    string `json:"done"`
	Running string `json:"running,omitempty"`
}

func (o *options) print(r result) error {
	if o.json {
		return o.printJSON(r)
	}
	text := r.Done
	if r.Running != "" {
		text += "\nrunning now: " + r.Running
	}
	_, err := fmt.Fprintln(o.out, text)
	return err
}

func (o *options) printJSON(v any) error {
	encoder := json.NewEncoder(o.out)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return fmt.Errorf("print JSON: %w", err)
	}
	return nil
}

// printLine prints JSON in one line, where one object follows another.
func (o *options) printLine(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("print JSON: %w", err)
	}
	_, err = fmt.Fprintf(o.out, "%s\n", line)
	return err
}
