package program

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Descriptors that a watcher gets beside the program's output, which are its stdout and stderr.
const (
	descriptorOrders = 3
	descriptorReport = 4
)

// Watcher is to be called first by main: a binary that does runs its programs below a watcher, which is that binary again,
// with WatchArgument. The watcher ends the program and what that has started when the process that wanted it closes a pipe,
// which also happens when it is killed. asked tells that this process was a watcher, and is to exit with code.
func Watcher(arguments []string) (code int, asked bool) {
	watched = true
	if len(arguments) != 1 || arguments[0] != WatchArgument {
		return 0, false
	}
	syscall.CloseOnExec(descriptorOrders)
	syscall.CloseOnExec(descriptorReport)
	if err := watch(os.NewFile(descriptorOrders, "orders"), os.NewFile(descriptorReport, "report")); err != nil {
		fmt.Fprintln(os.Stderr, "watcher of a program:", err)
		return 1, true
	}
	return 0, true
}

// watch runs what it is told to, and ends it when there is nobody any more who could say so.
func watch(orders, answer *os.File) error {
	var o order
	if err := json.NewDecoder(orders).Decode(&o); err != nil {
		return fmt.Errorf("read what to run; this is started by the provider itself: %w", err)
	}
	say := json.NewEncoder(answer)
	// Should we be killed ourselves, the program's first process goes with the thread that started it.
	runtime.LockOSThread()
	cmd := exec.Command(o.Argv[0], o.Argv[1:]...) //nolint:gosec,noctx // running what the configuration names is what it is for; the pipe ends it
	cmd.Dir, cmd.Env = o.Directory, o.Environment
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return say.Encode(report{Error: err.Error()})
	}
	// The output is the program's alone: when it ends, the pipe does.
	_, _ = os.Stdout.Close(), os.Stderr.Close()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // How it ended is in its state.
		// Where nobody reads it, nobody wants to know.
		_ = say.Encode(report{Code: cmd.ProcessState.ExitCode(), Status: cmd.ProcessState.String()})
	}()
	over := make(chan struct{})
	go func() {
		defer close(over)
		_, _ = io.Copy(io.Discard, orders)
	}()
	// It is later than the limit of who wants the program, who is stopped or hangs where this one is reached.
	limit := time.After(time.Duration(o.Limit) + KillGrace)
	select {
	case <-ended:
		// What it left in its group may go on until its output has been read.
		select {
		case <-over:
		case <-limit:
		}
		// A number is not given out again while a group has it; and where the group is gone, this fails.
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		return nil
	case <-over:
	case <-limit:
	}
	endSession(cmd.Process.Pid, ended)
	return nil
}

// endSession sends SIGTERM to all of our session, and SIGKILL to those that are left when the grace is over. The session
// was made for the program; who left it on purpose, as a service does, is let go.
func endSession(group int, ended <-chan struct{}) {
	_ = syscall.Kill(-group, syscall.SIGTERM)
	signalSession(syscall.SIGTERM, group)
	select {
	case <-ended:
	case <-time.After(KillGrace):
	}
	// Again, since one may start another in the meantime.
	for deadline := time.Now().Add(KillGrace); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		_ = syscall.Kill(-group, syscall.SIGKILL)
		if signalSession(syscall.SIGKILL, 0) == 0 {
			break
		}
	}
	select {
	case <-ended:
	case <-time.After(KillGrace):
	}
}

// signalSession sends a signal to the living processes of our session without ourselves and those of the group except,
// and tells to how many.
func signalSession(signal syscall.Signal, except int) (sent int) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	own := os.Getpid()
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == own {
			continue
		}
		if group, err := unix.Getpgid(pid); err == nil && group != except && signalIn(own, pid, signal) {
			sent++
		}
	}
	return sent
}

// signalIn sends a signal to a living process if it is in the session. The descriptor is taken first and holds on to one
// process: its number may be given to another one at any time.
func signalIn(session, pid int, signal syscall.Signal) bool {
	descriptor, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return false
	}
	defer func() { _ = unix.Close(descriptor) }()
	if its, err := unix.Getsid(pid); err != nil || its != session {
		return false
	}
	gone := []unix.PollFd{{Fd: int32(descriptor), Events: unix.POLLIN}} //nolint:gosec // a descriptor is small
	if n, err := unix.Poll(gone, 0); n > 0 && err == nil {
		return false // A zombie.
	}
	err = unix.PidfdSendSignal(descriptor, signal, nil, 0)
	return err == nil || errors.Is(err, unix.EPERM)
}
