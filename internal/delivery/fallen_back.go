package delivery

import (
	"context"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// A router may lose weights after it has said that it has them: a new process of HAProxy begins with those that it read before, and answers
// only when it is up. So they are read once more before what must have no traffic is taken away.

// emptied drains a candidate that a restore is about to take away, and returns what share of the traffic the router gives it nevertheless, in whole
// percent. What it got back meanwhile goes to stable once more. A router that does not answer says nothing.
func (w *work) emptied(ctx context.Context, candidate, stable service.Release, result *putBackResult) (weight int) {
	routed := w.adapters.Router != nil && stable.Placement.Slot != candidate.Placement.Slot
	if routed {
		// Before the drain: with new requests it would not come to its end.
		w.staysWith(ctx, stable, result)
	}
	for {
		if err := w.drain(ctx, candidate); err != nil {
			// Requests that are still under way after the drain timeout do not keep a bad release alive.
			result.did("draining %s ended early: %s", candidate.ID, err)
		}
		if !routed {
			return 0
		}
		if weights, moved := w.staysWith(ctx, stable, result); !moved {
			return weights[candidate.Placement.Slot]
		}
	}
}

// staysWith sees to it that stable still has all of the traffic that a restore has moved there, and moves it once more where it has not, once in
// a restore. It returns the weights that the router had, none where it does not answer, and whether it was told others.
func (w *work) staysWith(ctx context.Context, stable service.Release, result *putBackResult) (weights map[string]int, moved bool) {
	weights, err := w.weightsSeen(ctx)
	if err != nil || weights[stable.Placement.Slot] == 100 || result.movedAgain {
		return weights, false
	}
	result.movedAgain = true
	if err := w.setWeightsFirst(ctx, alone(stable.Placement.Slot)); err != nil {
		result.fail("the router has %s again, and traffic could not be moved to %s once more: %s", shares(weights), stable.ID, err)
		return weights, false
	}
	result.did("the router had %s again, as after a reload in the middle; all traffic was moved to %s once more", shares(weights), stable.ID)
	return weights, true
}
