package delivery

import (
	"context"
	"errors"
	"fmt"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// What is asked, and put in order, before a rollback touches anything.

// mayRollBack refuses a rollback that would find too few machines, or a router that cannot be told, or could not start what it goes back to.
func (w *work) mayRollBack(ctx context.Context, to service.ReleaseID) error {
	state := w.state()
	r, found := state.Releases[to]
	if !found || w.adapters.Platform == nil {
		return nil // rollBackTo says it.
	}
	if state.Stable != to {
		placement, err := w.adapters.Platform.Placement(r, w.otherSlot())
		if err != nil {
			return fmt.Errorf("place %s: %w", to, err)
		}
		r.Placement = placement
		if err := w.startable(r.Content); err != nil {
			e := refuse("Rollback Refused", fmt.Sprintf("%s cannot be started: %s", to, err), "Give, or mend, the credentials that are named, and roll back again.")
			e.Running, e.Err = w.running(ctx), err
			return e
		}
	}
	part, err := w.mostOf(ctx, r)
	if few := (*fewError)(nil); errors.As(err, &few) {
		e := refuse("Rollback Refused", few.what, fewRemedy)
		e.Evidence, e.Running, e.Err = few.evidence, w.running(ctx), err
		return e
	}
	if err != nil {
		return err
	}
	if state.Stable == to && state.OpenAttempt() != nil {
		return nil // A candidate is taken out first. The traffic goes back from it whatever else the router is not ready for.
	}
	return w.routerMayRollBack(ctx, part)
}

// routerMayRollBack refuses a rollback that the router stands in the way of. A part of it that does not answer does not.
func (w *work) routerMayRollBack(ctx context.Context, to service.Release) error {
	if w.adapters.Router == nil {
		return nil
	}
	err := w.routerSplits(ctx, w.besideStable(to)...)
	state := w.state()
	silent, refused := (*SilentParts)(nil), (*refusedError)(nil)
	switch {
	case errors.As(err, &silent):
		a := state.OpenAttempt()
		if a == nil || !a.Executing || a.Unmoved || state.Stable == "" || state.Stable == to.ID {
			return nil
		}
		e := refuse("Rollback Refused",
			fmt.Sprintf("%s has to be taken out before %s can be started in its slot, and what of the router does not answer may still send requests to it", a.Release, to.ID),
			fmt.Sprintf("`%s rollback %s`, without a release, gives the traffic back to %s at once, wherever the router answers. Bring back what does not answer, or take it out of router.haproxy.nodes, by an apply; then roll back to %s again.",
				operatorBinary, w.procedure.id, state.Stable, to.ID))
		e.Evidence, e.Running, e.Err = []string{err.Error()}, w.running(ctx), err
		return e
	case errors.As(err, &refused):
		next := "Mend what is named, and roll back again."
		if _, unread := w.weightOf(ctx, to.Placement.Slot); unread != nil {
			next += " A node of HAProxy that does not come back is taken out of router.haproxy.nodes, by an apply: then it is rolled back without it."
		}
		e := refuse("Rollback Refused", fmt.Sprintf("%s cannot be given the traffic: the router stands in the way", to.ID), next)
		e.Evidence, e.Running, e.Err = []string{err.Error()}, w.running(ctx), err
		return e
	}
	return err
}

// sweepBeforeRollback is sweep, where nobody waits for a machine that does not answer. What else cannot be tidied away is told, and keeps
// nobody from going back, unless it is in the way of to; to is empty where nothing is started again.
func (w *work) sweepBeforeRollback(ctx context.Context, to service.ReleaseID) error {
	err := w.sweep(ctx)
	if err == nil || isSilent(err) {
		return nil
	}
	if ctx.Err() != nil || !w.lease.Valid() {
		return err
	}
	if inTheWay := w.clearWay(ctx, to); inTheWay != nil {
		return inTheWay
	}
	if w.untidied != "" {
		return nil // It is said already.
	}
	w.untidied = fmt.Sprintf("NOT TIDIED: what earlier releases left is not stopped or removed everywhere: %s. The next release does it, or `%s recover %s`", err, operatorBinary, w.procedure.id)
	w.warn("Old Release Not Tidied Away", w.untidied+".")
	return nil
}

// clearWay stops, or removes, what runs of other releases, or astray, where to is about to be started. Its error is that something of them is
// there still, or that it is not known.
func (w *work) clearWay(ctx context.Context, to service.ReleaseID) error {
	state := w.state()
	if to == "" || to == state.Stable {
		return nil
	}
	slot := w.otherSlot()
	for id, r := range state.Releases {
		if id == to || id == state.Stable || r.Placement.Slot != slot || !r.Placement.Placed() {
			continue
		}
		if err := w.makeRoom(ctx, to, r, func(part service.Release, all bool) error { return w.sweepAway(ctx, part, true, all) }); err != nil {
			return err
		}
	}
	for _, p := range state.LeftOut {
		if p.Release == to || p.Slot != slot || ofStable(state, p) {
			continue
		}
		if err := w.makeRoom(ctx, to, w.at(p), func(part service.Release, _ bool) error { return w.stopAstray(ctx, part, true) }); err != nil {
			return err
		}
	}
	return nil
}

// makeRoom has the part of r that is seen to run go away, to make room for to. all: every machine of r answers.
func (w *work) makeRoom(ctx context.Context, to service.ReleaseID, r service.Release, away func(part service.Release, all bool) error) error {
	part, instances, err := w.answering(ctx, r)
	if err != nil && !isSilent(err) {
		return err
	}
	if !runsAny(part, instances) {
		return nil
	}
	if err := away(part, err == nil); err != nil {
		return fmt.Errorf("%s is in the way of %s: %w", r.ID, to, err)
	}
	return nil
}
