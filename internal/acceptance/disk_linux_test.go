package acceptance_test

import (
	"syscall"
	"testing"
)

// smallDisk mounts one of 4 MiB on a directory.
func smallDisk(t *testing.T, directory string) {
	t.Helper()
	if err := syscall.Mount("tmpfs", directory, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("no small disk can be mounted here: %v; run as root", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(directory, syscall.MNT_DETACH) })
}
