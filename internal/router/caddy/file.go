package caddy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/fence"
)

// newFileMode lets Caddy read a new file, whatever user it runs as. The share is no secret.
const newFileMode = 0o644

// shareFile is the path of the file that Caddy reads for each request.
type shareFile string

// read returns green's share in whole percent; none without a file.
func (f shareFile) read() (int, error) {
	file, err := os.Open(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the share file: %w", err)
	}
	defer func() { _ = file.Close() }()
	// More than any share has.
	const limit = 1 << 10
	text, err := io.ReadAll(io.LimitReader(file, limit))
	if err != nil {
		return 0, fmt.Errorf("read the share file: %w", err)
	}
	return parseShare(string(text)), nil
}

// write replaces the file, so that Caddy reads the old share or the new one, whole; when it returns, the new one
// outlives a power failure. Mode and owner stay as they were.
//
// A writer that was suspended when it had lost its lease replaces nothing when it wakes up: the newer one has noted its epoch and
// taken the older ones' next files away, so that their last step, the rename, finds nothing to rename.
func (f shareFile) write(ctx context.Context, percent int) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write the share file %s: %w", f, err)
		}
	}()
	// Caddy reads what a link points at: that is replaced, not the link.
	if f, err = f.resolved(); err != nil {
		return err
	}
	directory := filepath.Dir(string(f))
	if err := fence.Raise(ctx, f.hidden("epoch")); err != nil {
		return err
	}
	if err := f.sweep(ctx); err != nil {
		return err
	}
	owner, _ := fence.From(ctx)
	next, err := os.CreateTemp(directory, filepath.Base(f.hidden(fmt.Sprintf("next.%d.*", owner.Epoch))))
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = next.Close()           // closed already, or of no further use
			_ = os.Remove(next.Name()) // what went wrong before matters
		}
	}()
	if _, err = next.WriteString(formatShare(percent)); err != nil {
		return err
	}
	if err = f.keepAccess(next); err != nil {
		return err
	}
	if err = next.Sync(); err != nil {
		return err
	}
	if err = next.Close(); err != nil {
		return err
	}
	if err = fence.Check(ctx, "weights"); err != nil {
		return err
	}
	if err = os.Rename(next.Name(), string(f)); err != nil {
		return err
	}
	return syncDirectory(directory)
}

// resolved is the file itself, which need not be there, where the path is a symbolic link.
func (f shareFile) resolved() (shareFile, error) {
	const most = 40 // As many as the kernel follows.
	path := string(f)
	for range most {
		target, err := os.Readlink(path)
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.EINVAL):
			return shareFile(path), nil // Nothing there, or no link.
		case err != nil:
			return f, fmt.Errorf("resolve the link: %w", err)
		case filepath.IsAbs(target):
			path = target
		default:
			path = filepath.Join(filepath.Dir(path), target)
		}
	}
	return f, errors.New("resolve the link: it leads in a circle")
}

// hidden is the path of a file of ours beside the share file.
func (f shareFile) hidden(what string) string {
	return filepath.Join(filepath.Dir(string(f)), "."+filepath.Base(string(f))+"."+what)
}

// sweep takes away what other writers, killed or suspended, were about to put in the file's place. This one has the lease.
func (f shareFile) sweep(ctx context.Context) error {
	if _, found := fence.From(ctx); !found {
		return nil
	}
	entries, err := os.ReadDir(filepath.Dir(string(f)))
	if err != nil {
		return err
	}
	prefix := filepath.Base(f.hidden("next."))
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), prefix) {
			continue
		}
		if err := os.Remove(filepath.Join(filepath.Dir(string(f)), e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// keepAccess gives next the mode and the owner of the present file, so that Caddy's user can read it as before.
func (f shareFile) keepAccess(next *os.File) error {
	present, err := os.Stat(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return next.Chmod(newFileMode)
	}
	if err != nil {
		return err
	}
	if err := keepOwner(next, present); err != nil {
		return err
	}
	// After the owner: a change of owner may take bits away.
	return next.Chmod(present.Mode().Perm())
}
