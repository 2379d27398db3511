package delivery

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Finalize is step 7: after the bake time the release is the stable one. The old one is stopped and kept ready.
func (p *Procedure) Finalize(ctx context.Context, request Request, spec FinalizationSpec) (Outcome, error) {
	return p.runStage(ctx, service.StageFinalization, request, spec, func(ctx context.Context, s *stageWork) error {
		if err := s.promoted(); err != nil {
			return err
		}
		if s.standing {
			s.exports.Finalized, s.exports.FinalizedAt = request.Release, s.current().EndedAt
			if err := s.sweep(ctx); !isSilent(err) {
				return err
			} else if err != nil {
				s.warnOldStays(err)
			}
			return nil
		}
		if spec.BakeTime > 0 {
			if err := s.bake(ctx, spec.BakeTime); err != nil {
				return err
			}
		}
		if err := s.lastLook(ctx); err != nil {
			return err
		}
		s.exports.Finalized, s.exports.FinalizedAt = request.Release, s.now()
		s.fillExports()
		a := s.current()
		// From here on the release is stable, or will be seen to be once the answer of the store has come: nothing is put back any
		// more. What is left is tidying up, which the next run does where this one cannot.
		s.closed = true
		if err := s.closeFinalized(ctx, a, spec.KeepPrevious, s.passage()); err != nil {
			return err
		}
		s.tidy(ctx)
		return nil
	})
}

// lastLook sees to it that every instance answers and runs the release that is about to be the only one, and goes on to. A machine that is silent
// says nothing against one that passed everything.
func (s *stageWork) lastLook(ctx context.Context) error {
	release := s.recorded(s.current())
	if release == nil {
		return fmt.Errorf("look at %s: the ledger has no record of where it runs", s.request.Release)
	}
	seen, err := newWatch(ctx, s.adapters.Platform, *release)
	if err == nil {
		err = seen.settle(ctx)
	}
	if err == nil {
		err = seen.leaves()
	}
	if err != nil {
		return fmt.Errorf("look at %s, right before it would be finalized: %w", release.ID, err)
	}
	return nil
}

// bake watches the release for a while, by the judgement of its traffic split or verification.
func (s *stageWork) bake(ctx context.Context, duration service.Duration) error {
	analysis := s.judgement()
	if analysis != nil {
		relaxed := *analysis
		// The weight was raised long ago: no delay may take the bake time up.
		relaxed.MinRequests, relaxed.MaxPause, relaxed.InitialDelay = 0, duration, 0
		analysis = &relaxed
	}
	// Baking needs time alone: the minimum of requests was seen before.
	return s.judgeAtFull(ctx, analysis, duration, func(j *judge) { j.fewWillDo = true })
}

// judgement is the analysis of the stages before, nil where they had none.
func (s *stageWork) judgement() *AnalysisSpec {
	for _, stage := range []service.Stage{service.StageTrafficSplit, service.StageVerification} {
		p, passed := s.current().Passages[stage]
		if !passed {
			continue
		}
		var spec struct {
			Analysis *AnalysisSpec `json:"analysis"`
		}
		if json.Unmarshal(p.Spec, &spec) == nil && spec.Analysis != nil {
			return spec.Analysis
		}
	}
	return nil
}

// closeFinalized makes the attempt's release the stable one and keeps keepPrevious of those before it ready.
func (w *work) closeFinalized(ctx context.Context, a *ledger.Attempt, keepPrevious int, passage *ledger.Passage) error {
	ctx, cancel := w.rescue(ctx, closingTimeout)
	defer cancel()
	state := w.state()
	kept := slices.Clone(state.Kept)
	if state.Stable != "" && state.Stable != a.Release {
		kept = append([]service.ReleaseID{state.Stable}, kept...)
	}
	kept = slices.DeleteFunc(kept, func(r service.ReleaseID) bool { return r == a.Release })
	kept = kept[:min(len(kept), max(keepPrevious, 0))]
	closing := ledger.Closing{End: service.EndFinalized, Kept: kept}
	closing.Record = w.writeRecord(ctx, a, ledger.Failure{}, &putBackResult{done: []string{fmt.Sprintf("%s is stable", a.Release)}}, closing.End)
	event := ledger.Event{
		Type: ledger.AttemptClosed, Attempt: a.Number, Release: a.Release, Closing: &closing, Passage: passage,
		Text:     fmt.Sprintf("%s is finalized", a.Release),
		Notify:   w.message(a.Number, "succeeded", fmt.Sprintf("%s: %s is released, %s before it", w.procedure.id, a.Release.Label(), orNothing(state.Stable)), closing.Record),
		Channels: w.channels("succeeded"),
	}
	if passage != nil {
		event.Stage = service.StageFinalization
	}
	return w.append(ctx, event)
}
