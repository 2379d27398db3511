package check

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// RunAll runs all checkers side by side and returns one result each, sorted by name. A checker that panics has
// failed. No checkers give no results, which the caller must not take for a pass of anything.
func RunAll(ctx context.Context, checkers map[string]delivery.Checker, target delivery.Target) []service.CheckResult {
	var (
		wait    sync.WaitGroup
		mu      sync.Mutex
		results = make([]service.CheckResult, 0, len(checkers))
	)
	for name, c := range checkers {
		wait.Go(func() {
			r := runOne(ctx, name, c, target)
			mu.Lock()
			defer mu.Unlock()
			results = append(results, r)
		})
	}
	wait.Wait()
	slices.SortFunc(results, func(a, b service.CheckResult) int { return strings.Compare(a.Name, b.Name) })
	return results
}

func runOne(ctx context.Context, name string, c delivery.Checker, t delivery.Target) (r service.CheckResult) {
	started := time.Now()
	// The checks of this package catch their own panics; this is for any other Checker.
	o := guarded(func() outcome {
		r = c.Run(ctx, t)
		return outcome{passed: true}
	})
	if !o.passed {
		scrub := remember(t.Secrets, t.Release).scrub
		r = service.CheckResult{Got: oneLine(scrub(o.got)), Took: time.Since(started), Evidence: o.evidenceText(scrub)}
	}
	r.Name = name
	return r
}
