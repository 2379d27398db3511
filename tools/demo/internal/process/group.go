package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"syscall"
	"time"
)

// Group is a program that runs in a process group of its own, as one that was started from a shell does: an interrupt
// of the demo does not reach it, and one that is meant for it reaches its children as well.
type Group struct {
	name   string
	cmd    *exec.Cmd
	ended  chan struct{}
	result error
}

// Command is what to run.
type Command struct {
	Path string
	Args []string
	// Directory to run in, and Environment, all of it.
	Directory   string
	Environment []string
	// Stdout and Stderr may be nil, or the same.
	Stdout, Stderr io.Writer
	// Grace is how long it may take to end when its context has.
	Grace time.Duration
}

// Start starts a program. An end of ctx interrupts it and, after the grace, kills it.
func Start(ctx context.Context, c Command) (*Group, error) {
	// Not CommandContext's kill at the end of ctx, which would leave Terraform's work undone: guard interrupts.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), c.Path, c.Args...) //nolint:gosec // the demo's own programs
	cmd.Dir, cmd.Env = c.Directory, c.Environment
	cmd.Stdout, cmd.Stderr = c.Stdout, c.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// Children that inherited the output and outlive the program do not hold us up.
	cmd.WaitDelay = 2 * time.Second
	g := &Group{name: c.Path, cmd: cmd, ended: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Path, err)
	}
	go func() {
		if err := cmd.Wait(); !errors.Is(err, exec.ErrWaitDelay) {
			g.result = err
		}
		close(g.ended)
	}()
	go g.guard(ctx, c.Grace)
	return g, nil
}

func (g *Group) guard(ctx context.Context, grace time.Duration) {
	select {
	case <-g.ended:
		return
	case <-ctx.Done():
	}
	// Both fail only where the group is gone.
	_ = g.Signal(syscall.SIGINT)
	select {
	case <-g.ended:
	case <-time.After(grace):
		_ = g.Signal(syscall.SIGKILL)
	}
}

// PID of the program.
func (g *Group) PID() int { return g.cmd.Process.Pid }

// Ended is closed when the program has ended.
func (g *Group) Ended() <-chan struct{} { return g.ended }

// Signal sends a signal to the whole group, as a terminal does for Ctrl-C.
func (g *Group) Signal(signal syscall.Signal) error {
	select {
	case <-g.ended:
		return nil
	default:
	}
	if err := syscall.Kill(-g.PID(), signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("send %s to %s: %w", signal, g.name, err)
	}
	return nil
}

// Wait waits for the end and returns the exit code; -1 where a signal ended it. An error says that it could not be
// waited for, not that it failed.
func (g *Group) Wait() (int, error) {
	<-g.ended
	var exit *exec.ExitError
	if g.result != nil && !errors.As(g.result, &exit) {
		return -1, fmt.Errorf("wait for %s: %w", g.name, g.result)
	}
	return g.cmd.ProcessState.ExitCode(), nil
}

// Stop ends the group with SIGTERM, and SIGKILL after grace.
func (g *Group) Stop(grace time.Duration) error {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		if err := g.Signal(signal); err != nil {
			return err
		}
		select {
		case <-g.ended:
			return nil
		case <-time.After(grace):
		}
	}
	return fmt.Errorf("%s does not end", g.name)
}
