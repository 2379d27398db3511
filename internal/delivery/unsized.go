package delivery

import (
	"context"
	"slices"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Unsized tells whether what runs is on other hosts than the service's definition says: hosts were added or removed, and the change
// of the service that follows them has not come to its end.
func Unsized(state *ledger.State) bool {
	wanted := definedHosts(state.Definition)
	for _, r := range state.Releases {
		there := hostsOf(r.Placement)
		if slices.ContainsFunc(there, func(h string) bool { return !slices.Contains(wanted, h) }) {
			return true
		}
		if runs(state, r.ID) && slices.ContainsFunc(wanted, func(h string) bool { return !slices.Contains(there, h) }) {
			return true
		}
	}
	return slices.ContainsFunc(state.LeftOut, func(p service.Placement) bool {
		return slices.ContainsFunc(hostsOf(p), func(h string) bool { return !slices.Contains(wanted, h) })
	})
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
