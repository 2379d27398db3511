package delivery

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// runChecks runs checks side by side against a release and keeps their results with the stage. What did not
// pass comes back as evidence against the release; nil: all passed.
func (s *stageWork) runChecks(ctx context.Context, checks map[string]service.Check, release service.Release) (*evidenceError, error) {
	if len(checks) == 0 {
		return nil, nil
	}
	s.report(s.number, s.stage, s.current().Weight, time.Time{}, "%d checks run against %s", len(checks), release.ID)
	results, failed, err := s.procedure.check(ctx, checks, s.adapters, release)
	s.exports.Results = results
	if err != nil {
		return nil, fmt.Errorf("run the checks of %s: %w", s.stage, err)
	}
	return failed, nil
}

// check runs checks side by side against a release. What did not pass comes back as evidence against it.
func (p *Procedure) check(ctx context.Context, checks map[string]service.Check, adapters Adapters, release service.Release) ([]service.CheckResult, *evidenceError, error) {
	checkers := make(map[string]Checker, len(checks))
	for name, check := range checks {
		checker, err := p.run.connector.Checker(name, check)
		if err != nil {
			return nil, nil, fmt.Errorf("check %s: %w", name, err)
		}
		checkers[name] = checker
	}
	results := p.run.connector.RunAll(ctx, checkers, Target{
		Release: release, Platform: adapters.Platform, Metrics: adapters.Metrics, Secrets: p.run.connector.Credentials(),
	})
	sort.Slice(results, func(i, j int) bool { return results[i].Name < results[j].Name })
	if err := ctx.Err(); err != nil {
		return results, nil, err
	}
	var names, evidence []string
	for _, r := range results {
		if !r.Passed {
			names = append(names, r.Name)
			evidence = append(evidence, resultText(r))
		}
	}
	if len(names) == 0 {
		return results, nil, nil
	}
	return results, &evidenceError{
		reason:   fmt.Sprintf("%d of %d checks failed: %s", len(names), len(results), strings.Join(names, ", ")),
		evidence: evidence,
	}, nil
}

func resultText(r service.CheckResult) string {
	text := fmt.Sprintf("%s: asked %s; got %s (%s)", r.Name, r.Asked, r.Got, r.Took.Round(time.Millisecond))
	if r.Evidence != "" {
		text += "\n" + r.Evidence
	}
	return text
}
