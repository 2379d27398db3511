//go:build !linux

package acceptance_test

import "testing"

func smallDisk(t *testing.T, _ string) {
	t.Helper()
	t.Skip("a small disk is mounted on Linux alone")
}
