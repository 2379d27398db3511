package delivery

import (
	"context"
	"fmt"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// SmokeTest is step 4: checks against the candidate, before it takes any traffic. After a rollback it reports and changes
// nothing.
func (p *Procedure) SmokeTest(ctx context.Context, request Request, spec SmokeTestSpec) (Outcome, error) {
	return p.runStage(ctx, service.StageSmokeTest, request, spec, func(ctx context.Context, s *stageWork) error {
		return s.checkRelease(ctx, spec.Checks)
	})
}

// checkRelease runs checks against the attempt's release.
func (s *stageWork) checkRelease(ctx context.Context, checks map[string]service.Check) error {
	release := s.recorded(s.current())
	if release == nil {
		return fmt.Errorf("check %s: the ledger has no record of where it runs", s.request.Release)
	}
	failed, err := s.runChecks(ctx, checks, *release)
	if err != nil {
		return err
	}
	if failed == nil {
		return nil
	}
	if s.reporting {
		s.warn(stageTitle(s.stage)+" Failed After Rollback", fmt.Sprintf("%s carries the traffic again, and %s. A rollback is not undone for that.\n\n%s",
			s.request.Release, failed.reason, (&Error{Evidence: failed.evidence}).Detail()))
		return nil
	}
	return failed
}
