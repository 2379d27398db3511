package judging

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/figures"
)

// report prints the table and, where all was measured, writes the figures: what a part of the runs came to is no result that should
// stand where the whole does. Runs that went wrong are an error.
func (b *bench) report(complete bool) error {
	rows := b.rows()
	b.say("")
	runs := filepath.Join(b.workshop.Directory, "runs.jsonl")
	figuresFile := filepath.Join(b.workshop.Root, "build", "bench", "analysis-live.json")
	errs := []error{table(b.options.Out, rows), writeRuns(runs, b.outcomes)}
	b.say("\nwritten: %s", runs)
	if complete {
		errs = append(errs, figures.Write(figuresFile, all(rows)))
		b.say("written: %s", figuresFile)
	}
	for _, o := range b.outcomes {
		if o.Wrong != "" {
			errs = append(errs, fmt.Errorf("%s, run %d: %s", o.Setting, o.Run, o.Wrong))
		}
	}
	return errors.Join(errs...)
}

// rows are the distributions, in the order in which they are printed.
func (b *bench) rows() []row {
	var rows []row
	for _, s := range b.options.Settings {
		rows = append(rows, judgedRows(s, b.outcomes)...)
	}
	if b.options.Kills > 0 {
		rows = append(rows, killedRows(b.outcomes)...)
	}
	return append(rows,
		row{name: "idle machine: a 10 ms timer late by", unit: "ms", points: figures.Tail, sample: b.idle.late},
		row{name: "idle service: a request answered in", unit: "ms", points: figures.Tail, sample: b.idle.latency},
		row{name: "during the runs: a 10 ms timer late by", unit: "ms", points: figures.Tail, sample: b.busy},
	)
}

func judgedRows(s Setting, outcomes []Outcome) []row {
	badFor := row{name: s.Name + ": bad for", unit: "s", points: figures.Quartiles}
	bad := row{name: s.Name + ": bad answers", unit: "answers", points: figures.Quartiles, goal: s.BadAnswersGoal}
	decided := row{name: s.Name + ": decided after the first bad answer", unit: "s", points: figures.Quartiles}
	left := row{name: s.Name + ": candidate's last answer after the decision", unit: "s", points: figures.Quartiles}
	if s.BadForGoal != nil {
		badFor.goal = some(s.BadForGoal.Seconds())
	}
	for _, o := range outcomes {
		if o.Setting != s.Name || o.Killed || o.Wrong != "" {
			continue
		}
		badFor.sample = append(badFor.sample, o.BadFor)
		bad.sample = append(bad.sample, float64(o.Bad))
		decided.sample = append(decided.sample, o.Decided)
		left.sample = append(left.sample, o.Left)
	}
	return []row{badFor, bad, decided, left}
}

func killedRows(outcomes []Outcome) []row {
	badFor := row{name: "provider killed, recover at once: bad for", unit: "s", points: figures.Quartiles}
	bad := row{name: "provider killed, recover at once: bad answers", unit: "answers", points: figures.Quartiles}
	after := row{name: "provider killed, recover at once: last bad answer after the kill", unit: "s", points: figures.Quartiles}
	last := row{name: "provider killed, recover at once: candidate's last answer after the kill", unit: "s", points: figures.Quartiles}
	for _, o := range outcomes {
		if !o.Killed || o.Late || o.Wrong != "" {
			continue
		}
		badFor.sample = append(badFor.sample, o.BadFor)
		bad.sample = append(bad.sample, float64(o.Bad))
		after.sample = append(after.sample, o.BadAfterKill)
		last.sample = append(last.sample, o.LastAfterKill)
	}
	return []row{badFor, bad, after, last}
}

// writeRuns writes each run as a line of JSON, for who wants to draw them.
func writeRuns(path string, outcomes []Outcome) error {
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write the runs: %w", err)
	}
	lines := bufio.NewWriter(file)
	encoder := json.NewEncoder(lines)
	for _, o := range outcomes {
		err = errors.Join(err, encoder.Encode(o))
	}
	if err := errors.Join(err, lines.Flush(), file.Close()); err != nil {
		return fmt.Errorf("write the runs: %w", err)
	}
	return nil
}
