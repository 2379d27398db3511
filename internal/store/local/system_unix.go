//go:build !windows

package local

import (
	"errors"
	"os"
	"syscall"
)

// errNotDirectory: a file is where a path has a directory.
const errNotDirectory = syscall.ENOTDIR

// syncDirectory makes the names in a directory last. Where a file system cannot sync a directory, its names last by
// its own rules.
func syncDirectory(directory string) error {
	file, err := os.Open(directory) // #nosec G304 -- a directory of the store.
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	if err := file.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

// noHardLinks tells whether link failed because the file system has no hard links; link(2) says EPERM then, and
// so does nothing else here, as the temporary file is our own.
func noHardLinks(err error) bool {
	return errors.Is(err, syscall.EPERM) || errors.Is(err, errors.ErrUnsupported)
}
