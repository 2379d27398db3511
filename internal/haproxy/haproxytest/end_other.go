//go:build !linux

package haproxytest

import "syscall"

// endWithParent: other systems cannot do it; the test's own cleanup ends HAProxy.
func endWithParent(*syscall.SysProcAttr) {}
