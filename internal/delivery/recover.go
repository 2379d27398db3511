package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

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
	before := w.state()
	if !inTheMiddle(before) {
		return w.putInOrder(ctx)
	}
	if err := w.recover(ctx); err != nil {
		return Recovery{}, err
	}
	return w.goOn(ctx, w.cameOf(before))
}

// goOn puts in order what is left when what was in the middle has been recovered, which came says. That waits for machines that do not
// answer, and is told.
func (w *work) goOn(ctx context.Context, came string) (Recovery, error) {
	ordered, err := w.putInOrder(ctx)
	failed := (*Error)(nil)
	switch {
	case err == nil && ordered.Recovered:
		came = alsoSaying(came, ordered.Text)
	case err == nil:
	case isSilent(err) && ctx.Err() == nil:
		left := w.leftOut(w.state().Stable)
		if left == "" {
			left = fmt.Sprintf("NOT TIDIED: %s. `%s recover %s` does it when it answers", err, operatorBinary, w.procedure.id)
		}
		came = alsoSaying(came, left)
	case errors.As(err, &failed):
		told := *failed
		told.Before = alsoSaying(came, told.Before)
		return Recovery{}, &told
	default:
		return Recovery{}, fmt.Errorf("%s; then: %w", came, err)
	}
	return Recovery{Recovered: true, Text: came, Running: w.running(ctx)}, nil
}

// inTheMiddle tells whether a run, or a restore, left something that is to be brought to its end before anything else.
func inTheMiddle(state *ledger.State) bool {
	a := state.OpenAttempt()
	return state.Broken != nil || a != nil && a.Busy()
}

// putInOrder does what is left to do where nothing was interrupted: what was replaced is stopped, and what runs is brought to the hosts
// that it is not on. Machines that do not answer keep it from no other; that there are some is the error in the end.
func (w *work) putInOrder(ctx context.Context) (Recovery, error) {
	var done []string
	var silent error
	if untidied := w.state().Untidied(); w.state().Unsettled() {
		err := w.sweepUnsettled(ctx)
		if err != nil {
			err = fmt.Errorf("stop what earlier releases of %s left: %w", w.procedure.id, err)
		}
		switch {
		case isSilent(err):
			silent = err
		case err != nil:
			return Recovery{}, err
		case untidied != nil:
			done = append(done, fmt.Sprintf("what %s took the place of was stopped", untidied.Release))
		default:
			done = append(done, "what earlier releases may have left is stopped")
		}
	}
	if Unsized(w.state()) {
		if err := w.resize(ctx); err != nil {
			return Recovery{}, err
		}
		if silent == nil && Unsized(w.state()) {
			if silent = w.unsizedStill(); !isSilent(silent) {
				return Recovery{}, silent
			}
		}
		done = append(done, "what runs was brought to the hosts of the service")
	}
	switch {
	case silent != nil:
		return Recovery{}, silent
	case len(done) == 0:
		return Recovery{Text: "nothing was interrupted", Running: w.running(ctx)}, nil
	}
	return Recovery{Recovered: true, Text: strings.Join(done, "; "), Running: w.running(ctx)}, nil
}

// unsizedStill is why what runs is not on the hosts of the service, where nothing failed that was to bring it there.
func (w *work) unsizedStill() error {
	state := w.state()
	if w.silence.err != nil {
		return fmt.Errorf("bring %s to the hosts of the service: %w", state.Stable, &silentError{w.silence.err})
	}
	return fmt.Errorf("bring %s to the hosts of the service: the ledger has it on %q of %q, and no host was seen not to answer",
		state.Stable, hostsOf(state.Releases[state.Stable].Placement), slices.Sorted(slices.Values(definedHosts(state.Definition))))
}

