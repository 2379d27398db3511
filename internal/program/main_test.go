package program

import (
	"context"
	"os"
	"testing"
	"time"
)

// asStarter makes this test's program run a script until it is killed.
const asStarter = "test-starter"

func TestMain(m *testing.M) {
	if code, asked := Watcher(os.Args[1:]); asked {
		os.Exit(code)
	}
	if len(os.Args) == 3 && os.Args[1] == asStarter {
		_, _ = Program{Argv: []string{"bash", "-c", os.Args[2]}, Timeout: time.Hour}.Run(context.Background())
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// generous bounds what must not hang; no test waits for it when all is well.
const generous = time.Minute
