package delivery

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const planAgain = "Run plan again, read what it shows now, and apply that."

func changedSincePlan(what string) *Error {
	return refuse("Service Changed Since Plan", what, planAgain)
}

// refuseAfterRecovery recovers an interrupted attempt that the plan did not know of, then refuses: the plan was made for
// another world.
func (w *work) refuseAfterRecovery(ctx context.Context) error {
	state := w.state()
	if state.Definition == nil {
		return w.procedure.notFound()
	}
	if state.Broken != nil {
		return brokenError(w.procedure.id, state)
	}
	if a := state.OpenAttempt(); a == nil || !a.Busy() {
		return nil
	}
	if err := w.recover(ctx); err != nil {
		return err
	}
	return &Error{
		Summary: "Service Changed Since Plan",
		What: fmt.Sprintf("An earlier run on %s had been interrupted in the middle. It was recovered now: %s",
			w.procedure.id, w.lastEnd()),
		Running: w.running(ctx),
		Next:    planAgain,
	}
}

// lastEnd says in words how the newest attempt ended.
func (w *work) lastEnd() string {
	state := w.state()
	if len(state.Attempts) == 0 {
		return "nothing was left of it"
	}
	a := state.Attempts[len(state.Attempts)-1]
	text := fmt.Sprintf("attempt %d of %s is %s", a.Number, a.Release, strings.ReplaceAll(string(a.End), "_", " "))
	if len(a.Restored) > 0 {
		text += " (" + strings.Join(a.Restored, "; ") + ")"
	}
	return text
}

func brokenError(id service.ID, state *ledger.State) *Error {
	return &Error{
		Summary:   "Restore Unfinished",
		What:      fmt.Sprintf("The restore of attempt %d of %s failed, and world and record are not together", state.Broken.Attempt, id),
		Untouched: true,
		Leftovers: state.Broken.Leftovers,
		Next: fmt.Sprintf("Mend what is named, then run `terraform-provider-deploy recover %s`, or apply (the service's status goes back to ready); "+
			"or keep the world as it is with `terraform-provider-deploy accept %s`.", id, id),
	}
}

// GuardPlan tells why a change planned for release must not be made on what the ledger shows: nil if it may.
// priorAttempt is the attempt in the state, seen the newest one that stood when the state was refreshed; 0 for none. run is
// the one that asks: an attempt that it opened itself has passed this guard, and what it abandoned or left behind is its doing.
func GuardPlan(view ledger.View, run string, release service.ReleaseID, priorAttempt, seen int) *Error {
	state := &view.State
	newest := state.StandingAttempt()
	if newest != nil && newest.Run == run {
		return nil
	}
	for _, number := range []int{priorAttempt, seen} {
		a := state.Attempt(number)
		if a == nil || a.Stands() && a.Number != view.Void() {
			continue
		}
		// A stage before this one has begun a newer attempt at the very release, or has abandoned the older one because what
		// stands is wanted again: that is why it is gone.
		wanted := newest != nil && newest.Number != view.Void() && newest.Release == release
		if wanted && (newest.Number > a.Number || a.End == service.EndAbandoned) {
			continue
		}
		return changedSincePlan(fmt.Sprintf("The state is that of attempt %d of %s, which no longer stands (%s)", a.Number, a.Release, endText(a)))
	}
	for i := len(state.Attempts) - 1; i >= 0; i-- {
		a := state.Attempts[i]
		if seen > 0 && a.Number > seen && a.Stands() && a.Release != release && a.Number != view.Void() {
			return changedSincePlan(fmt.Sprintf("Attempt %d of %s %s after the state was refreshed (which knew attempt %d)", a.Number, a.Release, endText(&a), seen))
		}
	}
	return nil
}

// GuardOpen tells why a change planned for release must not be made where the attempt seen was open when the state was refreshed: one of
// another release that has been finalized since is what the plan would replace without saying so. nil: it may.
func GuardOpen(view ledger.View, run string, release service.ReleaseID, seen int) *Error {
	a := view.State.Attempt(seen)
	// What this run itself finished, as it recovered or found it at 100 %, the plan knew of.
	if a == nil || a.End != service.EndFinalized || a.EndedRun == run || a.Release == release {
		return nil
	}
	return changedSincePlan(fmt.Sprintf("Attempt %d of %s was open when the state was refreshed, and was finalized after it", a.Number, a.Release))
}

func endText(a *ledger.Attempt) string {
	switch {
	case a.Undone:
		return "was taken back by a rollback"
	case a.Open():
		return "began"
	}
	return "was " + strings.ReplaceAll(string(a.End), "_", " ")
}

// held refuses a release that may not be introduced again as it is.
func (w *work) held(ctx context.Context, release service.ReleaseID) error {
	state := w.state()
	reason, held := state.Held[release]
	if !held {
		return nil
	}
	last := state.LastFailure[release]
	return &Error{
		Summary: "Release Held",
		What:    fmt.Sprintf("%s is held: %s", release, reason), Untouched: true,
		Evidence: last.Failure.Evidence,
		Running:  w.running(ctx),
		Next: fmt.Sprintf("Give the release other content; or, when the reason is gone, run `terraform-provider-deploy unhold %s` and apply again.",
			w.procedure.id),
		Record: last.Record,
	}
}

// running says in words what runs and carries the traffic: by the record, and where that does not hold, by the world.
func (w *work) running(ctx context.Context) string {
	state := w.state()
	if state.Broken != nil {
		return w.seen(ctx, state.Attempt(state.Broken.Attempt))
	}
	stable := state.StableRelease()
	if stable == nil {
		if a := state.OpenAttempt(); a != nil && a.Executing {
			return fmt.Sprintf("%s, the first release of the service", a.Release)
		}
		return "nothing: the service has no release"
	}
	if w.incomplete(ctx, *stable) {
		return w.seen(ctx, state.OpenAttempt())
	}
	text := fmt.Sprintf("%s in slot %s", stable.ID, stable.Placement.Slot)
	if c := state.Candidate(); c != nil {
		return text + fmt.Sprintf(", with %s beside it at %d %%", c.ID, state.OpenAttempt().Weight)
	}
	return text + ", with all of the traffic"
}

// incomplete tells whether a release that should run is seen not to.
func (w *work) incomplete(ctx context.Context, r service.Release) bool {
	if w.adapters.Platform == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), seenTimeout)
	defer cancel()
	instances, err := w.adapters.Platform.Inspect(ctx, r.Placement)
	return err == nil && !(service.Snapshot{Instances: instances}).Complete(r)
}

// seenTimeout bounds a look at a world that may not answer.
const seenTimeout = 5 * time.Second

// seen looks at what is left of an attempt whose restore failed.
func (w *work) seen(ctx context.Context, a *ledger.Attempt) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), seenTimeout)
	defer cancel()
	var parts []string
	looked := []*service.Release{w.stable(a)}
	if a != nil {
		looked = append(looked, w.recorded(a))
	}
	for i, r := range looked {
		if r == nil || i > 0 && looked[0] != nil && r.ID == looked[0].ID {
			continue
		}
		instances, err := w.adapters.Platform.Inspect(ctx, r.Placement)
		if err != nil {
			parts = append(parts, fmt.Sprintf("%s could not be looked at (%s)", r.ID, err))
			continue
		}
		parts = append(parts, describe(instances))
	}
	if w.adapters.Router != nil {
		if weights, err := w.adapters.Router.Weights(ctx); err != nil {
			parts = append(parts, fmt.Sprintf("the router does not say its weights (%s)", err))
		} else {
			parts = append(parts, "the router's weights are "+shares(weights))
		}
	}
	return strings.Join(parts, "; ")
}
