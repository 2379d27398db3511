package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Execute is step 3: the release is rolled out beside stable, or in its place where nothing splits the traffic, and
// every instance is verified to run it. Where the release is wanted again, it is rolled back to (rollback.go).
func (p *Procedure) Execute(ctx context.Context, request Request, spec ReleaseSpec) (Outcome, error) {
	return p.runStage(ctx, service.StageRelease, request, spec, func(ctx context.Context, s *stageWork) error {
		if s.repairs() {
			return s.repair(ctx)
		}
		if err := s.executable(ctx, spec); err != nil {
			return err
		}
		if s.current().Mode == service.ModeRollback {
			return s.rollBack(ctx)
		}
		return s.rollOut(ctx, spec)
	})
}

// retainUndeclared is how many checkpoints are kept where no deploy_checkpoint says so.
const retainUndeclared = 10

// executable sees to it that the checkpoint is this release's and that what the preflight could not ask is there.
func (s *stageWork) executable(ctx context.Context, spec ReleaseSpec) error {
	if spec.Checkpoint != "" && spec.Checkpoint != CheckpointID(s.request.Release) {
		return &refusedError{reason: fmt.Sprintf("the checkpoint %s was not taken for %s: let deploy_checkpoint.release be the same release", spec.Checkpoint, s.request.Release)}
	}
	if s.current().Checkpoint == nil {
		if spec.Checkpoint != "" {
			return &refusedError{reason: fmt.Sprintf("the checkpoint %s was not retaken for this attempt", spec.Checkpoint)}
		}
		if _, err := s.takeCheckpoint(ctx, nil); err != nil {
			return err
		}
		if err := s.pruneCheckpoints(ctx, retainUndeclared); err != nil {
			return err
		}
	}
	var preflight PreflightSpec
	if p, passed := s.current().Passages[service.StagePreflight]; passed {
		if err := json.Unmarshal(p.Spec, &preflight); err != nil {
			return fmt.Errorf("read what the preflight requires: %w", err)
		}
	}
	return s.contentReady(spec.Content, preflight.RequireConfig)
}

func (s *stageWork) rollOut(ctx context.Context, spec ReleaseSpec) error {
	release := service.Release{ID: s.request.Release, Content: spec.Content, Health: spec.Health}
	slot := s.otherSlot()
	stable := s.state().StableRelease()
	if s.adapters.Router == nil || stable == nil {
		// Here the release itself raises its weight to 100.
		if err := s.windowOpen(); err != nil {
			return err
		}
	}
	if problems := s.roomFor(ctx, release); len(problems) > 0 {
		return noPlace(release, problems)
	}
	if err := s.routerReady(ctx, release, slot, stable); err != nil {
		return err
	}
	s.report(s.number, s.stage, 0, s.now(), "%s is put into slot %s", release.ID, slot)
	release, err := s.place(ctx, s.number, release, slot)
	if err != nil {
		return err
	}
	s.exports.Slot = slot
	if stable != nil && s.interrupts() {
		s.report(s.number, s.stage, 0, s.now(), "%s is stopped: the service has one slot", stable.ID)
		err = s.replaceInWaves(ctx, s.number, s.astrayOf(*stable), release, spec.Health)
	} else {
		err = s.startInWaves(ctx, s.number, release, spec.Health)
	}
	if err != nil {
		return err
	}
	if err := s.verifyInstances(ctx, release); err != nil {
		return err
	}
	switch {
	case s.adapters.Router == nil:
		return s.takePlace(ctx, stable, slot)
	case stable == nil:
		// The first release has nothing to split with. Its instances answer by now: a router may ask them before it sends anybody there.
		if err := s.setWeights(ctx, s.number, alone(slot)); err != nil {
			return err
		}
		return s.reached(ctx, 100, true)
	}
	return nil
}

// routerReady sees to it that the router splits between the right addresses, and sends nothing to the slot that the
// candidate is about to fill.
func (s *stageWork) routerReady(ctx context.Context, release service.Release, slot string, stable *service.Release) error {
	if s.adapters.Router == nil {
		return nil
	}
	if err := s.splitsFor(ctx, release, slot, stable); err != nil {
		return err
	}
	if stable == nil {
		return nil
	}
	weights, err := s.adapters.Router.Weights(ctx)
	if err != nil {
		return fmt.Errorf("look at the router: %w", err)
	}
	if weights[slot] == 0 {
		return nil
	}
	// Moved by hand, or since the preflight looked: it goes where it is answered.
	if err := s.serves(ctx, *stable); err != nil {
		return &refusedError{reason: fmt.Sprintf("slot %s has %d %% of the traffic, and stable %s, which should have it, does not answer: %s", slot, weights[slot], stable.ID, err)}
	}
	return s.setWeights(ctx, s.number, alone(stable.Placement.Slot))
}

