//go:build !crash

// Package crashpoint names the moments at which the crash matrix kills a run. In a released binary it does nothing; built
// with the tag crash it does what the environment says.
package crashpoint

// Reach says that the process is at a point where it may be killed.
func Reach(string) {}

// InTurn tells whether what is done on several machines side by side is to be done one after the other, in an order that is the same each
// time, so that there are points between them.
func InTurn() bool { return false }
