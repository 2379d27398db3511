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

// What an operator does outside Terraform. Each takes the lease as a stage does.

// retreat is how an operator goes back: what is taken out, and what carries the traffic again.
type retreat struct {
	// takeOut is the open attempt that ends, nil for none.
	takeOut *ledger.Attempt
	// from and to: the kept release that takes stable's place; empty where taking the candidate out is all.
	from, to service.ReleaseID
}

// decideRollback says what a rollback to a release, or to the one before, comes to.
func (p *Procedure) decideRollback(state *ledger.State, to service.ReleaseID) (retreat, error) {
	r := retreat{takeOut: state.OpenAttempt()}
	if r.takeOut != nil && (to == "" || to == state.Stable) {
		return r, nil
	}
	if to != "" && to == state.Stable {
		return r, nil
	}
	if to == "" && len(state.Kept) > 0 {
		to = state.Kept[0]
	}
	if to == "" || !slices.Contains(state.Kept, to) {
		return r, refuse("Nothing To Roll Back To", fmt.Sprintf("%s keeps no release ready%s; %s", p.id, named(to), keeps(state)),
			fmt.Sprintf("See `%s history %s` for what ran, and release it again by its HCL.", operatorBinary, p.id))
	}
	r.from, r.to = state.Stable, to
	return r, nil
}

// keeps says in words what is kept ready.
func keeps(state *ledger.State) string {
	if len(state.Kept) == 0 {
		return "it keeps none"
	}
	names := make([]string, len(state.Kept))
	for i, kept := range state.Kept {
		names[i] = string(kept)
	}
	return "it keeps " + strings.Join(names, ", ")
}

func named(r service.ReleaseID) string {
	if r == "" {
		return ""
	}
	return " by the name " + string(r)
}

// words says what is about to be done.
func (r retreat) words(state *ledger.State) string {
	var parts []string
	if r.takeOut != nil {
		parts = append(parts, fmt.Sprintf("the introduction of %s ends, it is taken out and held", r.takeOut.Release))
	}
	switch {
	case r.to != "":
		parts = append(parts, fmt.Sprintf("%s gets all of the traffic at once, %s is taken out and held", r.to, r.from))
	case state.Stable != "":
		parts = append(parts, fmt.Sprintf("%s has all of the traffic", state.Stable))
	default:
		parts = append(parts, "nothing runs then")
	}
	return strings.Join(parts, "; ")
}

// RollbackPlan says what Rollback is about to do. It changes nothing.
func (p *Procedure) RollbackPlan(ctx context.Context, to service.ReleaseID) (string, error) {
	view, err := p.readDefined(ctx)
	if err != nil {
		return "", err
	}
	if a := view.Interrupted(); a != nil {
		return fmt.Sprintf("attempt %d of %s, which was interrupted, is recovered first; then back to %s", a.Number, a.Release, orBefore(to)), nil
	}
	r, err := p.decideRollback(&view.State, to)
	if err != nil {
		return "", err
	}
	return r.words(&view.State), nil
}

func orBefore(r service.ReleaseID) string {
	if r == "" {
		return "the release before"
	}
	return string(r)
}

// readDefined reads the ledger of a service that has to be there.
func (p *Procedure) readDefined(ctx context.Context) (ledger.View, error) {
	view, err := p.Read(ctx)
	if err == nil && view.State.Definition == nil {
		err = p.notFound()
	}
	return view, err
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
	if err := w.settle(ctx); err != nil {
		return "", err
	}
	if err := w.sweep(ctx); err != nil { // What an earlier run did not tidy may be in the way.
		return "", err
	}
	r, err := p.decideRollback(w.state(), to)
	if err != nil {
		return "", err
	}
	done := fmt.Sprintf("%s carries all of the traffic already", to)
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

// settle recovers what was interrupted before an operator's command works on the service.
func (w *work) settle(ctx context.Context) error {
	state := w.state()
	if a := state.OpenAttempt(); state.Broken != nil || a != nil && a.Busy() {
		return w.recover(ctx)
	}
	return nil
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
		Opening: &ledger.Opening{Mode: service.ModeRollback, Replaces: from, ByOperator: true, Data: data},
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
		return fmt.Sprintf("%s carries all of the traffic", to), nil
	}
	return fmt.Sprintf("%s carries all of the traffic again; %s was taken out and is held", to, from), nil
}

