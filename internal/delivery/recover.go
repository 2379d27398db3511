package delivery

import (
	"context"
	"fmt"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Recovery says what a recovery did.
type Recovery struct {
	// Recovered is false where nothing was interrupted.
	Recovered bool
	// Text says what was done, Running what runs now.
	Text    string
	Running string
}

// Recover puts right what an interrupted run or a failed restore left: an interrupted introduction is restored, an
// interrupted restore or rollback is finished. It waits for a run that is still alive.
func (p *Procedure) Recover(ctx context.Context) (Recovery, error) {
	ctx, cancel := p.stageContext(ctx)
	defer cancel()
	w, end, err := p.begin(ctx)
	if err != nil {
		return Recovery{}, err
	}
	defer end()
	defer w.deliverDue(context.WithoutCancel(ctx))
	state := w.state()
	a := state.OpenAttempt()
	if state.Broken == nil && (a == nil || !a.Busy()) {
		untidied := state.Untidied()
		if err := w.sweepAfter(ctx); err != nil {
			return Recovery{}, err
		}
		if untidied != nil {
			return Recovery{Recovered: true, Text: fmt.Sprintf("what %s took the place of was stopped", untidied.Release), Running: w.running(ctx)}, nil
		}
		return Recovery{Text: "nothing was interrupted", Running: w.running(ctx)}, nil
	}
	if err := w.recover(ctx); err != nil {
		return Recovery{}, err
	}
	return Recovery{Recovered: true, Text: w.lastEnd(), Running: w.running(ctx)}, nil
}

// recover brings world and record together. An error is an *Error: the restore failed (again).
func (w *work) recover(ctx context.Context) error {
	state := w.state()
	if state.Broken != nil {
		return w.mend(ctx, w.attempt(state.Broken.Attempt))
	}
	a := state.OpenAttempt()
	failure := ledger.Failure{
		Cause:  ledger.CauseInterrupted,
		Reason: fmt.Sprintf("the run that introduced it ended in the middle of its %s", stageWords(a.Stage)),
	}
	if a.Failure != nil {
		failure = *a.Failure
	}
	if err := w.append(ctx, ledger.Event{Type: ledger.RestoreStarted, Attempt: a.Number, Release: a.Release, Failure: &failure, Text: failure.Reason}); err != nil {
		return err
	}
	if a.Mode == service.ModeRollback && a.Failure == nil && a.Executing {
		if _, err := w.rollBackTo(ctx, a); err == nil {
			return w.closeRollback(ctx, w.attempt(a.Number), nil)
		}
	}
	if restored := w.restore(ctx, w.attempt(a.Number), failure); len(restored.Leftovers) > 0 {
		return restored
	}
	return nil
}

// mend tries a failed restore again.
func (w *work) mend(ctx context.Context, a *ledger.Attempt) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), restoreTimeout)
	defer cancel()
	result := w.putBack(ctx, a)
	if result.err() != nil {
		e := &Error{
			What: fmt.Sprintf("The restore of attempt %d of %s failed again", a.Number, w.procedure.id), Restored: result.done,
			Leftovers: result.failures, Running: w.running(ctx), Record: a.Record,
		}
		w.louden(e, a)
		return e
	}
	return w.append(ctx, ledger.Event{
		Type: ledger.Recovered, Attempt: a.Number, Release: a.Release,
		Text: fmt.Sprintf("the failed restore of attempt %d was finished", a.Number),
	})
}
