package caddytest

import "syscall"

// endWithParent has the kernel end Caddy when the test that started it is gone.
func endWithParent(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = syscall.SIGKILL }
