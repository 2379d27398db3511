package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Descriptors that both stages get beside stdin, which is the pipe with the Spec.
const (
	descriptorLock   = 3
	descriptorReport = 4
)

// Main is a supervisor; arguments are those behind what makes the program call it. It returns the exit code.
func Main(arguments []string) int {
	if len(arguments) > 0 && arguments[0] == stageLog {
		if err := logStdin(arguments[1:]); err != nil {
			return complain(err)
		}
		return 0
	}
	if len(arguments) != 2 {
		return complain(errors.New("this is started by the provider itself, to supervise a release"))
	}
	if err := closeInherited(); err != nil {
		return complain(err)
	}
	directory := Directory(arguments[1])
	var err error
	switch answer := os.NewFile(descriptorReport, "report"); arguments[0] {
	case stageLaunch:
		if err = launchRun(directory, len(arguments)); err != nil {
			reportTo(answer, err)
		}
	case stageRun:
		err = run(directory, answer, itself(len(arguments)))
	default:
		err = fmt.Errorf("the stage %q is not known", arguments[0])
	}
	if err != nil {
		return complain(err)
	}
	return 0
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, "supervisor:", err)
	return 1
}

func reportTo(answer *os.File, err error) {
	said := report{}
	if err != nil {
		said.Error = err.Error()
	}
	if data, err := json.Marshal(said); err == nil {
		_, _ = answer.Write(data) // The starter may be gone; the instance runs all the same.
	}
	_ = answer.Close()
}

// closeInherited closes what the starter had open by accident, so that nobody waits for our end of a pipe or a socket,
// and keeps the instance from inheriting what is left. Whatever this process opened itself is closed on exec.
func closeInherited() error {
	for _, own := range []int{descriptorLock, descriptorReport} {
		if _, err := unix.FcntlInt(uintptr(own), unix.F_GETFD, 0); err != nil {
			return fmt.Errorf("descriptor %d is missing: %w", own, err)
		}
		unix.CloseOnExec(own)
	}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return fmt.Errorf("list open files: %w", err)
	}
	for _, e := range entries {
		descriptor, err := strconv.Atoi(e.Name())
		if err != nil || descriptor <= descriptorReport {
			continue
		}
		flags, err := unix.FcntlInt(uintptr(descriptor), unix.F_GETFD, 0) //nolint:gosec // a descriptor is small
		if err == nil && flags&unix.FD_CLOEXEC == 0 {
			_ = unix.Close(descriptor)
		}
	}
	return nil
}

// launchRun starts the second stage in a session of its own. The first one ends then, so that init adopts the second.
func launchRun(d Directory, own int) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the supervisor's program: %w", err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	// What a crash of the supervisor itself would say.
	trouble, err := os.OpenFile(d.path("supervisor.log"), os.O_WRONLY|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the supervisor's log: %w", err)
	}
	_, err = startProcess(self, append(itself(own), stageRun, string(d)), &os.ProcAttr{
		Dir: string(d), Env: os.Environ(),
		Files: []*os.File{os.Stdin, null, trouble, os.NewFile(descriptorLock, "lock"), os.NewFile(descriptorReport, "report")},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	}, time.Now().Add(launchTimeout))
	if err != nil {
		return fmt.Errorf("start the supervisor: %w", err)
	}
	return nil
}

// itself is how this program was started as a supervisor, without its own last arguments.
func itself(own int) []string {
	arguments := os.Args[:len(os.Args)-own]
	return arguments[:len(arguments):len(arguments)]
}

// readSpec takes what to run from stdin. A starter that was killed in the middle leaves an incomplete one, which is refused.
func readSpec() (Spec, error) {
	var spec Spec
	data, err := io.ReadAll(os.Stdin)
	if err == nil {
		err = json.Unmarshal(data, &spec)
	}
	if err != nil {
		return Spec{}, fmt.Errorf("read what to run: %w", err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return Spec{}, err
	}
	defer func() { _ = null.Close() }()
	if err := unix.Dup3(int(null.Fd()), 0, 0); err != nil { //nolint:gosec // a descriptor is small
		return Spec{}, fmt.Errorf("let go of stdin: %w", err)
	}
	return spec, nil
}
