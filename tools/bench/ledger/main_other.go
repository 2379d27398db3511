//go:build !linux

package main

import (
	"fmt"
	"os"
)

// The measured plan has instances on this machine, which platform host runs on Linux alone.
func main() {
	fmt.Fprintln(os.Stderr, "bench-ledger measures services of platform host: run it on Linux")
	os.Exit(1)
}
