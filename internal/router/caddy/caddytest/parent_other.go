//go:build !linux

package caddytest

import "syscall"

// endWithParent: other systems cannot do it; the test's own cleanup ends Caddy.
func endWithParent(*syscall.SysProcAttr) {}
