package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// What an operator does outside Terraform. Each takes the lease as a stage does.

// readDefined reads the ledger of a service that has to be there, and within reach.
func (p *Procedure) readDefined(ctx context.Context) (ledger.View, error) {
	view, err := p.Read(ctx)
	switch {
	case err != nil:
		return view, err
	case view.State.Definition == nil:
		return view, p.notFound()
	}
	return view, p.inReach(ctx, &view.State)
}

// Rollback takes out what is being introduced, or else what is stable, and gives the traffic back to the release before
// it, or to the one named in to. The release that is taken out is held.
func (p *Procedure) Rollback(ctx context.Context, to service.ReleaseID, reason string) (string, error) {
	ctx, cancel := p.stageContext(ctx)
	defer cancel()
	w, end, err := p.begin(ctx)
	if err != nil {
		return "", err
	}
	defer end()
	defer w.deliverDue(context.WithoutCancel(ctx))
	settled, err := w.settleRollback(ctx, to, reason)
	if err != nil || settled != "" && to == "" {
		return settled, err
	}
	r, err := p.decideRollback(w.state(), to)
	if err != nil {
		return "", after(settled, err)
	}
	if r.to == "" && r.takeOut == nil {
		if done, err := w.carriesAlready(ctx, to); err != nil || done != "" {
			return done, after(settled, err)
		}
		r.to = to
	}
	if r.to != "" {
		if err := w.mayRollBack(ctx, r.to); err != nil {
			return "", after(settled, err)
		}
	}
	if err := w.sweepBeforeRollback(ctx, r.to); err != nil { // What an earlier run did not tidy may be in the way.
		return "", err
	}
	var done string
	if r.takeOut != nil {
		if done, err = w.takeOut(ctx, r.takeOut, reason); err != nil {
			return "", err
		}
	}
	if r.to == "" {
		return done, nil
	}
	return w.rollBackByOperator(ctx, r.to, reason, nil)
}

// carriesAlready says that the stable release has all of the traffic, read from the router; empty where it has not.
func (w *work) carriesAlready(ctx context.Context, stable service.ReleaseID) (string, error) {
	if w.adapters.Router != nil {
		weight, err := w.weightOf(ctx, w.state().Releases[stable].Placement.Slot)
		if err != nil {
			e := refuse("Traffic Not Known", fmt.Sprintf("%s is the stable release, and whether it carries all of the traffic cannot be told: %s", stable, err),
				"Bring back what does not answer, and roll back again; a node of HAProxy that does not come back is taken out of router.haproxy.nodes, by an apply.")
			e.Err = err
			return "", e
		}
		if weight != 100 {
			return "", nil
		}
	}
	return fmt.Sprintf("%s carries all of the traffic already", stable), nil
}

// settleRollback ends what an earlier run left in the middle as a rollback would: an introduction is taken out and held, a failed
// restore is finished and its release held, a rollback is finished. What it says it did is all that a rollback to nowhere in
// particular wants (to is empty); empty: there was nothing.
func (w *work) settleRollback(ctx context.Context, to service.ReleaseID, reason string) (string, error) {
	state := w.state()
	if state.Broken != nil {
		a := w.attempt(state.Broken.Attempt)
		if err := w.mend(ctx, a, "an operator rolled it back"+because(reason)); err != nil {
			return "", err
		}
		return fmt.Sprintf("the restore of attempt %d was finished; %s is held", a.Number, a.Release), nil
	}
	a := state.OpenAttempt()
	switch {
	case a == nil || !a.Busy():
		done := cutShort(state)
		if done == nil {
			return "", nil
		}
		untidied := w.tidied(ctx)
		if untidied != nil {
			w.warnOldStays(untidied)
		}
		if to != "" && untidied != nil {
			return fmt.Sprintf("what was before %s is not stopped everywhere: %s", done.Release, untidied), nil
		}
		if to != "" {
			return fmt.Sprintf("what was before %s was tidied away", done.Release), nil
		}
		return fmt.Sprintf("%s carries all of the traffic, by a command that was cut short right after; to go back further, name the release with --to", done.Release), nil
	case a.Mode == service.ModeRollback && a.Failure == nil && a.Executing:
		if err := w.finishRollback(ctx, a); err != nil {
			return "", err
		}
		return alsoSaying(w.lastEnd(), w.leftOut(w.state().Stable)), nil
	case a.Mode == service.ModeRollback && a.Failure == nil:
		// It was decided, and nothing touched yet: it is begun anew.
		if err := w.mayRollBack(ctx, a.Release); err != nil {
			return "", err
		}
		if err := w.takeAway(ctx, a, "the run that began it ended at once", ledger.Closing{End: service.EndAbandoned}); err != nil {
			return "", err
		}
		if err := w.sweepBeforeRollback(ctx, a.Release); err != nil { // Where an attempt is open it does nothing.
			return "", err
		}
		if reason == "" {
			reason = a.Reason
		}
		return w.rollBackByOperator(ctx, a.Release, reason, a.Data)
	}
	return w.takeOut(ctx, a, reason)
}

