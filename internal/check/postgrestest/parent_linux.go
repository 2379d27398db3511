package postgrestest

import "syscall"

// endWithParent has the kernel shut the server down when the thread that started it is gone.
func endWithParent(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = syscall.SIGQUIT }