// rollBackInTime rolls back, and where that fails before the traffic has moved puts back what ran.
func (w *work) rollBackInTime(ctx context.Context, a *ledger.Attempt) error {
	timed, stop := context.WithTimeoutCause(ctx, restoreTimeout, errOverdue)
	timed, cancel := w.whileHeld(timed, stop)
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
	w, end, err := p.begin(ctx)
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

// Accept takes the world as it is: the ledger says what runs, and nothing is changed.
func (p *Procedure) Accept(ctx context.Context) (string, error) {
	w, end, err := p.begin(ctx)
	if err != nil {
		return "", err
	}
	defer end()
	state := w.state()
	a := state.OpenAttempt()
	if a == nil && state.Broken != nil {
		a = state.Attempt(state.Broken.Attempt)
	}
	if a == nil {
		return "nothing was open or broken: the ledger stays as it is", nil
	}
	carries, kept, snapshot, err := w.carries(ctx, a)
	if err != nil {
		return "", err
	}
	if carries == "" && len(snapshot.Instances) > 0 {
		return "", refuse("Nothing Carries The Traffic", fmt.Sprintf("No release of %s runs where the traffic goes: %s", p.id, w.seen(ctx, a)),
			"Give the traffic to a release that runs, by hand, and accept again; or `recover`.")
	}
	if a.Open() {
		end := service.EndAbandoned
		if carries == a.Release {
			end = service.EndFinalized
		}
		closing := ledger.Closing{End: end, Kept: kept}
		if err := w.append(ctx, ledger.Event{Type: ledger.AttemptClosed, Attempt: a.Number, Release: a.Release, Closing: &closing, Text: "an operator accepted the world as it is"}); err != nil {
			return "", err
		}
	}
	text := fmt.Sprintf("accepted as it is: %s carries the traffic", orNothing(carries))
	return text, w.append(ctx, ledger.Event{Type: ledger.Accepted, Attempt: a.Number, Release: carries, Snapshot: &snapshot, Text: text, Closing: &ledger.Closing{Kept: kept}})
}

// carries looks at which release has the traffic, and at all of what runs; of two with the same share it is stable. Other releases
// that run, and those that were kept, are kept: nothing that runs is forgotten.
func (w *work) carries(ctx context.Context, a *ledger.Attempt) (service.ReleaseID, []service.ReleaseID, service.Snapshot, error) {
	var all service.Snapshot
	var carries service.ReleaseID
	var running []service.ReleaseID
	most := 0
	for _, r := range []*service.Release{w.state().StableRelease(), w.recorded(a)} {
		if r == nil {
			continue
		}
		snapshot, err := w.inspect(ctx, *r)
		if err != nil {
			return "", nil, all, err
		}
		all.Weights, all.TakenAt = snapshot.Weights, snapshot.TakenAt
		if !runsAny(*r, snapshot.Instances) {
			continue
		}
		all.Instances = append(all.Instances, snapshot.Instances...)
		running = append(running, r.ID)
		share := 100
		if snapshot.Weights != nil {
			share = snapshot.Weights[r.Placement.Slot]
		}
		if 2*share >= 100 && share > most {
			carries, most = r.ID, share
		}
	}
	kept := slices.Clone(w.state().Kept)
	for _, r := range running {
		if r != carries && !slices.Contains(kept, r) {
			kept = append([]service.ReleaseID{r}, kept...)
		}
	}
	return carries, slices.DeleteFunc(kept, func(r service.ReleaseID) bool { return r == carries }), all, nil
}
