package delivery

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// What a restore does first: users go back to stable.

// trafficToStable moves all traffic to stable, if stable answers; false if it does not: then nothing else may be done.
// Without a router it starts stable in its slot again.
func (w *work) trafficToStable(ctx context.Context, a *ledger.Attempt, result *putBackResult) bool {
	stable := w.stable(a)
	if stable == nil {
		return true // The first release: there is nothing to go back to.
	}
	if candidate := w.recorded(a); w.adapters.Router == nil || candidate != nil && candidate.Placement.Slot == stable.Placement.Slot {
		return w.stableInPlace(ctx, a, *stable, result)
	}
	// Where a machine is gone, so is the candidate's instance there: users are not kept from what answers on the others.
	part, err := w.serving(ctx, *stable)
	if err != nil && !part {
		// It may only have been stopped: finalization had begun, or it died meanwhile.
		if err = w.startedAgain(ctx, a.Number, *stable); err != nil {
			part, _ = w.serving(ctx, *stable)
		}
		if err != nil && !part {
			result.fail("traffic was not moved: stable %s does not answer: %s", stable.ID, err)
			return false
		}
		if err == nil {
			result.did("stable %s was started again", stable.ID)
		}
	}
	if !w.moveToStable(ctx, a, *stable, result) {
		return false
	}
	if part {
		w.completeStable(ctx, a, *stable, result)
	}
	return true
}

// moveToStable gives stable all of the traffic; false if it has not all of it, or that is not known.
func (w *work) moveToStable(ctx context.Context, a *ledger.Attempt, stable service.Release, result *putBackResult) bool {
	err := w.setWeightsFirst(ctx, alone(stable.Placement.Slot))
	if err == nil {
		result.did("all traffic is with %s in slot %s, read back from the router", stable.ID, stable.Placement.Slot)
		return true
	}
	if stays := w.neverMoved(ctx, a, stable, err); stays != "" {
		result.did("%s", stays)
		return true
	}
	if silent := (*SilentParts)(nil); errors.As(err, &silent) {
		result.untold = silent
		result.did("all traffic is with %s in slot %s wherever the router answers", stable.ID, stable.Placement.Slot)
		result.fail("not all of the router answers, and what does not may still send requests to %s, which stays up for it: %s", a.Release, err)
		return false
	}
	result.fail("traffic could not be moved to %s: %s", stable.ID, err)
	return false
}

// neverMoved says that the traffic was with stable all the time, where the router cannot be told so: the attempt moved nothing, by the
// journal or since its candidate was put nowhere, and that is no reason to call a person. Empty where it did, or where the router says
// something else; one that does not answer says nothing.
func (w *work) neverMoved(ctx context.Context, a *ledger.Attempt, stable service.Release, untold error) string {
	unmoved := w.attempt(a.Number).Unmoved
	if !unmoved && w.recorded(a) != nil {
		return ""
	}
	weight, err := w.weightOf(ctx, stable.Placement.Slot)
	switch {
	case err != nil && unmoved:
		return fmt.Sprintf("no weight was changed in this attempt, so the traffic is with %s in slot %s as it was before. Not all of the router could be told so, or asked: %s",
			stable.ID, stable.Placement.Slot, untold)
	case err == nil && weight == 100:
		return fmt.Sprintf("all traffic is with %s in slot %s, read back from the router, and was all the time", stable.ID, stable.Placement.Slot)
	}
	return ""
}

// stableInPlace starts stable again where no router splits the traffic: beside the candidate, or in its place.
func (w *work) stableInPlace(ctx context.Context, a *ledger.Attempt, stable service.Release, result *putBackResult) bool {
	if w.serves(ctx, stable) == nil {
		return true
	}
	candidate := w.recorded(a)
	if candidate != nil && candidate.Placement.Slot == stable.Placement.Slot {
		*candidate, _ = w.hosted(*candidate)
		result.evidence = w.remains(ctx, *candidate)
	} else {
		candidate = nil
	}
	stopped, started := w.backInPlace(ctx, a, stable, candidate)
	if (stopped != nil || started != nil) && w.silent(ctx, stable) {
		// What answers serves again already; the rest does when it is back.
		w.awaitMachines(ctx, stable)
		stopped, started = w.backInPlace(ctx, a, stable, candidate)
	}
	if stopped != nil {
		result.fail("candidate %s could not be stopped: %s", candidate.ID, stopped)
	}
	if started != nil {
		result.fail("stable %s does not run again: %s", stable.ID, started)
	}
	if stopped != nil || started != nil {
		return false
	}
	result.did("stable %s runs again in slot %s", stable.ID, stable.Placement.Slot)
	return true
}

// backInPlace stops the candidate that has stable's slot, nil for none, and starts stable. Where the one is stopped, the other comes back,
// whatever became of other machines.
func (w *work) backInPlace(ctx context.Context, a *ledger.Attempt, stable service.Release, candidate *service.Release) (stopped, started error) {
	switch {
	case candidate == nil:
	case a.Mode == service.ModeRollback:
		_, stopped = w.stopMost(ctx, a.Number, *candidate)
	default:
		stopped = w.stop(ctx, a.Number, *candidate)
	}
	return stopped, w.startAgain(ctx, a.Number, withinRestore(ctx, stable))
}

// startAgain starts what is missing of a release that ran before, and waits for one good answer of each instance. What
// it wrote, and how often it was started, while it ran before is no sign of a bad start now. Where a machine does not answer, it is
// started on the others before that is said.
func (w *work) startAgain(ctx context.Context, attempt int, r service.Release) error {
	instances, silent := w.adapters.Platform.Inspect(ctx, r.Placement)
	if outOfReach(silent) {
		return silent
	}
	restarted := map[string]int{}
	for _, i := range r.Placement.Instances {
		restarted[i.Name] = math.MaxInt // How often those were that are not seen is not known.
	}
	for _, i := range instances {
		restarted[i.Name] = 0
		if i.Stays(r.ID) { // One that is being stopped is started anew.
			restarted[i.Name] = i.Restarts
		}
	}
	if err := w.start(ctx, attempt, r); err != nil {
		return err
	}
	return w.awaitHealthy(ctx, r, healthAgain(r), restarted)
}

// withinRestore is r, waited for no longer than a restore has time left, less what it needs to bring itself to its end.
func withinRestore(ctx context.Context, r service.Release) service.Release {
	if ends, bounded := ctx.Deadline(); bounded {
		left := max(time.Until(ends)-closingTimeout, time.Second)
		r.Health.HealthyDeadline = service.Duration(min(r.Health.HealthyWithin(), left))
	}
	return r
}

// healthAgain is how a release that ran before is waited for: one good answer of each instance does, and what it wrote before is no
// sign of a bad start.
func healthAgain(r service.Release) service.Health {
	health := r.Health
	health.MinHealthyTime, health.DenyLogs = 0, nil
	return health
}
