package delivery

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Shift is step 5: traffic goes to the candidate step by step up to the declared weight, judged all the time.
func (p *Procedure) Shift(ctx context.Context, request Request, spec SplitSpec) (Outcome, error) {
	return p.runStage(ctx, service.StageTrafficSplit, request, spec, func(ctx context.Context, s *stageWork) error {
		if s.adapters.Router == nil {
			return &refusedError{reason: fmt.Sprintf("%s has no router, so nothing can split its traffic: give deploy_service a router, or remove the deploy_traffic_split", s.procedure.id)}
		}
		if spec.Analysis != nil && s.adapters.Metrics == nil {
			return &refusedError{reason: fmt.Sprintf("%s has no metrics, so there is nothing to judge: give deploy_service metrics, or remove the analysis", s.procedure.id)}
		}
		if err := s.shift(ctx, spec); err != nil {
			return err
		}
		return s.exportWeights(ctx)
	})
}

func (s *stageWork) shift(ctx context.Context, spec SplitSpec) error {
	release := s.recorded(s.current())
	if release == nil {
		return fmt.Errorf("shift traffic to %s: the ledger has no record of where it runs", s.request.Release)
	}
	slot := release.Placement.Slot
	stable := s.state().StableRelease()
	if s.standing || stable == nil || stable.ID == release.ID {
		// What is stable has nothing to share with: any declared weight is satisfied by all of the traffic.
		if err := s.setWeights(ctx, s.number, alone(slot)); err != nil {
			return err
		}
		if s.standing {
			return nil
		}
		return s.reached(ctx, 100, true)
	}
	// A step that was reached and not passed, because the release was paused there, is judged again.
	passed := s.current().Judged
	if spec.Weight <= passed {
		// Down, or drift repaired: no step is walked, nothing is judged.
		return s.moveTo(ctx, *release, *stable, spec.Weight)
	}
	return s.noting(ctx, func(n *noter) error { return s.walk(ctx, spec, passed, *release, *stable, n) })
}

// walk goes up step by step.
func (s *stageWork) walk(ctx context.Context, spec SplitSpec, passed int, release, stable service.Release, n *noter) error {
	judge, err := newJudge(ctx, s.observer(n), spec.Analysis, release, &stable)
	if err != nil {
		return err
	}
	checks := s.procedure.repeated(spec, s.adapters, release)
	for _, step := range stepsUp(spec, passed) {
		if step.Weight > s.current().Weight {
			if err := s.windowOpen(); err != nil {
				return err
			}
			if err := s.mayRise(ctx, judge, stable); err != nil {
				return err
			}
		}
		if err := s.moveTo(ctx, release, stable, step.Weight); err != nil {
			return err
		}
		if err := s.holdAt(ctx, judge, stay{Step: step, advance: spec.Advance, checks: checks}, between(release, stable, step.Weight)); err != nil {
			return err
		}
		if err := n.flush(ctx); err != nil {
			return err
		}
		if err := s.reached(ctx, step.Weight, true); err != nil {
			return err
		}
	}
	return nil
}

// mayRise keeps a candidate where it is while there is nothing sound to go back to, a machine is silent, or the router would not do what it is
// told: that is not its fault. They are asked patiently before it ends the apply, and the candidate is judged meanwhile: one that fails, died, is
// about to be gone, or does not answer, gets no more traffic, and goes. That speaks against it.
func (s *stageWork) mayRise(ctx context.Context, candidate *judge, stable service.Release) error {
	at := ledger.Progress{Weight: s.current().Weight}
	var why string
	var bad error
	err := patiently(ctx, func() error {
		why = ""
		asking, stop := context.WithCancel(ctx)
		defer stop()
		asked, answered := context.WithCancel(asking)
		ready := beside(func() error {
			defer answered()
			ready := beside(func() error { return s.routerSplits(asking, candidate.candidate, stable) })
			err := s.answers(asking, stable)
			if err != nil {
				why = fmt.Sprintf("stable %s, which one would go back to, does not answer: %s", stable.ID, err)
			}
			unready := ready()
			if err == nil && unready != nil {
				why = unready.Error()
			}
			return cmp.Or(err, unready)
		})
		if bad = candidate.lookThrough(ctx, at, asked.Done()); bad == nil {
			bad = candidate.watch.leaves()
		}
		if bad != nil {
			stop() // It is decided.
		}
		err := ready()
		switch unseen := candidate.watch.unseen; {
		case bad != nil:
			return nil
		case err == nil && unseen != nil:
			why = "not every instance can be seen: " + unseen.Error()
			return unseen
		}
		return err
	})
	if ctx.Err() == nil && (bad == nil || isSilent(bad)) {
		// What was waited for was not judged by: once more, before it is raised, or left alone where it is.
		if again := candidate.lookAgain(ctx, at); isEvidence(again) || err == nil && bad == nil {
			bad = again
		}
	}
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("look at %s and the router: %w", stable.ID, ctx.Err())
	case isSilent(bad):
		return &pausedError{reason: "not every instance can be seen: " + bad.Error()}
	case bad != nil:
		return bad
	case err != nil:
		return &pausedError{reason: why}
	}
	return nil
}

// stepsUp are the steps between the weight that was passed and the declared one, which comes last: judged for the pause of a
// step with that weight, or else for the analysis's minimum alone.
func stepsUp(spec SplitSpec, passed int) []Step {
	var up []Step
	last := Step{Weight: spec.Weight}
	for _, step := range spec.Steps {
		if step.Weight > passed && step.Weight < spec.Weight {
			up = append(up, step)
		}
		if step.Weight == spec.Weight {
			last = step
		}
	}
	return append(up, last)
}

// between gives a candidate a weight, and stable the rest.
func between(candidate, stable service.Release, weight int) map[string]int {
	return map[string]int{candidate.Placement.Slot: weight, stable.Placement.Slot: 100 - weight}
}

func (s *stageWork) moveTo(ctx context.Context, candidate, stable service.Release, weight int) error {
	s.report(s.number, s.stage, weight, time.Time{}, "%s gets %d %% of the traffic", candidate.ID, weight)
	if err := s.setWeights(ctx, s.number, between(candidate, stable, weight)); err != nil {
		return err
	}
	return s.reached(ctx, weight, false)
}

// windowOpen asks the preflight's window again: every raise of weight does.
func (s *stageWork) windowOpen() error {
	p, passed := s.current().Passages[service.StagePreflight]
	if !passed || len(p.Spec) == 0 { // none, or one of a lost ledger
		return nil
	}
	var preflight PreflightSpec
	if err := json.Unmarshal(p.Spec, &preflight); err != nil {
		return fmt.Errorf("read the preflight's window: %w", err)
	}
	if preflight.Window == nil || preflight.Override != nil && slices.Contains(preflight.Override.Skip, "window") {
		return nil
	}
	if err := preflight.Window.Open(s.now()); err != nil {
		// The candidate has passed where it is: it stays there until the window opens.
		return &pausedError{reason: err.Error()}
	}
	return nil
}

// exportWeights reads back what the data plane says.
func (s *stageWork) exportWeights(ctx context.Context) error {
	weights, err := s.adapters.Router.Weights(ctx)
	if err != nil {
		return fmt.Errorf("look at the router after the split: %w", err)
	}
	s.exports.Weights = weights
	s.exports.Promoted = s.state().Stable
	if s.current().Judged == 100 {
		s.exports.Promoted = s.request.Release
	}
	return nil
}
