package backup

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// exchange swaps two paths of one file system in one step; errors.ErrUnsupported where that cannot be.
func exchange(a, b string) error {
	err := unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS):
		// The file system, or the kernel, does not know it.
		return errors.ErrUnsupported
	}
	return fmt.Errorf("swap %s with %s: %w", a, b, err)
}

// flushTree has what was unpacked below dir reach the disk, all at once: file by file takes hours where there are many.
func flushTree(dir string) error {
	open, err := os.Open(dir) //nolint:gosec // what was just unpacked
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	err = unix.Syncfs(int(open.Fd())) //nolint:gosec // a descriptor
	if err := errors.Join(err, open.Close()); err != nil {
		return fmt.Errorf("flush %s to disk: %w", dir, err)
	}
	return nil
}
