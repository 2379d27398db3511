package delivery

import (
	"context"
	"fmt"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Verify is step 6: checks and judgement with all of the traffic, the old release still running.
func (p *Procedure) Verify(ctx context.Context, request Request, spec VerificationSpec) (Outcome, error) {
	return p.runStage(ctx, service.StageVerification, request, spec, func(ctx context.Context, s *stageWork) error {
		if err := s.promoted(); err != nil {
			return err
		}
		if err := s.checkRelease(ctx, spec.Checks); err != nil {
			return err
		}
		if spec.Analysis == nil || s.standing {
			return nil
		}
		if s.adapters.Metrics == nil {
			return &refusedError{reason: fmt.Sprintf("%s has no metrics, so there is nothing to judge: give deploy_service metrics, or remove the analysis", s.procedure.id)}
		}
		return s.judgeAtFull(ctx, spec.Analysis, spec.Duration, func(*judge) {})
	})
}

// promoted refuses a release that the ledger does not show at 100 %.
func (s *stageWork) promoted() error {
	if s.standing || s.current().Judged == 100 {
		return nil
	}
	return &pausedError{reason: fmt.Sprintf("the stage %s needs all of the traffic: raise deploy_traffic_split.weight to 100, and take deploy_traffic_split.<name>.promoted for its release", s.stage)}
}

// judgeAtFull judges the release with all of the traffic. prepare is called with the judge before it begins.
func (s *stageWork) judgeAtFull(ctx context.Context, spec *AnalysisSpec, duration service.Duration, prepare func(*judge)) error {
	release := s.recorded(s.current())
	if release == nil {
		return fmt.Errorf("judge %s: the ledger has no record of where it runs", s.request.Release)
	}
	return s.noting(ctx, func(n *noter) error {
		j, err := newJudge(ctx, s.observer(n), spec, *release, s.state().StableRelease())
		if err != nil {
			return err
		}
		prepare(j)
		if err := s.holdAt(ctx, j, stay{Step: Step{Weight: 100, Pause: duration}}, alone(release.Placement.Slot)); err != nil {
			return err
		}
		return n.flush(ctx)
	})
}
