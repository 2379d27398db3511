package delivery

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Refresh reads the ledger and, for the stages that show live facts, looks at the world. It changes nothing and takes no
// lease. An error is the store's or the ledger's: then nothing is known.
func (p *Procedure) Refresh(ctx context.Context, stage service.Stage) (Refreshed, error) {
	view, err := p.View(ctx)
	if err != nil {
		return Refreshed{}, err
	}
	refreshed := Refreshed{View: view}
	if view.State.Definition == nil || stage != service.StageRelease && stage != service.StageTrafficSplit {
		return refreshed, nil
	}
	refreshed.Snapshot, refreshed.Unreachable = p.observe(ctx, view, stage)
	if stage == service.StageRelease && refreshed.Unreachable == nil {
		refreshed.Gone, refreshed.Unreachable = p.goneBeside(ctx, view)
	}
	return refreshed, nil
}

// goneBeside looks at stable while a candidate is beside it: the stage shows the candidate, and most users are with stable.
func (p *Procedure) goneBeside(ctx context.Context, view ledger.View) ([]service.InstanceState, error) {
	stable := view.State.StableRelease()
	passage := view.Standing(service.StageRelease)
	if stable == nil || passage == nil || passage.Release == stable.ID || view.State.Candidate() == nil {
		return nil, nil
	}
	if d := view.State.Definition; d.Router == nil {
		return nil, nil // The candidate has taken its place.
	}
	adapters, err := p.run.connector.Adapters(*view.State.Definition)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", p.id, err)
	}
	instances, err := adapters.Platform.Inspect(ctx, stable.Placement)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(instances, func(i service.InstanceState) bool { return i.Stays(stable.ID) && !i.Unsupervised }), nil
}

func (p *Procedure) observe(ctx context.Context, view ledger.View, stage service.Stage) (service.Snapshot, error) {
	passage := view.Standing(stage)
	if passage == nil {
		return service.Snapshot{}, nil
	}
	release, found := view.State.Releases[passage.Release]
	if !found {
		return service.Snapshot{}, nil
	}
	adapters, err := p.run.connector.Adapters(*view.State.Definition)
	if err != nil {
		return service.Snapshot{}, fmt.Errorf("connect to %s: %w", p.id, err)
	}
	return inspect(ctx, adapters, release)
}

// ExpectedWeights is the split that the ledger says should be there, by slot; nil where the service has no split or
// nothing runs. An interrupted attempt counts as restored, an interrupted rollback as finished.
func ExpectedWeights(view ledger.View) map[string]int {
	state := &view.State
	if a := view.Finishing(); a != nil {
		if slot := slotOfRollback(state, a.Release); slot != "" {
			return withZero(alone(slot), *state.Definition)
		}
	}
	stable := state.StableRelease()
	a := state.OpenAttempt()
	if a != nil && a.Number == view.Void() {
		a = nil
	}
	candidate := state.Candidate()
	switch {
	case stable == nil && a != nil && candidate != nil:
		return alone(candidate.Placement.Slot)
	case stable == nil:
		return nil
	case a == nil || candidate == nil || candidate.Placement.Slot == stable.Placement.Slot:
		return withZero(alone(stable.Placement.Slot), *state.Definition)
	}
	return map[string]int{candidate.Placement.Slot: a.Weight, stable.Placement.Slot: 100 - a.Weight}
}

// slotOfRollback is where a release that is rolled back to comes to run: where it is recorded, unless stable has that slot by now.
// Empty where that cannot be told.
func slotOfRollback(state *ledger.State, release service.ReleaseID) string {
	record, found := state.Releases[release]
	stable := state.StableRelease()
	if !found || stable == nil || stable.ID == release || record.Placement.Slot != stable.Placement.Slot {
		return record.Placement.Slot
	}
	if host := state.Definition.Platform.Host; host != nil {
		for _, slot := range slices.Sorted(maps.Keys(host.Slots)) {
			if slot != stable.Placement.Slot {
				return slot
			}
		}
	}
	return ""
}

// withZero names the slots without traffic too, as a router does.
func withZero(weights map[string]int, d service.Definition) map[string]int {
	if d.Platform.Host != nil {
		for slot := range d.Platform.Host.Slots {
			weights[slot] += 0
		}
	}
	return weights
}
