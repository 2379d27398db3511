package judging

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/operator"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/terraform"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/traffic"
)

// killAfter is how many bad answers of the candidate the client must have seen before the provider is killed: the candidate is bad,
// and no judge can be sure yet.
const killAfter = 2

// killed introduces a candidate, turns it bad, kills the provider before that has taken it out, starts `recover` at once, and measures
// until it is out.
func (w *world) killed(ctx context.Context, n int) (Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, runLimit)
	defer cancel()
	a, err := w.introduce(ctx, n)
	if err != nil {
		return Outcome{}, err
	}
	late, at, killing := w.kill(ctx, a)
	var recovered time.Time
	if killing == nil && !late {
		_, killing = w.operator.Recover(ctx)
		recovered = time.Now()
	}
	// Terraform says that its plugin is gone, and ends.
	result, err := a.running.Finish()
	if err = errors.Join(killing, err); err != nil {
		return Outcome{}, fmt.Errorf("%w (%s)", err, result.Log)
	}
	if !late {
		if late, err = w.decidedBefore(ctx, at); err != nil {
			return Outcome{}, err
		}
	}
	o, err := w.outcome(ctx, a)
	if err != nil {
		return o, err
	}
	o.Killed, o.Late = true, late
	if late {
		return o, nil
	}
	o.Recovered = seconds(recovered.Sub(at))
	records := a.seen.records()
	if last, found := lastBad(records); found && last.After(at) {
		o.BadAfterKill = seconds(last.Sub(at))
	}
	if last, found := traffic.LastAnswer(records, a.version); found && last.After(at) {
		o.LastAfterKill = seconds(last.Sub(at))
	}
	return o, nil
}

// kill turns the candidate bad and kills the provider, and says when; late: the judge was faster.
func (w *world) kill(ctx context.Context, a *attempt) (late bool, at time.Time, err error) {
	if err := w.turn(ctx, a); err != nil {
		return false, at, err
	}
	err = a.seen.until(ctx, a.running.Ended(), "bad answers", func() bool { return a.seen.bad >= killAfter })
	if err == nil {
		_, err = a.running.KillProvider(w.mirror)
	}
	if errors.Is(err, errEnded) || errors.Is(err, terraform.ErrNoProvider) {
		return true, at, nil
	}
	return false, time.Now(), err
}

// decidedBefore tells whether the ledger has a decision of this run from before a moment.
func (w *world) decidedBefore(ctx context.Context, at time.Time) (bool, error) {
	events, err := w.operator.History(ctx)
	if err != nil {
		return false, err
	}
	decided, found := decision(operator.After(events, w.events))
	return found && decided.Before(at), nil
}

// lastBad is when the last answer with an error was there.
func lastBad(records []traffic.Record) (time.Time, bool) {
	var last time.Time
	for _, r := range records {
		if r.Class() == traffic.Failed && r.Ended.After(last) {
			last = r.Ended
		}
	}
	return last, !last.IsZero()
}
