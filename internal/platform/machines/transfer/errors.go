package transfer

import (
	"errors"
	"fmt"
)

var errNotYet = errors.New("not yet")

// FullError says that a machine has no room for a release. What was sent for it is removed.
type FullError struct {
	Machine   string
	Directory string
	// Needed and Free are bytes; Needed 0: it is not known how many.
	Needed, Free int64
}

// Error implements error.
func (e *FullError) Error() string {
	needed := "more than that"
	if e.Needed > 0 {
		needed = mebibytes(e.Needed)
	}
	return fmt.Sprintf("the disk of %s is full: %s has %s free and the release needs %s; make room, or keep fewer releases",
		e.Machine, e.Directory, mebibytes(e.Free), needed)
}

func mebibytes(n int64) string { return fmt.Sprintf("%d MiB", (n+1<<20-1)>>20) }

// ArchitectureError says that a program does not run on a machine.
type ArchitectureError struct {
	Machine string
	Program string
	// Want is the machine's architecture, Got the program's, as uname -m has them ("x86_64", "aarch64").
	Want, Got string
}

// Error implements error.
func (e *ArchitectureError) Error() string {
	return fmt.Sprintf("the program %s is for %s, and %s is %s: build it for linux/%s", e.Program, e.Got, e.Machine, e.Want, goName(e.Want))
}

func goName(machine string) string { return machine }
