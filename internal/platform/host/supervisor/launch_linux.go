package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// launchTimeout bounds the start of a supervisor, from the fork to its report.
const launchTimeout = 15 * time.Second

// The stages of a supervisor, the first of its arguments: launch starts run and ends, run starts log.
const (
	stageLaunch = "launch"
	stageRun    = "run"
	stageLog    = "log"
)

// Program is what is executed as the supervisor.
type Program struct {
	Path string
	// Arguments make it call Main with those that follow.
	Arguments []string
	// Environment, all of it.
	Environment []string
}

// report is what a supervisor says once, when its instance was started for the first time, or could not be.
type report struct {
	Error string `json:"error,omitempty"`
}

// Launch starts a supervisor for the instance in d, and returns when it has started the instance, or says why it could
// not. It outlives the caller. lock is the instance's: the supervisor keeps it, the caller closes its own.
func Launch(ctx context.Context, program Program, d Directory, lock *os.File, spec Spec) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := launch(program, d, lock, spec); err != nil {
		return fmt.Errorf("start %s in %s: %w", spec.Release, d, err)
	}
	return nil
}

// launch does not stop at the end of a context: it is short, and half of it would leave a supervisor that nobody knows of.
func launch(program Program, d Directory, lock *os.File, spec Spec) error {
	deadline := time.Now().Add(launchTimeout)
	encoded, err := json.Marshal(spec)
	if err != nil {
		return fmt.Errorf("encode what to run: %w", err)
	}
	specReader, specWriter, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = specWriter.Close() }()
	reportReader, reportWriter, err := os.Pipe()
	if err != nil {
		return errors.Join(err, specReader.Close())
	}
	defer func() { _ = reportReader.Close() }()
	first, err := startLauncher(program, d, deadline, specReader, lock, reportWriter)
	// The other ends are the supervisor's alone: if it dies, both pipes say so.
	_, _ = specReader.Close(), reportWriter.Close()
	if err != nil {
		return err
	}
	writeErr := errors.Join(specWriter.SetWriteDeadline(deadline), reportReader.SetReadDeadline(deadline))
	if writeErr == nil {
		_, writeErr = specWriter.Write(encoded)
		writeErr = errors.Join(writeErr, specWriter.Close())
	}
	answer, readErr := io.ReadAll(reportReader)
	state, waitErr := first.Wait()
	if waitErr != nil {
		return fmt.Errorf("wait for the supervisor's launch: %w", waitErr)
	}
	var said report
	switch err := json.Unmarshal(answer, &said); {
	case err == nil && said.Error == "":
		return nil
	case err == nil:
		return errors.New(said.Error)
	case errors.Is(readErr, os.ErrDeadlineExceeded):
		return fmt.Errorf("the supervisor %s did not report within %s", program.Path, launchTimeout)
	default:
		return fmt.Errorf("the supervisor %s ended without a report (%s): %w", program.Path, state, errors.Join(writeErr, readErr, err))
	}
}

// startLauncher starts the first stage in a session of its own: what ends our process group does not reach it.
func startLauncher(program Program, d Directory, deadline time.Time, stdin, lock, report *os.File) (*os.Process, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = null.Close() }()
	arguments := append([]string{program.Path}, program.Arguments...)
	attributes := &os.ProcAttr{
		Dir: string(d), Env: program.Environment,
		// In the order of the descriptors in main_linux.go.
		Files: []*os.File{stdin, null, null, lock, report},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	}
	return startProcess(program.Path, append(arguments, stageLaunch, string(d)), attributes, deadline)
}

// startProcess starts a process. A program that was written a moment ago may be busy for as long as another thread's
// fork holds its descriptor (golang.org/issue/22315): that passes.
func startProcess(path string, arguments []string, attributes *os.ProcAttr, deadline time.Time) (*os.Process, error) {
	for {
		p, err := os.StartProcess(path, arguments, attributes)
		if !errors.Is(err, syscall.ETXTBSY) || time.Now().After(deadline) {
			return p, err
		}
		time.Sleep(10 * time.Millisecond)
	}
}
