package local

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Shared tells whether a directory is a group's to work in: the group may write, and what is made in it is the group's (setgid).
func Shared(info fs.FileInfo) bool {
	return info.IsDir() && info.Mode()&fs.ModeSetgid != 0 && info.Mode().Perm()&0o020 != 0
}

// shared tells whether the store is a group's.
func (s *Store) shared() bool {
	info, err := os.Stat(s.root)
	return err == nil && Shared(info)
}

// makeAll makes the directory and those above it that are not there, for the store's owner alone, or for its group as well.
func (s *Store) makeAll(directory string) error {
	if !s.shared() {
		return os.MkdirAll(directory, 0o700)
	}
	if _, err := os.Stat(directory); err == nil {
		return nil
	}
	parent := filepath.Dir(directory)
	if err := s.makeAll(parent); err != nil {
		return err
	}
	// It gets its name with its rights, whatever the umask: another user may want to write at once, and a killed process leaves none
	// that is closed to the group. The group comes from the parent's setgid bit.
	made, err := os.MkdirTemp(parent, temporaryPrefix+"*")
	if err != nil {
		return err
	}
	err = os.Chmod(made, 0o770|fs.ModeSetgid)
	if err == nil {
		err = renameNew(made, directory)
	}
	if err != nil {
		_ = os.Remove(made)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil // Another process was faster.
	}
	return err
}

// renameVacant is renameNew where the system has none: what comes between the look and the rename is replaced if it is empty.
func renameVacant(old, name string) error {
	if _, err := os.Lstat(name); err == nil {
		return fs.ErrExist
	}
	return os.Rename(old, name)
}
