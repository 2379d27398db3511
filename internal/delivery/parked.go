package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// parkedInterval is how often the ledger is asked while there is nothing to judge.
const parkedInterval = time.Second

// Guard judges a candidate that is parked at a weight between two applies, by the analysis of the split that brought it there, and
// restores when that speaks against it. It holds no lease while it judges, and gives way to any other run. It returns when no
// attempt is open any more: how the last one ended, or the error of its own restore. tell is called at each look. A store or a
// world that does not answer for a while does not end it.
func (p *Procedure) Guard(ctx context.Context, tell func(ledger.Progress)) (string, error) {
	view, err := p.readDefined(ctx)
	if err != nil {
		return "", err
	}
	for newest := 0; ; {
		if err == nil && view.State.Number < newest {
			// A store that is not mounted reads like an empty one.
			err = fmt.Errorf("the ledger of %s ends at event %d, and had event %d", p.id, view.State.Number, newest)
		}
		newest = max(newest, view.State.Number)
		a := view.State.OpenAttempt()
		if err == nil && a == nil {
			return p.nothingParked(&view.State), nil
		}
		if err == nil && parked(view) {
			var bad *evidenceError
			if err = p.guardParked(ctx, view, tell); errors.As(err, &bad) || errors.Is(err, errBlind) {
				restored, restoreErr := p.restoreParked(ctx, a, classify(context.WithoutCancel(ctx), err))
				if err = restoreErr; restored {
					return "", err
				}
			}
		} else if err == nil {
			tell(ledger.Progress{Attempt: a.Number, Weight: a.Weight, Text: waitsFor(view, a)})
		}
		if err != nil {
			tell(ledger.Progress{Text: "the guard tries again: " + err.Error()})
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("guard %s: %w", p.id, ctx.Err())
		case <-time.After(parkedInterval):
		}
		view, err = p.Read(ctx)
	}
}

// parked tells whether a candidate has traffic, and nobody is at work on the service.
func parked(view ledger.View) bool {
	a := view.State.OpenAttempt()
	return a != nil && !view.Alive && !a.Busy() && view.State.Broken == nil && a.Weight > 0 && view.State.Candidate() != nil
}

func waitsFor(view ledger.View, a *ledger.Attempt) string {
	switch {
	case view.Alive:
		return fmt.Sprintf("%s is at work on %s: it judges", view.State.Lease.Holder, a.Release)
	case view.Interrupted() != nil:
		return fmt.Sprintf("attempt %d was interrupted: `%s recover %s` puts it right", a.Number, operatorBinary, a.Release.Service())
	}
	return fmt.Sprintf("%s has no traffic yet", a.Release)
}

func (p *Procedure) nothingParked(state *ledger.State) string {
	if n := len(state.Attempts); n > 0 {
		a := state.Attempts[n-1]
		return fmt.Sprintf("nothing is parked: attempt %d of %s ended %s", a.Number, a.Release, a.End)
	}
	return "nothing is parked"
}

// guardParked judges until the ledger has gone on. An evidenceError speaks against the candidate.
func (p *Procedure) guardParked(ctx context.Context, view ledger.View, tell func(ledger.Progress)) error {
	a, candidate := view.State.OpenAttempt(), view.State.Candidate()
	adapters, err := p.run.connector.Adapters(*view.State.Definition)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", p.id, err)
	}
	var split SplitSpec
	if len(a.Split) > 0 {
		if err := json.Unmarshal(a.Split, &split); err != nil {
			return fmt.Errorf("read the analysis of attempt %d: %w", a.Number, err)
		}
	}
	began := time.Now()
	eyes := observer{
		adapters: adapters, warn: func(string, string) {}, install: a.Mode == service.ModeInstall,
		now: func() time.Time { return view.Now.Add(time.Since(began)) },
		tell: func(p ledger.Progress) {
			p.Attempt, p.Stage = a.Number, string(service.StageTrafficSplit)
			tell(p)
		},
	}
	j, err := newJudge(ctx, eyes, split.Analysis, *candidate, view.State.StableRelease())
	if err != nil {
		return err
	}
	j.step()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	checked := p.repeated(split, adapters, *candidate).start(ctx)
	ticker := time.NewTicker(j.interval)
	defer ticker.Stop()
	at, round := ledger.Progress{Weight: a.Weight}, time.Time{}
	for asked := time.Now(); ; {
		var err error
		select {
		case <-ctx.Done():
			return fmt.Errorf("guard %s: %w", p.id, ctx.Err())
		case checked := <-checked:
			if checked.failed == nil {
				round = time.Now() // It begins, or is over.
				continue
			}
			if err = j.believe(ctx, at, checked.failed, round); isSilent(err) {
				// A candidate whose checks fail does not keep its traffic because a machine has been silent for too long.
				err = fmt.Errorf("%s: %w: %s, and a machine is silent: %s", candidate.ID, errBlind, checked.failed, err) //nolint:errorlint // it is no silence
			}
		case <-ticker.C:
			if time.Since(asked) >= parkedInterval {
				asked = time.Now()
				now, err := p.Read(ctx)
				if err != nil {
					return err
				}
				if now.State.Number != view.State.Number {
					return nil // somebody has had the word: what there is to judge is seen anew
				}
			}
			_, _, err = j.look(ctx, at)
		}
		var paused *pausedError
		switch {
		case err == nil || errors.As(err, &paused): // paused it is already
		case isSilent(err):
			// Nobody waits for it to go on: what was seen of the others so far counts on.
			eyes.tell(ledger.Progress{Weight: a.Weight, Text: fmt.Sprintf("%s at %d %%: %s", candidate.ID, a.Weight, err)})
		default:
			return err
		}
	}
}

// restoreParked restores under the lease what was judged without it, unless another run has had the word meanwhile. The error of
// a restore that was made says what became of it.
func (p *Procedure) restoreParked(ctx context.Context, judged *ledger.Attempt, failure ledger.Failure) (restored bool, err error) {
	ctx, cancel := p.stageContext(ctx)
	defer cancel()
	w, end, err := p.begin(ctx)
	if err != nil {
		return false, err
	}
	defer end()
	a := w.state().OpenAttempt()
	if a == nil || a.Number != judged.Number || a.Busy() || a.Weight != judged.Weight {
		return false, p.yield(ctx)
	}
	if err := w.append(ctx, ledger.Event{
		Type: ledger.StageOpened, Attempt: a.Number, Stage: service.StageTrafficSplit, Release: a.Release, Spec: a.Split,
		Deadline: w.now().Add(restoreTimeout), Text: "a guard restores: " + failure.Reason,
	}); err != nil {
		// Kept, the lease would keep everybody out, this guard too.
		return false, errors.Join(err, p.yield(ctx))
	}
	defer w.deliverDue(context.WithoutCancel(ctx))
	return true, w.restore(ctx, w.attempt(a.Number), failure)
}

// yield gives the lease back before the run ends. The caller has the turn.
func (p *Procedure) yield(ctx context.Context) error {
	lease := p.lease
	p.lease = nil
	return lease.Release(context.WithoutCancel(ctx), false)
}
