package delivery

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// runChecks runs checks side by side against a release and keeps their results with the stage. The first result that
// did not pass comes back as evidence against the release, with all the others; nil: all passed.
func (s *stageWork) runChecks(ctx context.Context, checks map[string]service.Check, release service.Release) (*evidenceError, error) {
	if len(checks) == 0 {
		return nil, nil
	}
	checkers := make(map[string]Checker, len(checks))
	for name, check := range checks {
		checker, err := s.procedure.run.connector.Checker(name, check)
		if err != nil {
			return nil, fmt.Errorf("check %s: %w", name, err)
		}
		checkers[name] = checker
	}
	s.report(s.number, s.stage, s.current().Weight, time.Time{}, "%d checks run against %s", len(checks), release.ID)
	target := Target{
		Release: release, Platform: s.adapters.Platform, Metrics: s.adapters.Metrics, Secrets: s.procedure.run.connector.Credentials(),
	}
	results := s.procedure.run.connector.RunAll(ctx, checkers, target)
	sort.Slice(results, func(i, j int) bool { return results[i].Name < results[j].Name })
	s.exports.Results = results
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("run the checks of %s: %w", s.stage, err)
	}
	var names, evidence []string
	for _, r := range results {
		if !r.Passed {
			names = append(names, r.Name)
			evidence = append(evidence, resultText(r))
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	return &evidenceError{
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
