package story

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/operator"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/terraform"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/traffic"
)

// chapter plays one chapter, sums it up and notes what did not come out as it must. The error says that it could not
// be played to its end.
func (d *Demo) chapter(ctx context.Context, index int, c Chapter) error {
	d.say("\n── %d/%d  %s: %s %s", index+1, len(d.options.Chapters), c.Version, c.Name, strings.Repeat("─", 10))
	d.say("   %s", c.About)
	began := time.Now()
	result, err := d.applyChapter(ctx, c)
	if err != nil {
		return err
	}
	took := time.Since(began)
	if err := d.aftermath(ctx, c); err != nil {
		return err
	}
	running, err := d.settle(ctx)
	if err != nil {
		return err
	}
	if index == len(d.options.Chapters)-1 {
		// The last answers that are due belong to the story as well.
		d.client.Stop()
	}
	events, err := d.operator.History(ctx)
	if err != nil {
		return err
	}
	mark := d.log.Mark()
	records := d.log.Between(d.records, mark)
	s, tally := summarize(c, result.ExitCode, operator.After(events, d.events), records, running)
	before := d.events
	d.events, d.records = operator.LastNumber(events), mark
	d.summaries = append(d.summaries, s)
	d.tell(s, tally, result, took)
	if at := failedAt(operator.After(events, before)); c.FailsAt != "" && at != c.FailsAt {
		d.wrong(c, fmt.Sprintf("it failed at %q, and must fail at %q", at, c.FailsAt))
	}
	for _, text := range missing(result.Stderr, c.Says) {
		d.wrong(c, fmt.Sprintf("no error of the apply has %q", text))
	}
	d.judge(c, s, tally)
	d.standing = c.Running
	return nil
}

// applyChapter plans and applies what the chapter says, and returns how the last apply ended.
func (d *Demo) applyChapter(ctx context.Context, c Chapter) (terraform.Result, error) {
	if c.Before != NoTrouble {
		if err := d.strike(ctx, c.Before); err != nil {
			return terraform.Result{}, err
		}
	}
	first := c.Version
	if c.First != "" {
		first = c.First
	}
	p, err := d.plan(ctx, first)
	if err != nil {
		return terraform.Result{}, err
	}
	for _, text := range missing(strings.Join(p.warnings, " "), c.Warns) {
		d.wrong(c, fmt.Sprintf("no warning of the plan has %q", text))
	}
	result, err := d.apply(ctx, p.file, first, c.Amid)
	if err != nil || c.First == "" {
		return result, err
	}
	recovery, err := d.planRecovery(ctx, c.Version)
	if err != nil {
		return terraform.Result{}, err
	}
	return d.apply(ctx, recovery, c.Version, NoTrouble)
}

// aftermath makes the trouble that follows the last apply, and plans HCL that says what runs: then there is nothing to do.
func (d *Demo) aftermath(ctx context.Context, c Chapter) error {
	if c.After != NoTrouble {
		if err := d.strike(ctx, c.After); err != nil {
			return err
		}
	}
	p, err := d.plan(ctx, c.Running)
	if err != nil {
		return err
	}
	if what := changes(p.plan); what != noChanges {
		d.wrong(c, fmt.Sprintf("%s runs, and a plan of it has changes: %s", c.Running, what))
	}
	return nil
}

const (
	// settleAnswers is how many requests sent after the apply must have ended before the chapter is over, and
	// settleLimit how long that may take.
	settleAnswers = 60
	settleLimit   = 10 * time.Second
)

// settle waits for answers to requests that were sent after the apply, and returns the versions they are of.
func (d *Demo) settle(ctx context.Context) (running string, err error) {
	ctx, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
	now, mark := time.Now(), d.log.Mark()
	for {
		var sent []traffic.Record
		for _, r := range d.log.Between(mark, d.log.Mark()) {
			if r.Started.After(now) {
				sent = append(sent, r)
			}
		}
		if len(sent) >= settleAnswers {
			return strings.Join(traffic.Versions(sent), "+"), nil
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("wait for %d requests of the client: %d ended: %w", settleAnswers, len(sent), ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// summarize counts a chapter's events and records.
func summarize(c Chapter, exitCode int, events []operator.Event, records []traffic.Record, running string) (Summary, traffic.Tally) {
	tally := traffic.Count(records, c.Bad)
	s := Summary{
		Name: c.Name, Version: c.Version, Outcome: outcome(exitCode, events), ExitCode: exitCode,
		Requests: tally.Requests, Lost: tally.Lost, Bad: tally.Bad, BadMS: tally.BadFor.Milliseconds(), RunningAfter: running,
	}
	decided, found := decision(events)
	last, answered := traffic.LastAnswer(records, c.Leaving)
	if found && answered && last.After(decided) {
		s.RestoreMS = last.Sub(decided).Milliseconds()
	}
	return s, tally
}

// missing are the wanted texts that what was said does not have, wherever its lines end.
func missing(said string, wanted []string) []string {
	said = strings.Join(strings.Fields(said), " ")
	return slices.DeleteFunc(slices.Clone(wanted), func(text string) bool { return strings.Contains(said, text) })
}

// tell says how a chapter ended.
func (d *Demo) tell(s Summary, tally traffic.Tally, result terraform.Result, took time.Duration) {
	d.say("  outcome   %s, exit code %d, after %.1f s (%s)", s.Outcome, s.ExitCode, took.Seconds(), result.Log)
	line := fmt.Sprintf("%d requests, %d lost, %d bad", s.Requests, s.Lost, s.Bad)
	if s.Bad > 0 {
		line += fmt.Sprintf(" within %d ms", s.BadMS)
	}
	if s.RestoreMS > 0 {
		line += fmt.Sprintf("; the last answer of what had to go came %d ms after the decision", s.RestoreMS)
	}
	d.say("  traffic   %s", line)
	for _, r := range tally.Losses {
		d.say("            lost at %s after %s: %s, status %d, %s", r.Ended.Format(time.StampMilli), r.Ended.Sub(r.Started).Round(time.Millisecond), r.URL, r.Status, r.Error)
	}
	d.say("  runs now  %s", s.RunningAfter)
}

// judge notes what differs from what the chapter wants.
func (d *Demo) judge(c Chapter, s Summary, tally traffic.Tally) {
	for _, problem := range problems(c, s, tally) {
		d.wrong(c, problem)
	}
}

func (d *Demo) wrong(c Chapter, problem string) {
	problem = c.Name + ": " + problem
	d.say("  WRONG     %s", problem)
	d.problems = append(d.problems, problem)
}

func problems(c Chapter, s Summary, tally traffic.Tally) []string {
	var wrong []string
	if s.Outcome != c.Want {
		wrong = append(wrong, fmt.Sprintf("the outcome is %s, and must be %s", s.Outcome, c.Want))
	}
	if s.RunningAfter != c.Running {
		wrong = append(wrong, fmt.Sprintf("%q runs, and %s must", s.RunningAfter, c.Running))
	}
	if s.Lost > 0 {
		wrong = append(wrong, fmt.Sprintf("%d requests were lost, and none may be", s.Lost))
	}
	if c.Bad != "" && c.Amid == NoTrouble && s.Bad == 0 {
		wrong = append(wrong, "its users saw no bad answer, so that nothing under traffic can have been found")
	}
	if tally.Unexpected > 0 {
		wrong = append(wrong, fmt.Sprintf("%d error answers came from a release that should not give any", tally.Unexpected))
	}
	return wrong
}
