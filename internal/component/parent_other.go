//go:build !linux

package component

import "syscall"

// endWithParent: other systems cannot do it; the test's own cleanup ends the server.
func endWithParent(*syscall.SysProcAttr) {}
