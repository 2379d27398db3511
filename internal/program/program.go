// Package program runs programs that users name: without a shell, with little of our own environment, for a bounded time.
package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// KillGrace is how long a process group may take to end after SIGTERM, before SIGKILL.
const KillGrace = 2 * time.Second

// inherited are the variables of our own environment that programs get. Nothing else: it may hold secrets.
var inherited = []string{"PATH", "HOME", "LANG", "TMPDIR"}

// Program is one to run.
type Program struct {
	Argv []string
	// Directory to run in; empty: ours.
	Directory string
	// Environment beside what is inherited, as NAME=value.
	Environment []string
	Timeout     time.Duration
}

// Ended is what came of a program.
type Ended struct {
	// Code is the exit code, -1 where a signal ended it, and Status the same in words.
	Code   int
	Status string
	// Output is the end of what it wrote to stdout and stderr; scrub.CutMark stands where something was cut.
	Output string
}

// Run runs the program in a process group of its own, so that Ctrl-C does not reach it, and ends the whole group with it:
// at its end, at the time limit and at the end of ctx; below a watcher (see Watcher) also when we are killed. The error
// says why there is no exit code to judge by.
func (p Program) Run(ctx context.Context) (Ended, error) {
	timed, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	output := &tail{}
	run := p.direct
	if watched {
		run = p.below
	}
	e, err := run(timed, append(passedOn(), p.Environment...), output)
	e.Output = output.String()
	switch {
	case ctx.Err() != nil:
		return e, fmt.Errorf("interrupted: %w", ctx.Err())
	case timed.Err() != nil:
		return e, fmt.Errorf("it took longer than %s and was ended", p.Timeout)
	}
	return e, err
}

// passedOn is what programs get of our own environment.
func passedOn() []string {
	var environment []string
	for _, name := range inherited {
		if value, set := os.LookupEnv(name); set {
			environment = append(environment, name+"="+value)
		}
	}
	return environment
}

// direct runs it as a child of ours.
func (p Program) direct(ctx context.Context, environment []string, output io.Writer) (Ended, error) {
	cmd := exec.CommandContext(ctx, p.Argv[0], p.Argv[1:]...) //nolint:gosec // running what the configuration names is what it is for
	cmd.Dir, cmd.Env = p.Directory, environment
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM); errors.Is(err, syscall.ESRCH) {
			return os.ErrProcessDone
		} else if err != nil {
			return fmt.Errorf("end the process group: %w", err)
		}
		return nil
	}
	cmd.WaitDelay = KillGrace
	if err := cmd.Start(); err != nil {
		return Ended{}, fmt.Errorf("start %s: %w", p.Argv[0], err)
	}
	err := cmd.Wait()
	// Whatever it left running ends here. A number is not given out again while a group has it; and where the group is
	// gone, this fails.
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	e := Ended{Code: cmd.ProcessState.ExitCode(), Status: cmd.ProcessState.String()}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		return e, fmt.Errorf("wait for %s: %w", p.Argv[0], err)
	}
	return e, nil
}
