package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/artifact"
)

// copyFile copies a file: to is there whole and with the digest want, or not at all.
func copyFile(ctx context.Context, from, to string, mode fs.FileMode, want string) error {
	temporary := filepath.Join(filepath.Dir(to), "."+filepath.Base(to)+".copying")
	err := copyInto(from, temporary, mode)
	if err == nil {
		err = artifact.Verify(ctx, temporary, want)
	}
	if err == nil {
		err = os.Rename(temporary, to)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("copy %s to %s: %w", from, to, err), os.RemoveAll(temporary))
	}
	return nil
}

func copyInto(from, to string, mode fs.FileMode) error {
	source, err := os.Open(from) //nolint:gosec // the artifact that the user names, or our own program
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode) //nolint:gosec // a file of ours
	if err != nil {
		return err
	}
	_, err = io.Copy(f, source)
	return errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
}

// supervisorProgram sees to it that the supervisor's program lies beside the releases, and returns its path. What runs
// goes on when the provider is updated or taken away.
func (h *Host) supervisorProgram(ctx context.Context, l layout) (string, error) {
	program, digest, err := h.supervisor(ctx)
	if err != nil {
		return "", err
	}
	name := supervisorName(digest)
	path := l.path("bin", name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := copyFile(ctx, program, path, 0o755, digest); err != nil {
		return "", err
	}
	return path, removeOlder(l.path("bin"), name)
}

// supervisor is the program that is to supervise, where it is now, and its digest.
func (h *Host) supervisor(ctx context.Context) (program, digest string, err error) {
	if program = h.options.Supervisor; program == "" {
		if program, err = os.Executable(); err != nil {
			return "", "", fmt.Errorf("find the supervisor's program: %w", err)
		}
	}
	if digest, err = programDigests.of(ctx, program); err != nil {
		return "", "", fmt.Errorf("read the supervisor's program: %w", err)
	}
	return program, digest, nil
}

func supervisorName(digest string) string {
	return "supervisor-" + strings.TrimPrefix(digest, "sha256:")[:16]
}

// supervisorMissing is how many bytes of the supervisor's program have yet to be copied.
func (h *Host) supervisorMissing(ctx context.Context, l layout) (int64, error) {
	program, digest, err := h.supervisor(ctx)
	if err != nil {
		return 0, err
	}
	if _, err := os.Stat(l.path("bin", supervisorName(digest))); err == nil {
		return 0, nil
	}
	info, err := os.Stat(program)
	if err != nil {
		return 0, fmt.Errorf("look at the supervisor's program: %w", err)
	}
	return info.Size(), nil
}

// removeOlder takes away the programs of earlier versions. What runs from them keeps them until it ends.
func removeOlder(dir, current string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("look for earlier supervisors: %w", err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "supervisor-") && e.Name() != current {
			err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	return err
}

// digests of large files that do not change while we run.
type digests struct {
	mu    sync.Mutex
	known map[digestKey]string
}

type digestKey struct {
	path     string
	size     int64
	modified time.Time
}

var programDigests = digests{known: map[digestKey]string{}}

func (d *digests) of(ctx context.Context, path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	key := digestKey{path: path, size: info.Size(), modified: info.ModTime()}
	d.mu.Lock()
	defer d.mu.Unlock()
	if digest, found := d.known[key]; found {
		return digest, nil
	}
	digest, err := artifact.Digest(ctx, path)
	if err == nil {
		d.known[key] = digest
	}
	return digest, err
}
