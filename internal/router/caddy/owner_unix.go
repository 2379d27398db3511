//go:build unix

package caddy

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// keepOwner gives next the owner and group of present. Where that is not allowed, it matters only if others cannot
// read the file: Caddy's user may be one of them.
func keepOwner(next *os.File, present fs.FileInfo) error {
	made, err := next.Stat()
	if err != nil {
		return err
	}
	want, ok := present.Sys().(*syscall.Stat_t)
	has, ok2 := made.Sys().(*syscall.Stat_t)
	if !ok || !ok2 || want.Uid == has.Uid && want.Gid == has.Gid {
		return nil
	}
	err = next.Chown(int(want.Uid), int(want.Gid))
	const othersRead = 0o004
	if err != nil && present.Mode().Perm()&othersRead == 0 {
		return fmt.Errorf("keep its owner %d:%d, without whom Caddy may not be able to read it: %w", want.Uid, want.Gid, err)
	}
	return nil
}

// syncDirectory makes a rename in directory outlive a power failure.
func syncDirectory(directory string) error {
	d, err := os.Open(directory) //nolint:gosec // the directory of the share file that the user names
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}
