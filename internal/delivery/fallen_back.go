package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// A router may lose weights after it has said that it has them: a new process of HAProxy begins with those that it read before, and answers
// only when it is up. So they are read once more before a step passes, and before what must have no traffic is taken away.

// holdAt stays at a step as hold does, and sees to it that the router has its weights still: what was judged by others says nothing of the step.
// They are set again then, and it is judged anew, once: somebody else sets them, who is not the candidate. The stage has the time for it beside its
// own, since it is the router that takes it.
func (s *stageWork) holdAt(ctx context.Context, j *judge, step stay, weights map[string]int) error {
	if err := j.hold(ctx, step); err != nil || s.adapters.Router == nil {
		return err
	}
	found, err := s.splitHeld(ctx, j, step.Weight)
	if err != nil || sameShares(found, weights) {
		return err
	}
	s.warn("Step Repeated", fmt.Sprintf("The router had %s at the end of the step of %s at %d %%: it was reloaded, or somebody set its weights. They were set again, and the step is judged anew, which takes that much longer.",
		shares(found), j.candidate.ID, step.Weight))
	s.report(s.number, s.stage, step.Weight, time.Time{}, "%s gets %d %% of the traffic again", j.candidate.ID, step.Weight)
	err = s.clock.untimed(func() error {
		if err := s.setWeights(ctx, s.number, weights); err != nil {
			return err
		}
		return j.hold(ctx, step)
	})
	if err != nil {
		return err
	}
	if found, err = s.splitHeld(ctx, j, step.Weight); err != nil || sameShares(found, weights) {
		return err
	}
	return fmt.Errorf("judge %s at %d %%: the router has %s, also after its weights were set again: it is reloaded again and again without a memory of them, or something else sets them",
		j.candidate.ID, step.Weight, shares(found))
}

// splitHeld reads the weights at the end of a step. A router that does not answer is waited for as a machine that is silent is, before that ends the
// apply, and the candidate is judged meanwhile.
func (s *stageWork) splitHeld(ctx context.Context, j *judge, weight int) (map[string]int, error) {
	weights, err := s.adapters.Router.Weights(ctx)
	if err == nil {
		return weights, nil
	}
	var bad error
	err = patiently(ctx, func() error {
		asking, stop := context.WithCancel(ctx)
		defer stop()
		asked, answered := context.WithCancel(asking)
		read := beside(func() (now split) {
			defer answered()
			now.weights, now.err = s.adapters.Router.Weights(asking)
			return now
		})
		if bad = j.lookThrough(ctx, ledger.Progress{Weight: weight}, asked.Done()); bad != nil {
			stop() // It is decided.
		}
		now := read()
		if bad != nil {
			return nil
		}
		if weights = now.weights; now.err != nil {
			return &silentError{now.err}
		}
		return nil
	})
	switch {
	case bad != nil:
		return nil, bad
	case ctx.Err() != nil:
		return nil, fmt.Errorf("look at the router at the end of the step at %d %%: %w", weight, ctx.Err())
	case err != nil:
		return nil, &pausedError{reason: fmt.Sprintf("it cannot be told whether %s still has %d %% of the traffic: %s", j.candidate.ID, weight, err)}
	}
	return weights, nil
}

// sameShares tells whether two splits give each slot the same. One that is not named has 0.
func sameShares(a, b map[string]int) bool {
	for slot := range a {
		if a[slot] != b[slot] {
			return false
		}
	}
	for slot := range b {
		if a[slot] != b[slot] {
			return false
		}
	}
	return true
}

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
