// Package check runs the checks of preflight, smoke test and verification: requests, connections, programs, logs,
// databases and metrics. There is one file a kind. Nothing passes on nothing: a check that finds nobody to ask, no
// series and no test fails.
package check

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// kind is one kind of check with its definition.
type kind interface {
	// problems adds what is wrong with the definition; paths are relative to it.
	problems(add func(detail string, path ...string))
	// asked says in one line what will be asked of whom.
	asked(t delivery.Target) string
	// ask does it. It ends when ctx does, or by a deadline of its own, within the check's WorstCase.
	ask(ctx context.Context, t delivery.Target) outcome
}

// New makes the check called name. The error joins all problems that Validate finds.
func New(name string, c service.Check) (delivery.Checker, error) {
	if problems := Validate(c); len(problems) > 0 {
		failures := make([]error, len(problems))
		for i, p := range problems {
			failures[i] = p
		}
		return nil, fmt.Errorf("check %q: %w", name, errors.Join(failures...))
	}
	return checker{name: name, kind: kinds(c)[0].kind}, nil
}

// checker is a kind with a name, and what all kinds have in common: time, panics, secrets and the bounds of evidence.
type checker struct {
	name string
	kind kind
}

// Run implements delivery.Checker.
func (c checker) Run(ctx context.Context, t delivery.Target) service.CheckResult {
	secrets := remember(t.Secrets, t.Release)
	t.Secrets = secrets
	started := time.Now()
	var asked string
	o := guarded(func() outcome {
		asked = c.kind.asked(t)
		return c.kind.ask(ctx, t)
	})
	return service.CheckResult{
		Name:     c.name,
		Passed:   o.passed,
		Asked:    oneLine(secrets.scrub(asked)),
		Got:      oneLine(secrets.scrub(o.got)),
		Took:     time.Since(started),
		Evidence: o.evidenceText(secrets.scrub),
	}
}

// guarded runs f and makes a failure of a panic: a check that breaks is no reason to leave a release half introduced.
func guarded(f func() outcome) (o outcome) {
	defer func() {
		if p := recover(); p != nil {
			o = failed("the check itself broke: %v", p)
			o.evidence = []string{string(debug.Stack())}
		}
	}()
	return f()
}
