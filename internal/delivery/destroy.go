package delivery

import (
	"context"
	"fmt"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// What a destroy of a resource does.

// Retire ends the management of a service; its ledger stays. What a destroy of its release before could not remove is removed first.
func (p *Procedure) Retire(ctx context.Context, owner string) error {
	w, end, err := p.take(ctx, admission{})
	if err != nil {
		return err
	}
	defer end()
	state := w.state()
	if state.Definition == nil || state.Retired {
		return nil
	}
	if owner != "" && owner != state.Owner {
		return refuse("Already Managed", fmt.Sprintf("%s is managed by another resource or configuration", p.id),
			"Remove it from this state alone: `terraform state rm`.")
	}
	if state.Broken != nil {
		return brokenError(p.id, state)
	}
	if state.Stable != "" || state.OpenAttempt() != nil {
		return refuse("Service In Use", fmt.Sprintf("A release of %s still runs: %s", p.id, w.running(ctx)),
			"Destroy its deploy_release first, with deletion_protection = false.")
	}
	if len(w.removables()) > 0 {
		// Nothing else would: it is in no state of Terraform any more.
		removing, cancel := w.rescue(ctx, restoreTimeout)
		defer cancel()
		if err := w.removeAll(removing); err != nil {
			return err
		}
	}
	return w.append(ctx, ledger.Event{Type: ledger.ServiceRetired, Text: "the service is retired"})
}

// Forget removes a stage that changes nothing by being removed: its passages are forgotten.
func (p *Procedure) Forget(ctx context.Context, stage service.Stage, owner string) error {
	w, end, err := p.takeToDelete(ctx, stage, owner)
	if w == nil {
		return err
	}
	defer end()
	return w.append(ctx, ledger.Event{Type: ledger.StageForgotten, Stage: stage})
}

// takeToDelete is take for the end of a stage that the caller may end; the work is nil where it may not, or where there is nothing to end.
func (p *Procedure) takeToDelete(ctx context.Context, stage service.Stage, owner string) (*work, func(), error) {
	w, end, err := p.take(ctx, admission{})
	if err != nil {
		return nil, nil, err
	}
	if w.state().Definition == nil {
		end()
		return nil, nil, nil
	}
	if err := w.mayDelete(stage, owner); err != nil {
		end()
		return nil, nil, err
	}
	return w, end, nil
}

// mayDelete refuses to end a stage that another resource owns by now. An owner that is not known (an old state) may.
func (w *work) mayDelete(stage service.Stage, owner string) error {
	p := w.state().Standing(stage, 0, w.now())
	if owner == "" || p == nil || p.Owner == "" || p.Owner == owner {
		return nil
	}
	return refuse("Already Managed", fmt.Sprintf("The %s of %s is managed by another resource or configuration", stageWords(stage), w.procedure.id),
		"Remove it from this state alone: `terraform state rm`.")
}

// Withdraw removes a traffic split: a candidate goes back to 0 % first.
func (p *Procedure) Withdraw(ctx context.Context, owner string) error {
	w, end, err := p.takeToDelete(ctx, service.StageTrafficSplit, owner)
	if w == nil {
		return err
	}
	defer end()
	if _, err := w.settle(ctx); err != nil {
		return err
	}
	state := w.state()
	stable := state.StableRelease()
	if a := state.OpenAttempt(); a != nil && a.Executing && stable != nil && stable.ID != a.Release && w.adapters.Router != nil {
		if err := w.serves(ctx, *stable); err != nil {
			return refuse("Stable Not Healthy", fmt.Sprintf("The traffic of %s cannot go back to %s: %s", p.id, stable.ID, err), "Mend the stable release, or keep the split.")
		}
		if err := w.setWeights(ctx, a.Number, alone(stable.Placement.Slot)); err != nil {
			return err
		}
		zero := 0
		if err := w.append(ctx, ledger.Event{Type: ledger.WeightReached, Attempt: a.Number, Release: a.Release, Weight: &zero, Text: "the split was removed: the candidate has no traffic"}); err != nil {
			return err
		}
	}
	return w.append(ctx, ledger.Event{Type: ledger.StageForgotten, Stage: service.StageTrafficSplit})
}

// StopRelease removes all that runs of a service.
func (p *Procedure) StopRelease(ctx context.Context, owner string) error {
	w, end, err := p.takeToDelete(ctx, service.StageRelease, owner)
	if w == nil {
		return err
	}
	defer end()
	// Begun, it is brought to its end: half of a service is nothing that anybody wants.
	ctx, cancel := w.rescue(ctx, restoreTimeout)
	defer cancel()
	settled, err := w.settle(ctx)
	if err != nil {
		return err
	}
	return after(settled, w.removeAll(ctx))
}
