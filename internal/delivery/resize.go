package delivery

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// A service whose hosts change keeps its releases: what runs comes to hosts that were added, and is drained and removed from those
// that were taken out. Ports that changed hold for new releases: what runs stays where it is.

// resize brings all releases to the hosts of the definition: first to those that were added, then away from those that were removed. A host
// that a rollback left out, and that still does not answer, is left out again.
func (w *work) resize(ctx context.Context) error {
	if !Unsized(w.state()) {
		return nil
	}
	wanted := definedHosts(w.state().Definition)
	for _, id := range w.placedReleases() {
		if runs(w.state(), id) {
			if err := w.grow(ctx, w.state().Releases[id]); err != nil {
				return err
			}
		}
	}
	for _, id := range w.placedReleases() {
		if err := w.shrink(ctx, w.state().Releases[id], wanted); err != nil {
			return err
		}
	}
	return w.shrinkAstray(ctx, wanted)
}

// shrink drains and removes a release from hosts that the service has no more. One that does not answer any more may be why it was taken out.
func (w *work) shrink(ctx context.Context, r service.Release, wanted []string) error {
	stays, goes := parted(r, wanted)
	if len(goes.Placement.Instances) == 0 {
		return nil
	}
	// One that has another name by now is the one that stays.
	goes.Placement.Instances = slices.DeleteFunc(goes.Placement.Instances, func(i service.Instance) bool {
		return slices.ContainsFunc(stays.Placement.Instances, func(j service.Instance) bool { return i.Address == j.Address })
	})
	if len(goes.Placement.Instances) == 0 {
		return w.record(ctx, stays)
	}
	if runs(w.state(), r.ID) {
		if err := w.withoutInstances(ctx, stays, goes); err != nil {
			return err
		}
	}
	if err := w.removePart(ctx, w.state().LastAttempt, goes); err != nil {
		if ctx.Err() != nil {
			return err
		}
		w.warnUntidied(goes, err)
	}
	if len(stays.Placement.Instances) == 0 {
		return w.append(ctx, ledger.Event{Type: ledger.ReleaseRemoved, Attempt: w.state().LastAttempt, Release: r.ID})
	}
	return w.record(ctx, stays)
}

// withoutInstances takes the traffic from instances that are about to go.
func (w *work) withoutInstances(ctx context.Context, stays, goes service.Release) error {
	if len(stays.Placement.Instances) == 0 {
		return fmt.Errorf("no host would be left that %s runs on: %s", stays.ID, strings.Join(hostsOf(goes.Placement), ", "))
	}
	if w.adapters.Router == nil {
		return nil
	}
	// Where its servers are the user's, only the user can take them out: it would send to them still.
	if err := w.routerSplits(ctx, stays); err != nil {
		return err
	}
	if err := w.setWeightsAmong(ctx, w.inSlotsBut(stays)); err != nil {
		return err
	}
	if err := w.drain(ctx, goes); err != nil {
		w.warn("Requests Cut Off", fmt.Sprintf("Not all requests in flight to %s ended before it was removed there: %s.", strings.Join(hostsOf(goes.Placement), ", "), err))
	}
	return nil
}

// inSlotsBut are the placements in the slots, with that of r in the place of the one that is recorded.
func (w *work) inSlotsBut(r service.Release) []service.Placement {
	placements := w.inSlots()
	for n := range placements {
		if placements[n].Slot == r.Placement.Slot {
			placements[n] = r.Placement
		}
	}
	return placements
}

// setWeightsAmong has the router send to other instances, in the same shares. Where parts of it differ, or send nothing anywhere, there are none
// to keep: then it is what the ledger says.
func (w *work) setWeightsAmong(ctx context.Context, placements []service.Placement) error {
	weights, err := w.adapters.Router.Weights(ctx)
	if err != nil {
		return fmt.Errorf("read the weights: %w", err)
	}
	if expected := ExpectedWeights(ledger.View{State: *w.state(), Now: w.now(), Alive: true}); totalOf(weights) != 100 && expected != nil {
		weights = expected
	}
	return w.splitAmong(ctx, w.state().LastAttempt, weights, placements)
}

// leave removes a release from hosts that the service has no more, as far as they answer.
func (w *work) leave(ctx context.Context, attempt int, part service.Release) {
	if err := w.removePart(ctx, attempt, part); err != nil {
		w.warnUntidied(part, err)
	}
}

func (w *work) warnUntidied(part service.Release, err error) {
	w.warn("Host Not Tidied", fmt.Sprintf("%s is no host of %s any more, and what ran there could not be removed: %s. Should it come back, stop and remove there by hand what is left of %s.",
		strings.Join(hostsOf(part.Placement), ", "), w.procedure.id, w.scrubbed(err, part), part.ID))
}

func (w *work) record(ctx context.Context, r service.Release) error {
	if err := w.append(ctx, ledger.Event{Type: ledger.ReleaseRecorded, Attempt: w.state().LastAttempt, Release: r.ID, Record: &r}); err != nil {
		return fmt.Errorf("record where %s runs: %w", r.ID, err)
	}
	return nil
}
