package process_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/component"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/process"
)

// The test's own executable stands in for the demo's programs: with this variable it does what it says.
const roleVariable = "PROCESS_TEST_ROLE"

// ready is what a role prints when it has begun.
const ready = "ready\n"

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "":
		os.Exit(m.Run())
	case "wait": // until its input ends, at the latest with the test
		fmt.Print(ready)
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "ignore": // what asks it to end
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
		fmt.Print(ready)
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "parent": // of one that waits
		child := exec.CommandContext(context.Background(), os.Args[0]) //nolint:gosec // ourselves
		child.Env, child.Stdin, child.Stdout = []string{roleVariable + "=wait"}, os.Stdin, os.Stdout
		if err := child.Run(); err != nil {
			os.Exit(1)
		}
	}
}

// run starts an executable in a role, and ends it with the test.
func run(t *testing.T, executable, role, workingDirectory string, args ...string) *exec.Cmd {
	t.Helper()
	cmd, _ := start(t, executable, role, workingDirectory, args...)
	return cmd
}

// start is run, with the input that keeps a waiting role alive. It returns when the role has begun.
func start(t *testing.T, executable, role, workingDirectory string, args ...string) (*exec.Cmd, io.Closer) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), executable, args...) //nolint:gosec // ourselves
	cmd.Dir, cmd.Env = workingDirectory, []string{roleVariable + "=" + role}
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = input.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if _, err := output.Read(make([]byte, len(ready))); err != nil {
		t.Fatal(err)
	}
	return cmd, input
}

func copyOf(t *testing.T, directory string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(self) //nolint:gosec // ourselves
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(directory, "program")
	component.WriteProgram(t, path, text)
	return path
}

func pids(processes []process.Process) (all []int) {
	for _, p := range processes {
		all = append(all, p.PID)
	}
	return all
}

func TestScopeFindsWhatIsOfTheRun(t *testing.T) {
	directory, elsewhere := t.TempDir(), t.TempDir()
	scope, err := process.NewScope(directory)
	if err != nil {
		t.Fatal(err)
	}
	inside, outside := copyOf(t, directory), copyOf(t, elsewhere)
	program := run(t, inside, "wait", "/")
	working := run(t, outside, "wait", directory)
	named := run(t, outside, "wait", "/", "--store=file://"+scope.Directory+"/store")
	stranger := run(t, outside, "wait", "/", "--store=file://"+scope.Directory+"-of-another/store")

	programs, err := scope.Programs()
	if err != nil || !slices.Equal(pids(programs), []int{program.Process.Pid}) {
		t.Errorf("programs %v, %v, want %d", programs, err, program.Process.Pid)
	}
	running, err := scope.Running()
	if err != nil {
		t.Fatal(err)
	}
	for what, p := range map[string]*exec.Cmd{"the program": program, "one that works there": working, "one that names it": named} {
		if !slices.Contains(pids(running), p.Process.Pid) {
			t.Errorf("%s (%d) is not among what runs: %v", what, p.Process.Pid, running)
		}
	}
	if slices.Contains(pids(running), stranger.Process.Pid) {
		t.Errorf("%d, which names another directory, is among what runs", stranger.Process.Pid)
	}
	if slices.Contains(pids(running), os.Getpid()) {
		t.Error("the demo itself is among what runs")
	}

	// A program whose file is gone, as when a release is removed while it runs, is found all the same.
	if err := os.Remove(inside); err != nil {
		t.Fatal(err)
	}
	if programs, err = scope.Programs(); err != nil || !slices.Equal(pids(programs), []int{program.Process.Pid}) {
		t.Errorf("programs after the file is gone: %v, %v, want %d", programs, err, program.Process.Pid)
	}
}

func TestEndKillsWhatDoesNotListen(t *testing.T) {
	executable := copyOf(t, t.TempDir())
	cmd := run(t, executable, "ignore", "/")
	waited := make(chan error, 1)
	go func() { waited <- cmd.Wait() }()
	p, err := process.Read(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := process.End([]process.Process{p}, 200*time.Millisecond); err != nil {
		t.Errorf("end: %v", err)
	}
	select {
	case err := <-waited:
		if err == nil {
			t.Error("it ended by itself, not by a signal")
		}
	case <-time.After(10 * time.Second):
		t.Error("it still runs")
	}
}

func TestSignalSparesAnotherProcessWithTheNumber(t *testing.T) {
	cmd, input := start(t, copyOf(t, t.TempDir()), "wait", "/")
	p, err := process.Read(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	p.Started-- // an earlier process, which had the same number
	if err := p.Signal(syscall.SIGKILL); err != nil {
		t.Errorf("signal: %v", err)
	}
	if err := input.Close(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the process that has the number now did not end by itself: %v", err)
	}
}

func TestDescendants(t *testing.T) {
	parent := run(t, copyOf(t, t.TempDir()), "parent", "/") // has its child when it is ready
	all, err := process.List()
	if err != nil {
		t.Fatal(err)
	}
	found := process.Descendants(all, parent.Process.Pid)
	if len(found) != 1 || found[0].Parent != parent.Process.Pid {
		t.Errorf("descendants of %d: %v, want its one child", parent.Process.Pid, found)
	}
}

func TestGroupEndsWithItsContext(t *testing.T) {
	for role, grace := range map[string]time.Duration{"parent": 30 * time.Second, "ignore": 100 * time.Millisecond} {
		t.Run(role, func(t *testing.T) {
			directory := t.TempDir()
			executable := copyOf(t, directory)
			input, feed, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _, _ = input.Close(), feed.Close() }()
			output, written := io.Pipe()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			// The shell gives the program our pipe as its input, so that it does not end by itself.
			group, err := process.Start(ctx, process.Command{
				Path: "/bin/sh", Args: []string{"-c", fmt.Sprintf("exec %s < /proc/%d/fd/%d", executable, os.Getpid(), input.Fd())},
				Environment: []string{roleVariable + "=" + role}, Stdout: written, Grace: grace,
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := output.Read(make([]byte, len(ready))); err != nil {
				t.Fatal(err)
			}
			cancel()
			select {
			case <-group.Ended():
			case <-time.After(20 * time.Second):
				_ = group.Stop(time.Second)
				t.Fatal("it still runs")
			}
			if code, err := group.Wait(); err != nil || code == 0 {
				t.Errorf("exit code %d, %v, want one of a process that was ended", code, err)
			}
			childrenEnd(t, directory)
		})
	}
}

// childrenEnd waits until no program of directory runs.
func childrenEnd(t *testing.T, directory string) {
	t.Helper()
	scope, err := process.NewScope(directory)
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		left, err := scope.Programs()
		if err != nil {
			t.Fatal(err)
		}
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("the group's other processes still run: %v", left)
			_ = process.End(left, time.Second)
			return
		}
	}
}

func TestGroupExitCode(t *testing.T) {
	var output strings.Builder
	group, err := process.Start(t.Context(), process.Command{
		Path: "/bin/sh", Args: []string{"-c", "echo said; exit 3"}, Environment: []string{}, Stdout: &output, Grace: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	if code, err := group.Wait(); err != nil || code != 3 || output.String() != "said\n" {
		t.Errorf("exit code %d, %v, output %q, want 3 and what it said", code, err, output.String())
	}
}
