//go:build !linux

package artifact

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// syncTree makes everything below dir outlive a power failure.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
}
