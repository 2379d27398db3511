package local

import (
	"errors"
	"syscall"
)

// errNotDirectory: a file is where a path has a directory.
const errNotDirectory = syscall.ENOTDIR

// syncDirectory does nothing: Windows has no such call, NTFS journals names by itself.
func syncDirectory(string) error { return nil }

// errInvalidFunction is what file systems without hard links answer.
const errInvalidFunction = syscall.Errno(1)

// noHardLinks tells whether link failed because the file system has no hard links.
func noHardLinks(err error) bool {
	return errors.Is(err, errInvalidFunction) || errors.Is(err, errors.ErrUnsupported)
}
