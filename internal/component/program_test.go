package component

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// A program that is written can be run, whatever is started beside it.
func TestProgramThatIsWrittenRuns(t *testing.T) {
	dir := t.TempDir()
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for n := range 50 {
				path := filepath.Join(dir, fmt.Sprintf("%d-%d", worker, n))
				WriteProgram(t, path, []byte("#!/bin/sh\n"))
				if out, err := exec.CommandContext(t.Context(), path).CombinedOutput(); err != nil {
					t.Errorf("%v: %s", err, out)
				}
			}
		})
	}
	group.Wait()
}
