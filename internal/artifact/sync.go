package artifact

import (
	"errors"
	"fmt"
	"os"
)

// syncDirectory makes the names in a directory outlive a power failure.
func syncDirectory(dir string) (err error) {
	d, err := os.Open(dir) //nolint:gosec // a directory of ours
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return nil
}
