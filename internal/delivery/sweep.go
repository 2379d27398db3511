package delivery

import (
	"context"
	"fmt"
	"slices"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// sweep removes what no attempt needs any more: kept releases that still run are stopped, releases that are not kept
// are removed, and so is what may run of either where no record says so. It is what a kill right after a finalization left to do. Where
// machines do not answer it does so on the others, before it says so by a *silentError. When all is done the ledger says so.
func (w *work) sweep(ctx context.Context) error {
	return w.sweepOf(ctx, true)
}

// sweepUnsettled is sweep where nothing new is about to come: a kept release that an operator accepted as it runs goes on, but on machines that were
// left out.
func (w *work) sweepUnsettled(ctx context.Context) error {
	return w.sweepOf(ctx, w.state().Untidied() != nil)
}

// sweepOf is sweep, of kept releases everywhere or where machines were left out.
func (w *work) sweepOf(ctx context.Context, kept bool) error {
	state := w.state()
	if state.OpenAttempt() != nil || state.Broken != nil || w.adapters.Platform == nil {
		return nil
	}
	if err := w.sweepAll(ctx, state, kept); err != nil {
		return err
	}
	if a := w.state().Untidied(); a != nil {
		return w.append(ctx, ledger.Event{Type: ledger.Tidied, Attempt: a.Number, Release: a.Release})
	}
	return nil
}

// sweepAll is sweepOf, of what a state records.
func (w *work) sweepAll(ctx context.Context, state *ledger.State, kept bool) error {
	// What is told below of those that are recorded comes of the same machines.
	astray := w.sweepAstray(ctx)
	if astray != nil && ctx.Err() != nil {
		return astray
	}
	var silent error
	for id, r := range state.Releases {
		if id == state.Stable || !r.Placement.Placed() {
			continue
		}
		if !kept && slices.Contains(state.Kept, id) {
			if r, _ = parted(r, leftOutHosts(state)); len(hostsOf(r.Placement)) == 0 {
				continue
			}
		}
		part, instances, err := w.answering(ctx, r)
		if isSilent(err) {
			silent = err
		} else if err != nil {
			return err
		}
		if len(part.Placement.Instances) == 0 {
			continue
		}
		if err := w.sweepAway(ctx, part, runsAny(part, instances), err == nil); err != nil {
			return err
		}
	}
	if astray != nil && !isSilent(astray) || silent == nil {
		return astray
	}
	return silent
}

// sweepAway stops a kept release, or removes one that is not kept: all of it, or the part of it that answers.
func (w *work) sweepAway(ctx context.Context, r service.Release, running, all bool) error {
	state := w.state()
	// Only what runs is drained: its slot may be another release's by now.
	if running {
		if err := w.withoutRequests(ctx, r); err != nil {
			return err
		}
	}
	switch {
	case !slices.Contains(state.Kept, r.ID) && all:
		return w.remove(ctx, state.LastAttempt, r)
	case !slices.Contains(state.Kept, r.ID):
		return w.removePart(ctx, state.LastAttempt, r)
	case running:
		return w.stop(ctx, state.LastAttempt, r)
	}
	return nil
}

// withoutRequests takes the traffic from a release that is about to be stopped, and waits for the requests that it has still. That some do not end
// in time is told. What a router lost meanwhile of what it was told is set once more.
func (w *work) withoutRequests(ctx context.Context, r service.Release) error {
	if _, err := w.withoutTraffic(ctx, r); err != nil {
		return err
	}
	drained := w.drain(ctx, r)
	if moved, err := w.withoutTraffic(ctx, r); err != nil {
		return err
	} else if moved {
		drained = w.drain(ctx, r)
	}
	if drained != nil {
		w.warn("Requests Cut Off", fmt.Sprintf("Not all requests in flight to %s ended before it was stopped: %s.", r.ID, drained))
	}
	return nil
}

// withoutTraffic sees to it that a release that is about to be stopped has no traffic: an operator may have accepted a split, or
// moved weights by hand. It tells whether it had some.
func (w *work) withoutTraffic(ctx context.Context, r service.Release) (moved bool, err error) {
	stable := w.state().StableRelease()
	if w.adapters.Router == nil || stable != nil && stable.Placement.Slot == r.Placement.Slot {
		return false, nil
	}
	weights, err := w.adapters.Router.Weights(ctx)
	if err != nil {
		return false, fmt.Errorf("read the weights before %s is stopped: %w", r.ID, err)
	}
	if weights[r.Placement.Slot] == 0 {
		return false, nil
	}
	if stable == nil {
		return false, fmt.Errorf("stop %s: it has %d %% of the traffic, and nothing else runs", r.ID, weights[r.Placement.Slot])
	}
	if err := w.serves(ctx, *stable); err != nil {
		return false, fmt.Errorf("stop %s: it has %d %% of the traffic, and stable %s does not answer: %w", r.ID, weights[r.Placement.Slot], stable.ID, err)
	}
	return true, w.setWeights(ctx, w.state().LastAttempt, alone(stable.Placement.Slot))
}

// tidy sweeps after an attempt has ended well: what it cannot do now only warns, the next run does it.
func (w *work) tidy(ctx context.Context) {
	if err := w.tidied(ctx); err != nil {
		w.warnOldStays(err)
	}
}

// tidied is tidy; what it could not do is an error.
func (w *work) tidied(ctx context.Context) error {
	ctx, cancel := w.rescue(ctx, restoreTimeout)
	defer cancel()
	return w.sweepUnsettled(ctx)
}

func (w *work) warnOldStays(err error) {
	w.warn("Old Release Not Tidied Away", fmt.Sprintf("The release stands, and what was before it is not stopped everywhere yet: %s. The next release does it, or `%s recover %s`.",
		err, operatorBinary, w.procedure.id))
}
