package program

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/scrub"
)

// both runs a test on programs below a watcher and on children of ours: they are told apart by nothing.
func both(t *testing.T, test func(*testing.T)) {
	t.Helper()
	t.Run("below a watcher", test)
	t.Run("direct", func(t *testing.T) {
		before := watched
		watched = false
		defer func() { watched = before }()
		test(t)
	})
}

func TestRun(t *testing.T) {
	t.Setenv("OUR_TOKEN", "ours alone")
	both(t, func(t *testing.T) {
		directory := t.TempDir()
		for name, c := range map[string]struct {
			argv   []string
			want   Ended
			failed string
		}{
			"exit 0":       {[]string{"sh", "-c", "echo out; echo err >&2"}, Ended{0, "exit status 0", "out\nerr\n"}, ""},
			"exit 3":       {[]string{"sh", "-c", "exit 3"}, Ended{3, "exit status 3", ""}, ""},
			"a signal":     {[]string{"sh", "-c", "kill -9 $$"}, Ended{-1, "signal: killed", ""}, ""},
			"no shell":     {[]string{"printf", "%s|", "$HOME", "a b"}, Ended{0, "exit status 0", "$HOME|a b|"}, ""},
			"directory":    {[]string{"pwd"}, Ended{0, "exit status 0", directory + "\n"}, ""},
			"environment":  {[]string{"sh", "-c", `echo "$GIVEN/$OUR_TOKEN"`}, Ended{0, "exit status 0", "a b/\n"}, ""},
			"no stdin":     {[]string{"cat"}, Ended{0, "exit status 0", ""}, ""},
			"child writes": {[]string{"sh", "-c", "(sleep 0.2; echo late) & exit 1"}, Ended{1, "exit status 1", "late\n"}, ""},
			"no such file": {[]string{"./no-such-program"}, Ended{}, "start ./no-such-program: "},
			"not on PATH":  {[]string{"no-such-program"}, Ended{}, "executable file not found in $PATH"},
		} {
			got, err := Program{Argv: c.argv, Directory: directory, Environment: []string{"GIVEN=a b"}, Timeout: generous}.Run(t.Context())
			if got != c.want || (err != nil) != (c.failed != "") || (err != nil && !strings.Contains(err.Error(), c.failed)) {
				t.Errorf("%s: %+v, %v; want %+v, %q", name, got, err, c.want, c.failed)
			}
		}
	})
}

func TestRunEndsAtItsLimitAndItsContext(t *testing.T) {
	both(t, func(t *testing.T) {
		pid := filepath.Join(t.TempDir(), "pid")
		// A child that does not listen to SIGTERM, below a program that does; sleep, unlike wait, misses no signal.
		script := `trap "exit 0" TERM; bash -c 'trap "" TERM; echo $$ >"$0"; while :; do sleep 0.1; done' "` + pid + `" & while :; do sleep 0.1; done`
		var e Ended
		longEnough(t, pid, func(limit time.Duration) {
			var err error
			e, err = Program{Argv: []string{"bash", "-c", script}, Timeout: limit}.Run(t.Context())
			if err == nil || !strings.Contains(err.Error(), "longer than "+limit.String()) {
				t.Errorf("%+v, %v", e, err)
			}
		})
		if e.Status != "exit status 0" {
			t.Errorf("%+v", e)
		}
		gone(t, pid)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			defer cancel()
			written(t, pid+"2")
		}()
		_, err := Program{Argv: []string{"sh", "-c", "echo $$ >" + pid + "2; exec sleep 3600"}, Timeout: time.Hour}.Run(ctx)
		if err == nil || !strings.Contains(err.Error(), "interrupted") {
			t.Errorf("error %v", err)
		}
		gone(t, pid+"2")
	})
}

func TestRunKeepsTheEndOfTheOutput(t *testing.T) {
	both(t, func(t *testing.T) {
		e, err := Program{Argv: []string{"sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x; echo the end"}, Timeout: generous}.Run(t.Context())
		if err != nil || !strings.HasPrefix(e.Output, scrub.CutMark) || !strings.HasSuffix(e.Output, "xthe end\n") || len(e.Output) > 3*outputLimit {
			t.Errorf("%d bytes, %v", len(e.Output), err)
		}
	})
}

// longEnough calls run with a time limit, and again with twice of it where the program had not written its line into the file by then: the machine
// may be busy, or pause.
func longEnough(t *testing.T, path string, run func(limit time.Duration)) {
	t.Helper()
	for limit := 500 * time.Millisecond; limit < generous; limit *= 2 {
		run(limit)
		if content, err := os.ReadFile(path); err == nil && strings.HasSuffix(string(content), "\n") { //nolint:gosec // a file of the test
			return
		}
	}
	t.Fatalf("%s was not written", path)
}

// written waits for a file with a line.
func written(t *testing.T, path string) string {
	for deadline := time.Now().Add(generous); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if content, err := os.ReadFile(path); err == nil && strings.HasSuffix(string(content), "\n") { //nolint:gosec // a file of the test
			return strings.TrimSpace(string(content))
		}
	}
	t.Errorf("%s was not written", path)
	return ""
}

// gone waits until the process whose number is in the file is no more, or only waits to be collected.
func gone(t *testing.T, path string) {
	t.Helper()
	pid := written(t, path)
	for deadline := time.Now().Add(generous); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		status, err := os.ReadFile(filepath.Join("/proc", pid, "stat")) //nolint:gosec // a number below /proc
		if _, rest, _ := strings.Cut(string(status), ") "); err != nil || strings.HasPrefix(rest, "Z") {
			return
		}
	}
	t.Errorf("process %s is still there", pid)
}
