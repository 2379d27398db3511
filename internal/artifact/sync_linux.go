package artifact

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// syncTree makes everything below dir outlive a power failure: one call, however many files there are.
func syncTree(dir string) (err error) {
	d, err := os.Open(dir) //nolint:gosec // a directory of ours
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := unix.Syncfs(int(d.Fd())); err != nil { //nolint:gosec // a descriptor is small
		return fmt.Errorf("sync the file system of %s: %w", dir, err)
	}
	return nil
}
