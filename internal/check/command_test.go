package check_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/component"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// shell is a command that runs a script in directory.
func shell(directory, script string) *service.CommandCheck {
	return &service.CommandCheck{Argv: []string{"sh", "-c", script}, Directory: directory, Timeout: service.Duration(generous)}
}

func TestCommandExitCode(t *testing.T) {
	c := shell("", "echo to stdout; echo to stderr >&2; exit 3")
	r := run(t, service.Check{Command: c}, target())
	wantFail(t, r, "exit status 3", "wanted was exit status 0")
	if !strings.Contains(r.Evidence, "to stdout\nto stderr") {
		t.Errorf("evidence %q", r.Evidence)
	}
	c.ExitCode = 3
	wantPass(t, run(t, service.Check{Command: c}, target()), "exit status 3")
	c.Argv = []string{"true"}
	wantFail(t, run(t, service.Check{Command: c}, target()), "exit status 0", "wanted was exit status 3")
	c.Argv = []string{"sh", "-c", "kill -9 $$"}
	wantFail(t, run(t, service.Check{Command: c}, target()), "signal: killed")
	c.Argv = []string{"./no-such-program"}
	wantFail(t, run(t, service.Check{Command: c}, target()), "no-such-program")
}

func TestCommandHasNoShell(t *testing.T) {
	c := &service.CommandCheck{Argv: []string{"printf", "%s|", "$HOME", "a b", "*"}, Timeout: service.Duration(generous)}
	r := run(t, service.Check{Command: c}, target())
	wantPass(t, r)
	if r.Evidence != "$HOME|a b|*|" {
		t.Errorf("evidence %q", r.Evidence)
	}
	if r.Asked != `run printf %s| $HOME "a b" *` {
		t.Errorf("asked %q", r.Asked)
	}
}

func TestCommandRunsInItsDirectory(t *testing.T) {
	directory := t.TempDir()
	component.WriteProgram(t, filepath.Join(directory, "flow.sh"), []byte("#!/bin/sh\npwd\n"))
	c := &service.CommandCheck{Argv: []string{"./flow.sh"}, Directory: directory, Timeout: service.Duration(generous)}
	r := run(t, service.Check{Command: c}, target())
	wantPass(t, r)
	if r.Evidence != directory {
		t.Errorf("ran in %q", r.Evidence)
	}
}

func TestCommandEnvironment(t *testing.T) {
	t.Setenv("OUR_TOKEN", "ours alone")
	t.Setenv("DEPLOY_CREDENTIAL_ORDERS_DB", "ours alone")
	t.Setenv("TMPDIR", "/tmp/of-ours")
	// The whole environment is what a process sees, not what a shell makes of it.
	c := &service.CommandCheck{Argv: []string{"env"}, Timeout: service.Duration(generous),
		Environment: map[string]string{"GIVEN": "a b"}, Secrets: map[string]string{"PASSWORD": "orders_db"}}
	to := target("127.0.0.1:8081", "127.0.0.1:8082")
	to.Secrets = credentials{"orders_db": "s3cr3t"}
	r := run(t, service.Check{Command: c}, to)
	wantPass(t, r)
	environment := map[string]string{}
	for line := range strings.SplitSeq(r.Evidence, "\n") {
		name, value, _ := strings.Cut(line, "=")
		environment[name] = value
	}
	for name, want := range map[string]string{
		"DEPLOY_SERVICE": "production/web", "DEPLOY_RELEASE": "production/web/1.8.2-5c1f9e0b", "DEPLOY_VERSION": "1.8.2",
		"DEPLOY_ADDRESS": "127.0.0.1:8081", "DEPLOY_ADDRESSES": "127.0.0.1:8081,127.0.0.1:8082",
		"GIVEN": "a b", "PASSWORD": "***", "PATH": os.Getenv("PATH"), "TMPDIR": "/tmp/of-ours",
	} {
		if got, set := environment[name]; !set || got != want {
			t.Errorf("%s is %q, wanted %q", name, got, want)
		}
		delete(environment, name)
	}
	delete(environment, "HOME")
	delete(environment, "LANG")
	if len(environment) > 0 {
		t.Errorf("and %v", environment)
	}
	if strings.Contains(r.Evidence+r.Got+r.Asked, "s3cr3t") {
		t.Error("shows the secret")
	}

	c.Secrets = map[string]string{"PASSWORD": "unknown"}
	wantFail(t, run(t, service.Check{Command: c}, to), "not run", "DEPLOY_CREDENTIAL_UNKNOWN")
}

func TestCommandEvidenceHidesEncodedSecrets(t *testing.T) {
	to := target()
	to.Secrets = credentials{"db": "postgres://web:s3cr3t-m4rk3r@db/web"}
	// As a program prints the request that it sent.
	c := shell("", `echo "Authorization: Basic $(printf 'web:s3cr3t-m4rk3r' | base64)"; echo "s3cr3t-m4rk3r is refused"; exit 1`)
	c.Secrets = map[string]string{"DB": "db"}
	r := run(t, service.Check{Command: c}, to)
	wantFail(t, r)
	if r.Evidence != "Authorization: Basic d2ViO***=\n*** is refused" {
		t.Errorf("evidence %q", r.Evidence)
	}
}

