package component

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/freeport"
)

// Process is a server of a test. It ends with the process of the test, if not before.
type Process struct {
	name    string
	command *exec.Cmd
	ended   chan struct{}
}

// Run starts a server, in a process group of its own, so that what a terminal sends to the test does not reach it.
func Run(command *exec.Cmd) (*Process, error) {
	p := &Process{name: filepath.Base(command.Path), command: command, ended: make(chan struct{})}
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	endWithParent(command.SysProcAttr)
	started := make(chan error)
	go func() {
		// The kernel ends it when the thread that started it does, so this thread must live as long.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := command.Start()
		started <- err
		if err == nil {
			_ = command.Wait() // its output says why it ended
		}
		close(p.ended)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	return p, nil
}

// Ended is closed once the server has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Signal sends a signal to the server.
func (p *Process) Signal(signal os.Signal) error { return p.command.Process.Signal(signal) }

// Kill ends the server and its children at once, and waits until it is gone.
func (p *Process) Kill() error {
	err := syscall.Kill(-p.command.Process.Pid, syscall.SIGKILL) // its group
	<-p.ended
	return err
}

// Stop ends the server by SIGTERM, and waits until it is gone. One that has not ended within that time is killed, which is an error.
func (p *Process) Stop(within time.Duration) error {
	if err := p.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", p.name, err)
	}
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-p.ended:
		return nil
	case <-timer.C:
	}
	return errors.Join(fmt.Errorf("stop %s: it still ran %s after SIGTERM", p.name, within), p.Kill())
}

// FreePorts are n addresses of loopback, host:port, that nothing listens at; no test of this machine is given one of them as long as this process
// lives (see freeport.Find).
func FreePorts(t testing.TB, n int) []string {
	t.Helper()
	const loopback = "127.0.0.1"
	ports, err := freeport.Find(loopback, n)
	if err != nil {
		t.Fatal(err)
	}
	addresses := make([]string, n)
	for i, port := range ports {
		addresses[i] = net.JoinHostPort(loopback, strconv.Itoa(port))
	}
	return addresses
}
