package delivery

import (
	"context"
	"errors"
	"fmt"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
)

// What is left open because a part of the world does not answer, and is finished by a recovery: the traffic is where it is wanted, wherever
// the router answers, and what had it before stays up for the rest.

// movedError is what went wrong with a rollback after it had moved the traffic: that is not moved back to what was to go.
type movedError struct{ err error }

func (e *movedError) Error() string { return e.err.Error() }
func (e *movedError) Unwrap() error { return e.err }

// movedBut is a movedError of what went wrong, nil for nothing.
func movedBut(err error) error {
	if err == nil {
		return nil
	}
	return &movedError{err}
}

// unfinishedRollback leaves the attempt open, so that a recovery finishes it.
func (w *work) unfinishedRollback(ctx context.Context, a *ledger.Attempt, moved *movedError) *Error {
	e := &Error{
		Summary: "Rollback Unfinished", What: fmt.Sprintf("%s carries the traffic again, and what was left to do failed: %s", a.Release, moved.err),
		Running: w.seen(ctx, a), Err: moved.err,
		Next: fmt.Sprintf("Mend what is named, then `%s recover %s`, or apply again: it is finished then.", operatorBinary, w.procedure.id),
	}
	if silent := (*SilentParts)(nil); errors.As(moved.err, &silent) {
		left := "what ran before is stopped"
		if a.Data != nil {
			left = "its data is put back, and " + left
		}
		e.What = fmt.Sprintf("%s carries the traffic again wherever the router answers, and not all of it does: %s", a.Release, moved.err)
		e.Next = fmt.Sprintf("Bring back what does not answer, then `%s recover %s`, or apply again: the rollback is finished then, and %s. "+
			"What does not come back is taken out of router.haproxy.nodes, by an apply, which finishes it as well.", operatorBinary, w.procedure.id, left)
	}
	e.Next += " Another release can be rolled back to, or introduced, after that."
	w.noteUnfinished(ctx, a, e)
	return e
}

// unfinishedRestore leaves the attempt of a candidate that is taken out open, with the candidate.
func (w *work) unfinishedRestore(ctx context.Context, a *ledger.Attempt, failure ledger.Failure, result *putBackResult) *Error {
	if !w.lease.Valid() {
		return w.overtaken(ctx, a, failure, result)
	}
	if discards(a) {
		result.fail("data was not restored: that waits until the candidate is gone")
	}
	e := &Error{
		Summary: "Rollback Unfinished",
		What: fmt.Sprintf("%s is taken out: %s. %s carries the traffic again wherever the router answers, and not all of it does: %s",
			a.Release, failure.Reason, w.state().Stable, result.untold),
		Restored: result.done, Leftovers: result.failures, Running: w.seen(ctx, a), Err: result.untold,
		Next: w.nextUntold() + " Another release can be rolled back to, or introduced, after that.",
	}
	w.noteUnfinished(ctx, a, e)
	return e
}

// nextUntold says how a restore is finished that could not tell all of the router.
func (w *work) nextUntold() string {
	return fmt.Sprintf("Bring back what does not answer, then `%s recover %s`, or apply again: it is finished then, and the candidate is taken away. "+
		"What does not come back is taken out of router.haproxy.nodes, by an apply, which finishes it as well.", operatorBinary, w.procedure.id)
}

// noteUnfinished records why an attempt is left open, and tells of it the first time.
func (w *work) noteUnfinished(ctx context.Context, a *ledger.Attempt, e *Error) {
	if !w.lease.Valid() {
		return // It is another's to tell.
	}
	writing, cancel := w.rescue(ctx, closingTimeout)
	defer cancel()
	why := w.withoutSecrets(a, ledger.Failure{Reason: e.What}).Reason
	event := ledger.Event{Type: ledger.RestoreStarted, Attempt: a.Number, Release: a.Release, Text: "not finished: " + why, Unfinished: why}
	if a.Unfinished == "" {
		event.Notify = w.message(a.Number, "restore_failed", fmt.Sprintf("%s: not finished: %s", w.procedure.id, why), "")
		event.Notify.ID += "/unfinished" // A restore of this attempt may still fail.
		event.Channels = w.channels("restore_failed")
	}
	if err := w.append(writing, event); err != nil {
		e.Leftovers = append(e.Leftovers, fmt.Sprintf("that attempt %d is not finished could not be recorded; the next run finds it interrupted: %s", a.Number, err))
	}
}