func TestCommandEvidenceIsTheEndOfTheOutput(t *testing.T) {
	to := target()
	// A long one: without it, so little is left that the beginning of what was kept would show.
	to.Secrets = credentials{"token": strings.Repeat("s3cr3t-value", 100)}
	// More than is kept, so that cuts go through secrets.
	c := shell("", `i=0; while [ $i -lt 200 ]; do echo "$T$T"; i=$((i+1)); done; printf 'the end'; exit 1`)
	c.Secrets = map[string]string{"T": "token"}
	r := run(t, service.Check{Command: c}, to)
	wantFail(t, r)
	if !strings.HasSuffix(r.Evidence, "***\nthe end") {
		t.Errorf("evidence ends with %q", r.Evidence[max(0, len(r.Evidence)-40):])
	}
	if strings.Contains(r.Evidence, "s3cr3t") || strings.Contains(r.Evidence, "value") {
		t.Errorf("shows parts of the secret: %.200s", r.Evidence)
	}
}

// gone waits until the process with this pid is no more.
func gone(t *testing.T, pid string) {
	t.Helper()
	number, err := strconv.Atoi(strings.TrimSpace(pid))
	if err != nil {
		t.Fatalf("no pid: %q", pid)
	}
	deadline := time.Now().Add(generous)
	for !errors.Is(syscall.Kill(number, 0), syscall.ESRCH) {
		// One that has ended and waits to be collected by whoever took it over has ended.
		if status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(number), "stat")); err == nil {
			if _, rest, found := strings.Cut(string(status), ") "); found && strings.HasPrefix(rest, "Z") {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("process %d is still there", number)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func pidIn(t *testing.T, path string) string {
	t.Helper()
	deadline := time.Now().Add(generous)
	for {
		content, err := os.ReadFile(path)
		if err == nil && strings.HasSuffix(string(content), "\n") {
			return string(content)
		}
		if time.Now().After(deadline) {
			t.Fatalf("no pid in %s: %v", path, err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestCommandTimeLimitEndsTheGroup(t *testing.T) {
	directory := t.TempDir()
	// A child that does not listen to SIGTERM, below a program that waits for it.
	c := shell(directory, `sh -c 'trap "" TERM; echo $$ >pid; while :; do sleep 0.1; done' & wait`)
	longEnough(t, filepath.Join(directory, "pid"), func(limit time.Duration) {
		c.Timeout = service.Duration(limit)
		wantFail(t, run(t, service.Check{Command: c}, target()), "longer than "+limit.String())
	})
	gone(t, pidIn(t, filepath.Join(directory, "pid")))
}

// longEnough calls run with a time limit, and again with twice of it where the program had not written its line into the file by then: the machine
// may be busy, or pause.
func longEnough(t *testing.T, path string, run func(limit time.Duration)) {
	t.Helper()
	for limit := 500 * time.Millisecond; limit < generous; limit *= 2 {
		run(limit)
		if content, err := os.ReadFile(path); err == nil && strings.HasSuffix(string(content), "\n") {
			return
		}
	}
	t.Fatalf("%s was not written", path)
}

func TestCommandThatExitsWellAtTheLimitHasFailed(t *testing.T) {
	directory := t.TempDir()
	c := shell(directory, `trap "exit 0" TERM; echo >ready; sleep 3600 & wait`)
	longEnough(t, filepath.Join(directory, "ready"), func(limit time.Duration) {
		c.Timeout = service.Duration(limit)
		wantFail(t, run(t, service.Check{Command: c}, target()), "longer than "+limit.String())
	})
}

func TestCommandLeavesNothingRunning(t *testing.T) {
	directory := t.TempDir()
	c := shell(directory, `sleep 3600 >/dev/null 2>&1 & echo $! >pid`)
	wantPass(t, run(t, service.Check{Command: c}, target()))
	gone(t, pidIn(t, filepath.Join(directory, "pid")))
}

func TestCommandEndsWithItsContext(t *testing.T) {
	directory := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		deadline := time.Now().Add(generous)
		for time.Now().Before(deadline) {
			if content, err := os.ReadFile(filepath.Join(directory, "pid")); err == nil && len(content) > 0 {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	r := runContext(ctx, t, service.Check{Command: shell(directory, `echo $$ >pid; exec sleep 3600`)}, target())
	wantFail(t, r, "interrupted")
	gone(t, pidIn(t, filepath.Join(directory, "pid")))
}

func TestCommandHasAGroupOfItsOwn(t *testing.T) {
	r := run(t, service.Check{Command: shell("", `ps -o pgid= -p $$; echo $$`)}, target())
	fields := strings.Fields(r.Evidence)
	if len(fields) != 2 || fields[0] != fields[1] {
		t.Errorf("group and pid are %v", fields)
	}
}