// recover brings world and record together. An error is an *Error: the restore failed (again).
func (w *work) recover(ctx context.Context) error {
	state := w.state()
	if state.Broken != nil {
		return w.mend(ctx, w.attempt(state.Broken.Attempt), "")
	}
	a := state.OpenAttempt()
	if a == nil {
		return nil // Its end had been written, and only the answer was lost.
	}
	if a.Mode == service.ModeRollback && a.Failure == nil && a.Executing {
		return w.finishRollback(ctx, a)
	}
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
	if restored := w.restore(ctx, w.attempt(a.Number), failure); len(restored.Leftovers) > 0 {
		return restored
	}
	return nil
}

// finishRollback brings a rollback to its end that was interrupted. It stays one to be finished, however often that is interrupted
// again: only where its release does not come up is what ran before put back.
func (w *work) finishRollback(ctx context.Context, a *ledger.Attempt) error {
	ctx, cancel := w.timed(context.WithoutCancel(ctx), w.procedure.run.restoring)
	defer cancel()
	text := "the rollback was interrupted in the middle, and is finished now"
	if a.Unfinished != "" {
		text = "the rollback that could not be finished is finished now; what was in its way: " + a.Unfinished
	}
	if err := w.append(ctx, ledger.Event{Type: ledger.RestoreStarted, Attempt: a.Number, Release: a.Release, Text: text}); err != nil {
		return err
	}
	_, err := w.rollBackTo(ctx, w.attempt(a.Number))
	if err == nil {
		return w.closeRollback(ctx, w.attempt(a.Number), nil)
	}
	if moved := (*movedError)(nil); errors.As(err, &moved) {
		return w.unfinishedRollback(ctx, a, moved)
	}
	if errors.Is(context.Cause(ctx), errOverdue) {
		return w.overdueRollback(ctx, a, err)
	}
	if ctx.Err() != nil { // The lease is lost: what becomes of it is told by who has it now.
		return fmt.Errorf("finish the rollback to %s: %w", a.Release, err)
	}
	failure := classify(ctx, err)
	if restored := w.restore(ctx, w.attempt(a.Number), failure); len(restored.Leftovers) > 0 {
		return restored
	}
	w.warn("Rollback Not Finished", fmt.Sprintf("The interrupted rollback to %s could not be finished: %s. What ran before it was put back.", a.Release, failure.Reason))
	return nil
}

// overdueRollback leaves the attempt of a rollback open whose time was over before its release had all of the traffic: what was to go may have it.
func (w *work) overdueRollback(ctx context.Context, a *ledger.Attempt, err error) *Error {
	e := &Error{
		Summary: "Rollback Unfinished",
		What:    fmt.Sprintf("The rollback to %s was not finished within %s, and it may have less than all of the traffic: %s", a.Release, w.procedure.run.restoring, err),
		Running: w.seen(ctx, a), Err: err,
		Next: fmt.Sprintf("Mend what took so long, then `%s recover %s`, or apply again: it is finished then. Another release can be rolled back to, or introduced, after that.",
			operatorBinary, w.procedure.id),
	}
	w.noteUnfinished(ctx, a, e)
	return e
}

// mend tries a failed restore again. hold is why its release is held from then on, empty where that is not wanted.
func (w *work) mend(ctx context.Context, a *ledger.Attempt, hold string) error {
	ctx, cancel := w.rescue(ctx, restoreTimeout)
	defer cancel()
	result := &putBackResult{}
	if w.trafficToStable(ctx, a, result) {
		w.takeCandidateAway(ctx, a, result)
	}
	if result.err() != nil {
		e := &Error{
			What: fmt.Sprintf("The restore of attempt %d of %s failed again", a.Number, w.procedure.id), Restored: result.done,
			Leftovers: result.failures, Running: w.running(ctx), Record: a.Record,
		}
		w.louden(e, a, result)
		return e
	}
	recovered := ledger.Event{
		Type: ledger.Recovered, Attempt: a.Number, Release: a.Release,
		Text: fmt.Sprintf("the failed restore of attempt %d was finished", a.Number), Remaining: w.state().Beside(),
	}
	if hold != "" {
		recovered.Text, recovered.Closing = hold, &ledger.Closing{Hold: true}
	}
	return w.append(ctx, recovered)
}