// splitsFor refuses a router that is not ready to split between stable, nil for none, and a release that is not placed yet. Where nothing is
// known of that but its id, or there is no stable, the places of the other slot stand for it.
func (s *stageWork) splitsFor(ctx context.Context, release service.Release, slot string, stable *service.Release) error {
	var splits []service.Placement
	if release.Content.Version != "" {
		placement, err := s.adapters.Platform.Placement(release, slot)
		if err != nil {
			return fmt.Errorf("place %s: %w", release.ID, err)
		}
		splits = append(splits, placement)
	}
	if stable != nil {
		splits = append(splits, stable.Placement)
	}
	err := s.routerSplitsAmong(ctx, s.adapters.routed(splits))
	if strangers := (*Strangers)(nil); stable != nil && errors.As(err, &strangers) {
		s.warn("Router Needs Attention", strangers.Error()+".")
		err = nil
	}
	if err != nil {
		return err
	}
	return s.routerTakes(ctx)
}

// routerSplits refuses a router whose running configuration does not split between the releases' addresses: what one tells it would
// move nothing.
func (w *work) routerSplits(ctx context.Context, releases ...service.Release) error {
	placements := make([]service.Placement, len(releases))
	for i, r := range releases {
		placements[i] = r.Placement
	}
	err := w.routerSplitsAmong(ctx, placements)
	if strangers := (*Strangers)(nil); errors.As(err, &strangers) {
		return nil // these releases had splits before
	}
	return err
}

func (w *work) routerSplitsAmong(ctx context.Context, placements []service.Placement) error {
	return w.unsplit(w.adapters.Router.Check(ctx, placements))
}

// routerTakes refuses a router that is ready, and does not take what it is to be given for instances that are to come.
func (w *work) routerTakes(ctx context.Context) error { return w.unsplit(w.adapters.Router.Probe(ctx)) }

func (w *work) unsplit(err error) error {
	if err == nil {
		return nil
	}
	return &unsplitError{refusedError{reason: fmt.Sprintf("the router is not ready to split the traffic of %s: %s", w.procedure.id, err)}, err}
}

// unsplitError is that a router is not ready, and why.
type unsplitError struct {
	refusedError
	err error
}

func (e *unsplitError) Unwrap() []error { return []error{&e.refusedError, e.err} }

// takePlace puts the new instances in the place of the old, where no router splits the traffic. The old release is
// stopped and stays, so that a later stage that fails can start it again.
func (s *stageWork) takePlace(ctx context.Context, stable *service.Release, slot string) error {
	if stable != nil && stable.Placement.Slot != slot {
		if err := s.stop(ctx, s.number, *stable); err != nil {
			return err
		}
	}
	return s.reached(ctx, 100, true)
}

// reached notes the candidate's weight, and whether it has passed there.
func (s *stageWork) reached(ctx context.Context, weight int, judged bool) error {
	text := fmt.Sprintf("%s has %d %% of the traffic", s.request.Release, weight)
	if judged && s.current().Weight == weight {
		text = fmt.Sprintf("%s has passed at %d %%", s.request.Release, weight)
	}
	return s.append(ctx, ledger.Event{
		Type: ledger.WeightReached, Attempt: s.number, Release: s.request.Release, Weight: &weight, Judged: judged, Text: text,
	})
}

// repairs tells whether the release stands, so that the stage only starts what is missing of it.
func (s *stageWork) repairs() bool {
	_, passed := s.current().Passages[service.StageRelease]
	return passed || s.standing
}

// repair starts what is missing of a release that stands: an instance that is gone.
func (s *stageWork) repair(ctx context.Context) error {
	release := s.recorded(s.current())
	if release == nil {
		return fmt.Errorf("repair %s: the ledger has no record of where it runs", s.request.Release)
	}
	s.exports.Slot = release.Placement.Slot
	if stable := s.state().StableRelease(); stable != nil && stable.ID != release.ID && s.adapters.Router != nil {
		// Beside a candidate that waits at its weight, most users are with stable.
		if err := s.complete(ctx, *stable); err != nil && ctx.Err() == nil {
			// That says nothing about the candidate.
			return &pausedError{reason: fmt.Sprintf("stable %s could not be completed: %s", stable.ID, err)}
		} else if err != nil {
			return err
		}
	}
	return s.complete(ctx, *release)
}

// complete starts what is missing of a release that runs.
func (s *stageWork) complete(ctx context.Context, release service.Release) error {
	var snapshot service.Snapshot
	if err := patiently(ctx, func() (err error) {
		snapshot, err = s.inspect(ctx, release)
		return err
	}); err != nil {
		return err
	}
	if snapshot.Supervised(release) {
		return nil
	}
	// Where it runs stays as recorded, whatever the service's definition says by now.
	if err := s.placeAgain(ctx, s.number, release); err != nil {
		return err
	}
	if err := s.startAgain(ctx, s.number, release); err != nil {
		return err
	}
	return s.verifyInstances(ctx, release)
}
