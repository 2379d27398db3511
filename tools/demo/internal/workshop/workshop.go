// Package workshop prepares what the demo and the benchmarks beside it need: a clean directory, and the programs built from this
// repository.
package workshop

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/process"
)

// Workshop is the directory of a run below build of the repository, such as build/demo.
type Workshop struct {
	// Root of the repository and Directory of the run, absolute.
	Root, Directory string
	// Scope tells which processes are of this directory.
	Scope process.Scope

	lock *os.File
}

// Open takes the directory build/name for this run alone, ends what an earlier run may have left behind, and empties it, apart from
// the built programs. say tells a person what happens.
func Open(root, name string, say func(format string, values ...any)) (*Workshop, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("find the repository: %w", err)
	}
	if root, err = filepath.EvalSymlinks(root); err != nil {
		return nil, fmt.Errorf("find the repository: %w", err)
	}
	w := &Workshop{Root: root, Directory: filepath.Join(root, "build", name)}
	if err := os.MkdirAll(w.Bin(), 0o750); err != nil {
		return nil, fmt.Errorf("make the directory of this run: %w", err)
	}
	if err := w.acquire(); err != nil {
		return nil, err
	}
	if err := w.clear(say); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

func (w *Workshop) acquire() error {
	var err error
	if w.lock, err = os.OpenFile(filepath.Join(w.Directory, "lock"), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return fmt.Errorf("open the lock of this run: %w", err)
	}
	// Nothing that we start inherits it: the os package opens files close-on-exec.
	if err := syscall.Flock(int(w.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return errors.Join(fmt.Errorf("another run is at work in %s: %w", w.Directory, err), w.lock.Close())
	}
	return nil
}

func (w *Workshop) clear(say func(string, ...any)) error {
	var err error
	if w.Scope, err = process.NewScope(w.Directory); err != nil {
		return err
	}
	// We have the lock, so whatever program of ours still runs is of a run that was killed.
	left, err := w.Scope.Programs()
	if err != nil {
		return err
	}
	for _, p := range left {
		say("ending what an earlier run left behind: %s", p)
	}
	if err := process.End(left, 3*time.Second); err != nil {
		return err
	}
	entries, err := os.ReadDir(w.Directory)
	if err != nil {
		return fmt.Errorf("empty the directory of this run: %w", err)
	}
	for _, e := range entries {
		if e.Name() == "bin" || e.Name() == "lock" {
			continue
		}
		if err := os.RemoveAll(filepath.Join(w.Directory, e.Name())); err != nil {
			return fmt.Errorf("empty the directory of this run: %w", err)
		}
	}
	return nil
}

// Close gives the directory back.
func (w *Workshop) Close() error {
	if err := w.lock.Close(); err != nil {
		return fmt.Errorf("give up the lock of this run: %w", err)
	}
	return nil
}

// Bin is where the built programs are.
func (w *Workshop) Bin() string { return filepath.Join(w.Directory, "bin") }

// Make makes a directory of the run and returns its path.
func (w *Workshop) Make(name string) (string, error) {
	path := filepath.Join(w.Directory, name)
	if err := os.MkdirAll(path, 0o750); err != nil {
		return "", fmt.Errorf("make the directory of this run: %w", err)
	}
	return path, nil
}

// Build compiles a package of the module in directory (relative to the root) and returns the executable's path. settings are of the
// environment, such as "CGO_ENABLED=0".
func (w *Workshop) Build(ctx context.Context, name, directory, pkg string, settings ...string) (string, error) {
	binary := filepath.Join(w.Bin(), name)
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, pkg) //nolint:gosec // the repository's own packages
	cmd.Dir, cmd.Env = filepath.Join(w.Root, directory), append(os.Environ(), settings...)
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", name, err, strings.TrimSpace(string(output)))
	}
	return binary, nil
}

// CopyConfiguration copies the *.tf of an example, such as "demo" for examples/demo, into a directory of the run.
func (w *Workshop) CopyConfiguration(example, to string) error {
	files, err := filepath.Glob(filepath.Join(w.Root, "examples", example, "*.tf"))
	if err == nil && len(files) == 0 {
		err = fs.ErrNotExist
	}
	if err != nil {
		return fmt.Errorf("find examples/%s/*.tf: %w", example, err)
	}
	for _, from := range files {
		text, err := os.ReadFile(from) //nolint:gosec // the repository's own
		if err == nil {
			err = os.WriteFile(filepath.Join(to, filepath.Base(from)), text, 0o600)
		}
		if err != nil {
			return fmt.Errorf("copy %s: %w", filepath.Base(from), err)
		}
	}
	return nil
}
