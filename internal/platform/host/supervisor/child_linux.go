package supervisor

import (
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host/process"
)

// child is the instance's first process.
type child struct {
	process  *os.Process
	identity process.Identity
	// exited is closed when it has ended; it was not waited for then.
	exited chan struct{}
}

func startChild(spec Spec, output *os.File) (*child, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer func() { _ = null.Close() }()
	p, err := startProcess(spec.Program, spec.Command, &os.ProcAttr{
		Dir: spec.Directory, Env: spec.Environment,
		Files: []*os.File{null, output, output},
		Sys:   &syscall.SysProcAttr{Setpgid: true},
	}, time.Now().Add(time.Second))
	if err != nil {
		return nil, err
	}
	// It is there at least as a zombie.
	identity, err := process.Of(p.Pid)
	if err != nil {
		return nil, errors.Join(err, p.Kill())
	}
	c := &child{process: p, identity: identity, exited: make(chan struct{})}
	go func() {
		defer close(c.exited)
		awaitExit(p.Pid)
	}()
	return c, nil
}

// wait waits for it for good, and says how it ended.
func (c *child) wait() string {
	state, err := c.process.Wait()
	if err != nil {
		return err.Error()
	}
	return state.String()
}

// awaitExit returns when the child has ended, and leaves it to be waited for.
func awaitExit(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}
