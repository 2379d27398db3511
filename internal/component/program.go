package component

import (
	"os"
	"syscall"
	"testing"
)

// WriteProgram writes a file that can be run at once: nothing that this process starts meanwhile, as tests beside it do, holds it open for
// writing, which the kernel would refuse to run ("text file busy").
func WriteProgram(t testing.TB, path string, content []byte) {
	t.Helper()
	syscall.ForkLock.RLock()                  // Between its fork and its exec, a child has what is open here.
	err := os.WriteFile(path, content, 0o755) //nolint:gosec // it is to run
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
}
