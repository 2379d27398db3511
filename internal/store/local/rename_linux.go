package local

import (
	"errors"

	"golang.org/x/sys/unix"
)

// renameNew gives a directory a name that nothing has; fs.ErrExist where something has it, also an empty directory.
func renameNew(old, name string) error {
	err := unix.Renameat2(unix.AT_FDCWD, old, unix.AT_FDCWD, name, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) { // a file system that cannot
		return renameVacant(old, name)
	}
	return err
}
