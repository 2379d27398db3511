package component

import "syscall"

// endWithParent has the kernel end the server when the thread that started it is gone.
func endWithParent(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = syscall.SIGKILL }
