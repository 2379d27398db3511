//go:build !linux

package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// exchange is not to be had here: errors.ErrUnsupported.
func exchange(string, string) error { return errors.ErrUnsupported }

// flushTree has what was unpacked below dir reach the disk.
func flushTree(dir string) error {
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || (!entry.IsDir() && !entry.Type().IsRegular()) {
			return err
		}
		return flush(path)
	})
	if err != nil {
		return fmt.Errorf("flush what was unpacked: %w", err)
	}
	return nil
}
