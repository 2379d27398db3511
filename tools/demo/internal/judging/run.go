package judging

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/operator"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/terraform"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/traffic"
)

// runLimit bounds one run; an apply that takes longer is interrupted.
const runLimit = 4 * time.Minute

// attempt is one introduction of a candidate that turns bad.
type attempt struct {
	number  int
	version string
	running *terraform.Running
	seen    *seen
}

// judged introduces a candidate, turns it bad and measures until the provider has taken it out.
func (w *world) judged(ctx context.Context, n int) (Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, runLimit)
	defer cancel()
	a, err := w.introduce(ctx, n)
	if err != nil {
		return Outcome{}, err
	}
	turning := w.turn(ctx, a)
	result, err := a.running.Finish()
	if err != nil {
		return Outcome{}, err
	}
	if turning != nil && !errors.Is(turning, errEnded) {
		return Outcome{}, fmt.Errorf("%w (%s)", turning, result.Log)
	}
	o, err := w.outcome(ctx, a)
	switch {
	case err != nil:
		return o, err
	case turning != nil:
		o.blame("%v: %s (%s)", turning, firstLine(result.Stderr), result.Log)
	case result.ExitCode == 0 || !strings.Contains(result.Stderr, "Release Rolled Back"):
		o.blame("the apply must end with Release Rolled Back: exit code %d, %s (%s)", result.ExitCode, firstLine(result.Stderr), result.Log)
	case o.Bad == 0:
		o.blame("it was taken out, and no bad answer was seen")
	}
	return o, nil
}

// introduce starts the apply of a run.
func (w *world) introduce(ctx context.Context, n int) (*attempt, error) {
	a := &attempt{number: n, version: "1.1." + strconv.Itoa(n)}
	a.seen = since(w.log, a.version)
	var err error
	a.running, err = w.cli.Start(ctx, w.apply(n)...)
	return a, err
}

// turn waits until the candidate has had its traffic for a while, and commands it to turn bad.
func (w *world) turn(ctx context.Context, a *attempt) error {
	if err := a.seen.until(ctx, a.running.Ended(), "a first answer of the candidate", func() bool { return a.seen.answers > 0 }); err != nil {
		return err
	}
	at := time.Now().Add(w.setting.well(rand.Float64())) //nolint:gosec // no secret
	if err := a.seen.until(ctx, a.running.Ended(), "the moment to turn bad", func() bool { return time.Now().After(at) }); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(w.commands, strconv.Itoa(a.number)), nil, 0o600); err != nil {
		return fmt.Errorf("command the candidate to turn bad: %w", err)
	}
	return nil
}

// outcome counts what the client saw, when it sees the stable release alone again.
func (w *world) outcome(ctx context.Context, a *attempt) (Outcome, error) {
	versions, err := a.seen.settle(ctx)
	if err != nil {
		return Outcome{}, err
	}
	events, err := w.operator.History(ctx)
	if err != nil {
		return Outcome{}, err
	}
	records := a.seen.records()
	tally := traffic.Count(records, a.version)
	o := Outcome{
		Setting: w.setting.Name, Run: a.number, Answers: a.seen.answers, Bad: tally.Bad, BadFor: seconds(tally.BadFor), Lost: tally.Lost,
	}
	if decided, found := decision(operator.After(events, w.events)); found && tally.Bad > 0 {
		last, _ := traffic.LastAnswer(records, a.version)
		first := firstBad(records)
		o.Decided, o.Left = seconds(decided.Sub(first)), seconds(last.Sub(decided))
	}
	w.events = operator.LastNumber(events)
	switch {
	case !slices.Equal(versions, []string{stable}):
		o.blame("when it is over, %s answer, and %s alone must", strings.Join(versions, " and "), stable)
	case tally.Lost > 0:
		r := tally.Losses[0]
		o.blame("%d requests were lost, the first with status %d (%s)", tally.Lost, r.Status, r.Error)
	case tally.Unexpected > 0:
		o.blame("%d error answers came from the stable release", tally.Unexpected)
	}
	return o, nil
}

// decision is when the ledger says that it was decided that a candidate gives up its traffic.
func decision(events []operator.Event) (time.Time, bool) {
	for _, e := range events {
		if e.Failure != nil && !e.Failure.DecidedAt.IsZero() {
			return e.Failure.DecidedAt, true
		}
	}
	return time.Time{}, false
}

// firstBad is when the first answer with an error was there; there is one.
func firstBad(records []traffic.Record) time.Time {
	var first time.Time
	for _, r := range records {
		if r.Class() == traffic.Failed && (first.IsZero() || r.Ended.Before(first)) {
			first = r.Ended
		}
	}
	return first
}

// firstLine is the first line of an error of the CLI that says something.
func firstLine(stderr string) string {
	for line := range strings.SplitSeq(stderr, "\n") {
		if line = strings.Trim(line, " │╷╵\t"); line != "" {
			return line
		}
	}
	return "nothing on its standard error"
}
