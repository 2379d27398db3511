package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// Create writes a new object: a temporary file beside it, synced, is linked to the name, and the directory synced.
// An error after the link (the directory cannot be synced) leaves the object in place, since others may have read it.
// A context that has ended before the link leaves no object.
func (s *Store) Create(ctx context.Context, key string, data []byte) error {
	path, err := s.path(key)
	if err != nil {
		return fmt.Errorf("create an object of %s: %w", s.root, err)
	}
	if err := s.create(ctx, path, data); err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	return nil
}

func (s *Store) create(ctx context.Context, path string, data []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	// Most of those who come second learn it here, without writing anything.
	if err := vacant(path); err != nil {
		return err
	}
	directory := filepath.Dir(path)
	temporary, err := s.writeTemporary(directory, bytes.NewReader(data))
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		_ = os.Remove(temporary)
		return err
	}
	err = s.link(temporary, path)
	if err != nil && sameFile(temporary, path) {
		err = nil
	}
	// Removed before the directory is synced, so that no power failure brings the temporary name back.
	_ = os.Remove(temporary)
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrExist):
		if err := vacant(path); err != nil {
			return err
		}
		return store.ErrExists // There was one a moment ago.
	case noHardLinks(err):
		return s.unwritable(directory, fmt.Errorf("%w (%w)", ErrNoHardLinks, err))
	default:
		return s.unwritable(directory, err)
	}
	if err := s.syncDirectory(directory); err != nil {
		return s.unwritable(directory, fmt.Errorf("make the object last: %w", err))
	}
	return nil
}

// Put writes or replaces an object: a temporary file beside it, synced, is renamed, and the directory synced.
func (s *Store) Put(ctx context.Context, key string, data []byte) error {
	return s.Upload(ctx, key, bytes.NewReader(data))
}

// Upload is Put from a stream. A temporary file that grows is younger than what a sweep removes.
func (s *Store) Upload(ctx context.Context, key string, r io.Reader) error {
	path, err := s.path(key)
	if err != nil {
		return fmt.Errorf("write an object of %s: %w", s.root, err)
	}
	if err := s.put(ctx, path, untilDone{ctx, r}); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func (s *Store) put(ctx context.Context, path string, data io.Reader) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	directory := filepath.Dir(path)
	temporary, err := s.writeTemporary(directory, data)
	if err != nil {
		return err
	}
	err = ctx.Err()
	if err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		_ = os.Remove(temporary)
		return err
	}
	if err := s.syncDirectory(directory); err != nil {
		return s.unwritable(directory, fmt.Errorf("make the object last: %w", err))
	}
	return nil
}

// untilDone ends with its context.
type untilDone struct {
	ctx  context.Context //nolint:containedctx // it lives as long as one copy
	from io.Reader
}

// Read implements io.Reader.
func (r untilDone) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.from.Read(p)
}

// vacant is nil where nothing has the name, store.ErrExists where an object has it, and an error of its own where a
// directory has it: on a disk, unlike in object storage, a key cannot be the beginning of other keys as well.
func vacant(path string) error {
	info, err := os.Lstat(path)
	switch {
	case err == nil && info.IsDir():
		return errors.New("a directory has this name")
	case err == nil:
		return store.ErrExists
	}
	// What else is wrong will be said by the attempt to write.
	return nil
}

// sameFile tells whether a link was made although its answer was an error: network file systems repeat a request whose answer
// was lost, and then report that the name exists.
func sameFile(a, b string) bool {
	first, err := os.Lstat(a)
	if err != nil {
		return false
	}
	second, err := os.Lstat(b)
	return err == nil && os.SameFile(first, second)
}

// unwritable names the directory and the store that cannot be written.
func (s *Store) unwritable(directory string, err error) error {
	return fmt.Errorf("the store %s cannot be written in %s: %w", s.URL(), directory, err)
}