// cutShort is the newest attempt where it is an operator's rollback that was done, and whose answer may have reached nobody; nil if
// it is not.
func cutShort(state *ledger.State) *ledger.Attempt {
	n := len(state.Attempts)
	if n == 0 {
		return nil
	}
	if a := &state.Attempts[n-1]; a.ByOperator && a.End == service.EndFinalized && slices.Contains(state.LostRuns, a.EndedRun) {
		return a
	}
	return nil
}

// settle recovers what was interrupted before an operator's command works on the service, and says what came of it; empty: there was nothing.
func (w *work) settle(ctx context.Context) (string, error) {
	state := w.state()
	if !inTheMiddle(state) {
		return "", nil
	}
	if err := w.recover(ctx); err != nil {
		return "", err
	}
	return w.cameOf(state), nil
}

// cameOf says what a recovery came to. state is that before it.
func (w *work) cameOf(state *ledger.State) string {
	if state.Broken != nil {
		return fmt.Sprintf("the restore of attempt %d, which had failed, is finished now", state.Broken.Attempt)
	}
	return w.lastEnd()
}

// takeOut ends an open attempt: its candidate goes, and is held.
func (w *work) takeOut(ctx context.Context, a *ledger.Attempt, reason string) (string, error) {
	if err := w.takeAway(ctx, a, "an operator rolled it back"+because(reason), ledger.Closing{End: service.EndRolledBack, Hold: true}); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s was taken out and is held", a.Release), nil
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

// rollBackByOperator makes a kept release, or the stable one, carry the traffic again, and holds the one it takes out. data is
// the checkpoint whose data is put back with it, nil for none.
func (w *work) rollBackByOperator(ctx context.Context, to service.ReleaseID, reason string, data *service.Checkpoint) (string, error) {
	state := w.state()
	from, number := state.Stable, state.LastAttempt+1
	if err := w.append(ctx, ledger.Event{
		Type: ledger.AttemptOpened, Attempt: number, Release: to, Text: "an operator rolls back to " + string(to) + because(reason),
		Opening: &ledger.Opening{Mode: service.ModeRollback, Replaces: from, ByOperator: true, Reason: reason, Data: data},
	}); err != nil {
		return "", err
	}
	if err := w.append(ctx, ledger.Event{
		Type: ledger.StageOpened, Attempt: number, Stage: service.StageRelease, Release: to, Deadline: w.now().Add(restoreTimeout),
	}); err != nil {
		return "", err
	}
	a := w.attempt(number)
	if err := w.rollBackInTime(ctx, a); err != nil {
		return "", err
	}
	if err := w.closeRollback(ctx, w.attempt(number), nil); err != nil {
		return "", err
	}
	if from == to {
		return alsoSaying(fmt.Sprintf("%s carries all of the traffic", to), w.aside(to)), nil
	}
	return alsoSaying(fmt.Sprintf("%s carries all of the traffic again; %s was taken out and is held", to, from), w.aside(to)), nil
}

// rollBackInTime rolls back, and where that fails before the traffic has moved puts back what ran.
func (w *work) rollBackInTime(ctx context.Context, a *ledger.Attempt) error {
	timed, cancel := w.timed(ctx, restoreTimeout)
	defer cancel()
	_, err := w.rollBackTo(timed, a)
	if err == nil {
		return nil
	}
	if moved := (*movedError)(nil); errors.As(err, &moved) {
		return w.unfinishedRollback(ctx, a, moved)
	}
	return w.restore(ctx, a, classify(timed, err))
}

// Unhold lets a held release be introduced again; release empty: all of the service's.
func (p *Procedure) Unhold(ctx context.Context, release service.ReleaseID) ([]service.ReleaseID, error) {
	w, end, err := p.take(ctx, admission{known: true, anywhere: true})
	if err != nil {
		return nil, err
	}
	defer end()
	var unheld []service.ReleaseID
	for id := range w.state().Held {
		if release != "" && id != release {
			continue
		}
		if err := w.append(ctx, ledger.Event{Type: ledger.Unheld, Release: id, Text: string(id) + " is no longer held"}); err != nil {
			return unheld, err
		}
		unheld = append(unheld, id)
	}
	slices.Sort(unheld)
	return unheld, nil
}
