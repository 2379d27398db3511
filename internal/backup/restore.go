package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/fence"
)

// errInPlace says that path cannot be swapped with what was unpacked beside it.
var errInPlace = errors.New("cannot be swapped")

// Restore implements delivery.Backup. The path gets exactly the saved content; files that were created since are removed.
// The archive is unpacked beside the path and swapped with it. Where that cannot be (the path is a mount point, or the
// directory above is not ours to write), its content is replaced in place. Killed at any instant and asked again, it comes
// to the same end.
func (f files) Restore(ctx context.Context, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("find the backup's directory: %w", err)
	}
	// Before anything is touched: a damaged archive must not take the place of what is there.
	if err := f.apart(dir); err != nil {
		return err
	}
	if err := f.readable(ctx, dir); err != nil {
		return err
	}
	archive := filepath.Join(dir, archiveName)
	err = f.swap(ctx, archive)
	if errors.Is(err, errInPlace) {
		err = f.replaceContent(ctx, archive)
	}
	if err != nil {
		return fmt.Errorf("restore %s: %w", f.path, err)
	}
	return nil
}

func (f files) beside(suffix string) string {
	return filepath.Join(filepath.Dir(f.path), "."+filepath.Base(f.path)+suffix)
}

// swap unpacks beside the path and exchanges the two. errInPlace: it cannot be done like that here.
func (f files) swap(ctx context.Context, archive string) error {
	parent := filepath.Dir(f.path)
	if err := os.MkdirAll(parent, 0o755); err != nil { //nolint:gosec // what was above it before was for all to pass
		return fmt.Errorf("make the directory above: %w", err)
	}
	mounted, err := mountPoint(f.path)
	if err != nil {
		return err
	}
	if mounted {
		// Its content may be too much for the file system above.
		return errInPlace
	}
	staging, replaced := f.beside(stagingSuffix), f.beside(replacedSuffix)
	for _, leftover := range []string{staging, replaced} {
		if err := os.RemoveAll(leftover); err != nil {
			return inPlaceOn(fmt.Errorf("remove what an earlier restore left: %w", err))
		}
	}
	if err := os.Mkdir(staging, 0o700); err != nil {
		return inPlaceOn(fmt.Errorf("make a directory to unpack in: %w", err))
	}
	unpacked := filepath.Join(staging, "content")
	if err := unpack(ctx, archive, filepath.Base(f.path), unpacked); err != nil {
		return errors.Join(err, os.RemoveAll(staging))
	}
	// Between the unpacking, which takes its time, and this another run may have restored, and users have written.
	if err := fence.Check(ctx, "data"); err != nil {
		return errors.Join(err, os.RemoveAll(staging))
	}
	if err := f.exchange(unpacked, replaced); err != nil {
		return errors.Join(inPlaceOn(err), os.RemoveAll(staging))
	}
	if err := flush(parent); err != nil {
		return err
	}
	// What was there before is now in one of the two.
	return errors.Join(os.RemoveAll(replaced), os.RemoveAll(staging))
}

// exchange puts unpacked where the path is: at once where the system can, else by way of replaced.
func (f files) exchange(unpacked, replaced string) error {
	if _, err := os.Lstat(f.path); errors.Is(err, fs.ErrNotExist) {
		if err := os.Rename(unpacked, f.path); err != nil {
			return fmt.Errorf("put it in its place: %w", err)
		}
		return nil
	}
	err := exchange(unpacked, f.path)
	if !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	if err := os.Rename(f.path, replaced); err != nil {
		return fmt.Errorf("put what is there aside: %w", err)
	}
	if err := os.Rename(unpacked, f.path); err != nil {
		return errors.Join(fmt.Errorf("put it in its place: %w", err), os.Rename(replaced, f.path))
	}
	return nil
}

// inPlaceOn turns the errors that mean "not here" into errInPlace.
func inPlaceOn(err error) error {
	for _, not := range []error{syscall.EBUSY, syscall.EXDEV, syscall.EROFS, fs.ErrPermission} {
		if errors.Is(err, not) {
			return fmt.Errorf("%w: %w", errInPlace, err)
		}
	}
	return err
}

// mountPoint tells whether another file system begins at path. (A bind mount of the same one shows only when it is
// renamed: EBUSY.)
func mountPoint(path string) (bool, error) {
	here, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at %s: %w", path, err)
	}
	above, err := os.Lstat(filepath.Dir(path))
	if err != nil {
		return false, fmt.Errorf("look at the directory above: %w", err)
	}
	a, okA := here.Sys().(*syscall.Stat_t)
	b, okB := above.Sys().(*syscall.Stat_t)
	return okA && okB && here.Mode()&fs.ModeSymlink == 0 && above.Mode()&fs.ModeSymlink == 0 && a.Dev != b.Dev, nil
}

// replaceContent replaces what is below the path, which itself stays: a directory's entries, or a file's bytes.
func (f files) replaceContent(ctx context.Context, archive string) error {
	info, err := os.Lstat(f.path)
	if err != nil {
		return fmt.Errorf("look at it: %w", err)
	}
	if !info.IsDir() {
		if err := fence.Check(ctx, "data"); err != nil {
			return err
		}
		return overwrite(ctx, archive, filepath.Base(f.path), f.path)
	}
	name := "." + filepath.Base(f.path) + stagingSuffix
	staging := filepath.Join(f.path, name)
	if err := os.RemoveAll(staging); err != nil {
		return fmt.Errorf("remove what an earlier restore left: %w", err)
	}
	if err := os.Mkdir(staging, 0o700); err != nil {
		return fmt.Errorf("make a directory to unpack in: %w", err)
	}
	unpacked := filepath.Join(staging, "content")
	// All of it is there before anything of the old content goes.
	if err := unpack(ctx, archive, filepath.Base(f.path), unpacked); err != nil {
		return errors.Join(err, os.RemoveAll(staging))
	}
	if restored, err := os.Lstat(unpacked); err != nil || !restored.IsDir() {
		return errors.Join(errors.New("a file was saved, and a directory is there that cannot be replaced"), err, os.RemoveAll(staging))
	}
	if err := fence.Check(ctx, "data"); err != nil {
		return errors.Join(err, os.RemoveAll(staging))
	}
	old, err := os.ReadDir(f.path)
	if err != nil {
		return fmt.Errorf("read what is there: %w", err)
	}
	for _, e := range old {
		if e.Name() == name {
			continue
		}
		if err := os.RemoveAll(filepath.Join(f.path, e.Name())); err != nil {
			return fmt.Errorf("remove what is there: %w", err)
		}
	}
	restored, err := os.ReadDir(unpacked)
	if err != nil {
		return fmt.Errorf("read what was unpacked: %w", err)
	}
	for _, e := range restored {
		if err := os.Rename(filepath.Join(unpacked, e.Name()), filepath.Join(f.path, e.Name())); err != nil {
			return fmt.Errorf("put it in its place: %w", err)
		}
	}
	if err := os.RemoveAll(staging); err != nil {
		return fmt.Errorf("remove what it was unpacked in: %w", err)
	}
	// Last of all, since everything above changes its time.
	return topAttributes(ctx, archive, filepath.Base(f.path), f.path)
}
