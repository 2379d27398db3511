//go:build crash

// Package crashpoint names the moments at which the crash matrix kills a run. In a released binary it does nothing; built
// with the tag crash it does what the environment says.
package crashpoint

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// What the environment says: a file that each point is written to, a line each with its number from 1, and the point at which the
// process is killed: its number, or what it is called; then it is the first of that name.
const (
	record = "DEPLOY_CRASH_RECORD"
	at     = "DEPLOY_CRASH_AT"
	on     = "DEPLOY_CRASH_ON"
	// suspend has it suspended there instead.
	suspend = "DEPLOY_CRASH_SUSPEND"
)

var reached atomic.Int64

// InTurn tells whether what is done on several machines side by side is to be done one after the other, in an order that is the same each
// time, so that there are points between them.
func InTurn() bool { return os.Getenv(record) != "" || os.Getenv(at) != "" || os.Getenv(on) != "" }

// Reach says that the process is at a point where it may be killed.
func Reach(what string) {
	number := reached.Add(1)
	if path := os.Getenv(record); path != "" {
		file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			panic(err)
		}
		fmt.Fprintln(file, number, what)
		if err := file.Close(); err != nil {
			panic(err)
		}
	}
	if wanted, err := strconv.ParseInt(os.Getenv(at), 10, 64); err == nil && wanted == number || os.Getenv(on) == what {
		if os.Getenv(suspend) != "" {
			// To this very thread: sent to the process, another one may take it while this goes on for a moment.
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			_ = unix.Tgkill(os.Getpid(), unix.Gettid(), unix.SIGSTOP)
			return
		}
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // the signal is on its way: nothing more is done
	}
}
