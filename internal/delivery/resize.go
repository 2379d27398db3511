package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// A service whose hosts change keeps its releases: what runs comes to hosts that were added, and is drained and removed from those
// that were taken out. Ports that changed hold for new releases: what runs stays where it is.

// resize brings all releases to the hosts of the definition: first to those that were added, then away from those that were removed.
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
	return nil
}

// grow starts a release on hosts that it is not on yet. One that does not come up there is taken away again, and the others stay as they
// were.
func (w *work) grow(ctx context.Context, r service.Release) error {
	placement, err := w.adapters.Platform.Placement(r, r.Placement.Slot)
	if err != nil {
		return fmt.Errorf("place %s: %w", r.ID, err)
	}
	there := hostsOf(r.Placement)
	added := service.Placement{Release: r.ID, Slot: placement.Slot, Platform: placement.Platform}
	for _, i := range placement.Instances {
		if !slices.Contains(there, i.Host) {
			added.Instances = append(added.Instances, i)
		}
	}
	if len(added.Instances) == 0 {
		return nil
	}
	grown, part := r, r
	part.Placement = added
	grown.Placement.Platform = placement.Platform
	grown.Placement.Instances = append(slices.Clone(r.Placement.Instances), added.Instances...)
	if err := w.roomToGrow(ctx, r, part); err != nil {
		return err
	}
	if err := w.routerKnows(ctx, grown); err != nil {
		return err
	}
	// Recorded last: killed before that, the definition still says that it is to be there, and it is done again.
	if err := w.comeUp(ctx, part); err != nil {
		return w.ungrown(ctx, r, part, err)
	}
	if w.adapters.Router != nil {
		if err := w.setWeightsAmong(ctx, w.inSlotsBut(grown)); err != nil {
			return err
		}
	}
	return w.record(ctx, grown)
}

// roomToGrow refuses hosts that a part of a release is about to come to and cannot, before anything is done there. What is wrong with
// those that have it is told elsewhere.
func (w *work) roomToGrow(ctx context.Context, r, part service.Release) error {
	looking, cancel := context.WithTimeout(ctx, roomTimeout)
	defer cancel()
	hosts := hostsOf(part.Placement)
	var found []string
	for _, p := range w.adapters.Platform.Room(looking, r, r.Placement.Slot) {
		if len(p.Path) >= 4 && slices.Equal(p.Path[:3], []string{"platform", "host", "hosts"}) && slices.Contains(hosts, p.Path[3]) {
			found = append(found, p.Detail)
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("look for room for %s on %s: %w", r.ID, strings.Join(hosts, ", "), err)
	}
	if len(found) == 0 {
		return nil
	}
	return refuse("Hosts Not Added", fmt.Sprintf("%s cannot come to %s: %s", r.ID, strings.Join(hosts, ", "), strings.Join(found, "; ")), growRemedy)
}

const (
	// roomTimeout bounds the look for room on hosts that were added.
	roomTimeout = 30 * time.Second
	growRemedy  = "Mend what is named, and apply again; or take the host out of the service."
)

// routerKnows refuses a router that does not split to a release on more hosts. Whether it has also those still that are about to go, or
// not any more, is all the same.
func (w *work) routerKnows(ctx context.Context, grown service.Release) error {
	if w.adapters.Router == nil {
		return nil
	}
	stays, goes := parted(grown, definedHosts(w.state().Definition))
	err := w.routerSplits(ctx, stays)
	if err != nil && len(goes.Placement.Instances) > 0 && w.routerSplits(ctx, grown) == nil {
		return nil
	}
	return err
}

func (w *work) comeUp(ctx context.Context, part service.Release) error {
	if err := w.placeAgain(ctx, w.state().LastAttempt, part); err != nil {
		return err
	}
	if err := w.startInWaves(ctx, w.state().LastAttempt, part, part.Health); err != nil {
		return err
	}
	return w.verifyInstances(ctx, part)
}

// ungrown takes a release, recorded as it is elsewhere, away again from where it did not come up.
func (w *work) ungrown(ctx context.Context, recorded, part service.Release, cause error) error {
	ctx, cancel := w.rescue(ctx, restoreTimeout)
	defer cancel()
	hosts := strings.Join(hostsOf(part.Placement), ", ")
	e := &Error{Summary: "Hosts Not Added", What: fmt.Sprintf("%s did not come up on %s: %s", part.ID, hosts, w.scrubbed(cause, part)), Next: growRemedy, Err: cause}
	if against := (*evidenceError)(nil); errors.As(cause, &against) {
		for _, line := range against.evidence {
			e.Evidence = append(e.Evidence, w.secretsOf(part).Text(line))
		}
	}
	// A run that was killed before it recorded them may have given them traffic.
	err := w.withoutInstances(ctx, recorded, part)
	if err == nil {
		err = w.removePart(ctx, w.state().LastAttempt, part)
	}
	if err != nil {
		e.Leftovers = []string{fmt.Sprintf("what was placed on %s is still there: %s", hosts, err)}
		return e
	}
	e.Restored = []string{fmt.Sprintf("%s is removed from %s; elsewhere it runs as before", part.ID, hosts)}
	return e
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
	sum := 0
	for _, weight := range weights {
		sum += weight
	}
	if expected := ExpectedWeights(ledger.View{State: *w.state(), Now: w.now(), Alive: true}); sum != 100 && expected != nil {
		weights = expected
	}
	return w.splitAmong(ctx, w.state().LastAttempt, weights, placements)
}

// dropUnsized removes what a change of the hosts that was cut short may have left on hosts which the next definition has no more: nothing
// recorded it yet. w's adapters are of the definition that ends.
func (w *work) dropUnsized(ctx context.Context, next service.Definition) error {
	for _, left := range w.unrecorded(next) {
		recorded := w.state().Releases[left.ID]
		// It may have traffic already.
		if err := w.withoutInstances(ctx, recorded, left); err != nil {
			return err
		}
		if err := w.removePart(ctx, w.state().LastAttempt, left); err != nil && ctx.Err() != nil {
			return err
		} else if err != nil {
			w.warnUntidied(left, err)
		}
	}
	return nil
}

// recordUnsized records what dropUnsized would remove, where something else comes first: it is removed by a resize like what was there.
func (w *work) recordUnsized(ctx context.Context, next service.Definition) error {
	for _, left := range w.unrecorded(next) {
		r := w.state().Releases[left.ID]
		r.Placement.Platform = left.Placement.Platform
		r.Placement.Instances = append(slices.Clone(r.Placement.Instances), left.Placement.Instances...)
		if err := w.record(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// unrecorded are the parts of what runs that may be on hosts which the next definition has no more, and that nothing recorded yet.
func (w *work) unrecorded(next service.Definition) []service.Release {
	state := w.state()
	if w.adapters.Platform == nil || !Unsized(state) {
		return nil
	}
	var all []service.Release
	wanted := definedHosts(&next)
	for _, id := range w.placedReleases() {
		r := state.Releases[id]
		there := hostsOf(r.Placement)
		placement, err := w.adapters.Platform.Placement(r, r.Placement.Slot)
		if err != nil || !runs(state, id) {
			continue
		}
		placement.Instances = slices.DeleteFunc(placement.Instances, func(i service.Instance) bool {
			return slices.Contains(there, i.Host) || slices.Contains(wanted, i.Host)
		})
		if r.Placement = placement; len(placement.Instances) > 0 {
			all = append(all, r)
		}
	}
	return all
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
