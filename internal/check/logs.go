package check

import (
	"context"
	"fmt"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/logline"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const (
	// logLimit bounds the lines that are read.
	logLimit = 100_000
	// logEvidence is how many denied lines are kept.
	logEvidence = 50
)

// logsCheck reads what the release wrote since it started.
type logsCheck struct{ service.LogsCheck }

func (c logsCheck) problems(add func(detail string, path ...string)) {
	if len(c.Deny) == 0 {
		add("give at least one pattern, such as \"panic:\": without one nothing could fail", "deny")
	}
	for _, pattern := range c.Deny {
		if pattern == "" {
			add("an empty pattern matches every line: leave it out", "deny")
		}
		regexpProblem(add, pattern, "deny")
	}
	if c.Max < 0 {
		add(fmt.Sprintf("%d is negative: 0 allows no line that matches", c.Max), "max")
	}
}

func (c logsCheck) asked(t delivery.Target) string {
	patterns := make([]string, len(c.Deny))
	for i, p := range c.Deny {
		patterns[i] = fmt.Sprintf("%q", p)
	}
	return fmt.Sprintf("at most %d lines that match %s in the logs of %s since it started", c.Max, strings.Join(patterns, " or "), ofWhom(t))
}

// logKeeper is a platform that knows what of a log it no longer has.
type logKeeper interface {
	// LogsMissing says what of the lines since the instances were started is no longer there; empty: nothing.
	LogsMissing(ctx context.Context, p service.Placement) (string, error)
}

// missing says what was not read; empty: nothing. What nobody can read may be what is denied.
func (c logsCheck) missing(ctx context.Context, t delivery.Target, read int) string {
	if read >= logLimit {
		return fmt.Sprintf("only its last %d lines are read", logLimit)
	}
	keeper, ok := t.Platform.(logKeeper)
	if !ok {
		return ""
	}
	missing, err := keeper.LogsMissing(ctx, t.Release.Placement)
	if err != nil {
		return err.Error()
	}
	return missing
}

func (c logsCheck) ask(ctx context.Context, t delivery.Target) outcome {
	deny, err := logline.Compile(c.Deny)
	if err != nil {
		return failed("read deny: %v", err)
	}
	all, err := instances(t)
	if err != nil {
		return failed("%v", err)
	}
	if t.Platform == nil {
		return failed("there is no platform to read logs from")
	}
	ctx, cancel := context.WithTimeout(ctx, service.LogsCheckTimeout)
	defer cancel()
	lines, err := t.Platform.Logs(ctx, t.Release.Placement, logLimit)
	if err != nil {
		return failed("the logs cannot be read: %v", err)
	}
	matched := 0
	var latest []string
	for _, line := range lines {
		if deny.Match(line, all) {
			matched++
			if latest = append(latest, line); len(latest) > logEvidence {
				latest = latest[1:]
			}
		}
	}
	o := outcome{passed: matched <= c.Max, tail: true}
	o.got = fmt.Sprintf("%d of %d lines match, %d allowed", matched, len(lines), c.Max)
	if missing := c.missing(ctx, t, len(lines)); missing != "" {
		o.got += ", and the log is not complete since the release started: " + missing
		o.passed = false
	}
	if len(latest) > 0 {
		o.evidence = []string{strings.Join(latest, "\n")}
	}
	return o
}
