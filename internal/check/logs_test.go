package check_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// logPlatform has logs and nothing else: the real one is tested with its package.
type logPlatform struct {
	delivery.Platform
	lines []string
	err   error
}

func (p logPlatform) Logs(context.Context, service.Placement, int) ([]string, error) {
	return p.lines, p.err
}

func logged(err error, lines ...string) delivery.Platform { return logPlatform{lines: lines, err: err} }

func TestLogs(t *testing.T) {
	logs := func(maximum int, deny ...string) service.Check {
		return service.Check{Logs: &service.LogsCheck{Deny: deny, Max: maximum}}
	}
	to := target("127.0.0.1:1", "127.0.0.1:2")
	to.Platform = logged(nil, "green/0: started", "green/1: ERROR one", "green/0: error two", "green/1:   panic: three")
	wantPass(t, run(t, logs(0, "FATAL"), to), "0 of 4 lines match")
	r := run(t, logs(0, "FATAL", "ERROR"), to)
	wantFail(t, r, "1 of 4 lines match, 0 allowed")
	if !strings.Contains(r.Evidence, "ERROR one") || strings.Contains(r.Evidence, "started") {
		t.Errorf("evidence %q", r.Evidence)
	}
	wantPass(t, run(t, logs(1, "ERROR"), to), "1 of 4")
	// A line that two patterns match counts once.
	wantPass(t, run(t, logs(1, "ERROR", "one"), to), "1 of 4")
	wantFail(t, run(t, logs(1, "(?i)error"), to), "2 of 4")
	// The beginning of a line is behind the instance's name.
	wantFail(t, run(t, logs(0, "^started"), to), "1 of 4")
	wantFail(t, run(t, logs(0, "^panic"), to), "1 of 4")

	to.Platform = logged(errors.New("the file is gone"))
	wantFail(t, run(t, logs(5, "ERROR"), to), "the file is gone")
	to.Platform = nil
	wantFail(t, run(t, logs(5, "ERROR"), to), "no platform")
}

// keepingPlatform knows what is missing of its logs.
type keepingPlatform struct {
	logPlatform
	missing string
	failing error
}

func (p keepingPlatform) LogsMissing(context.Context, service.Placement) (string, error) {
	return p.missing, p.failing
}

func TestLogsThatAreNotComplete(t *testing.T) {
	deny := service.Check{Logs: &service.LogsCheck{Deny: []string{"ERROR"}}}
	to := target("127.0.0.1:1")
	good := logPlatform{lines: []string{"all well"}}
	to.Platform = keepingPlatform{good, "", nil}
	wantPass(t, run(t, deny, to), "0 of 1 lines match")
	to.Platform = keepingPlatform{good, "green/0: the oldest lines were rotated away", nil}
	wantFail(t, run(t, deny, to), "0 of 1 lines match", "the log is not complete since the release started: green/0: the oldest lines were rotated away")
	to.Platform = keepingPlatform{good, "", errors.New("the disk is gone")}
	wantFail(t, run(t, deny, to), "not complete", "the disk is gone")
	to.Platform = logged(nil, slices.Repeat([]string{"all well"}, 100_000)...)
	wantFail(t, run(t, deny, to), "0 of 100000 lines match", "only its last 100000 lines are read")
}
