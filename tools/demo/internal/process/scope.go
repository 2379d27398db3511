package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Scope is a directory that holds the programs of one run, and all that the run works on.
type Scope struct {
	// Directory, absolute, without symbolic links.
	Directory string
	self      Process
}

// NewScope takes the directory of a run of this process.
func NewScope(directory string) (Scope, error) {
	resolved, err := filepath.EvalSymlinks(directory)
	if err != nil {
		return Scope{}, fmt.Errorf("resolve the demo's directory: %w", err)
	}
	self, err := Read(os.Getpid())
	if err != nil {
		return Scope{}, err
	}
	return Scope{Directory: resolved, self: self}, nil
}

// Programs are the processes whose executable lies in the directory: ours without doubt, from whichever run.
func (s Scope) Programs() ([]Process, error) {
	all, err := List()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(p Process) bool {
		return p.PID == s.self.PID || p.Zombie || !s.holds(p.Executable)
	}), nil
}

// Running are all processes of this run: the programs, and whatever else works in the directory or names it in its
// arguments and began after us. What a person opened there on another terminal is not ours.
func (s Scope) Running() ([]Process, error) {
	all, err := List()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(p Process) bool { return !s.ours(p) }), nil
}

func (s Scope) ours(p Process) bool {
	if p.PID == s.self.PID || p.Zombie {
		return false
	}
	if s.holds(p.Executable) {
		return true
	}
	if p.Started < s.self.Started || (p.Terminal != 0 && p.Session != s.self.Session) {
		return false
	}
	return s.holds(p.Directory) || slices.ContainsFunc(p.Arguments, s.named)
}

func (s Scope) holds(path string) bool {
	return path == s.Directory || strings.HasPrefix(path, s.Directory+string(filepath.Separator))
}

// named tells whether an argument has the directory in it: "-store=file:///…/build/demo/store".
func (s Scope) named(argument string) bool {
	_, after, found := strings.Cut(argument, s.Directory)
	return found && (after == "" || after[0] == filepath.Separator)
}

// End ends the processes, with SIGTERM first and SIGKILL after grace, and waits until they are gone.
func End(processes []Process, grace time.Duration) error {
	var errs []error
	left := processes
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		for _, p := range left {
			if err := p.Signal(signal); err != nil {
				errs = append(errs, err)
			}
		}
		if left = waitGone(left, grace); len(left) == 0 {
			return nil
		}
	}
	for _, p := range left {
		errs = append(errs, fmt.Errorf("process %s does not end", p))
	}
	return errors.Join(errs...)
}

// Signal sends a signal to the process if it is still the one that was read.
func (p Process) Signal(signal syscall.Signal) error {
	if !p.same() {
		return nil
	}
	if err := syscall.Kill(p.PID, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("send %s to process %s: %w", signal, p, err)
	}
	return nil
}
