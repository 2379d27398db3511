package operator

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/process"
)

const (
	// last lines of watch: it is ended when it was silent for quiet, at the latest after quietLimit.
	quiet      = 300 * time.Millisecond
	quietLimit = time.Second
)

// Follow shows where a release stands, with the operator's own command for that, until stop is called.
func (o Operator) Follow(ctx context.Context, w io.Writer) (stop func(), err error) {
	lines := &indented{w: w}
	watch, err := process.Start(ctx, process.Command{
		Path: o.Binary, Args: []string{"watch", "--follow", "--store", o.Store, o.Service}, Stdout: lines, Stderr: lines, Grace: quietLimit,
	})
	if err != nil {
		return nil, fmt.Errorf("watch the release: %w", err)
	}
	return func() {
		for deadline := time.Now().Add(quietLimit); time.Now().Before(deadline) && lines.silence() < quiet; {
			time.Sleep(quiet / 10)
		}
		// It only reads: ending it at any moment is all right, and it may have ended by itself.
		_ = watch.Stop(quietLimit)
	}, nil
}

// indented sets lines of another program off from the demo's own. Safe for concurrent use.
type indented struct {
	w io.Writer

	mu   sync.Mutex
	part []byte
	last time.Time
}

func (i *indented) Write(data []byte) (int, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.last = time.Now()
	i.part = append(i.part, data...)
	for {
		line, rest, whole := bytes.Cut(i.part, []byte("\n"))
		if !whole {
			return len(data), nil
		}
		if _, err := fmt.Fprintf(i.w, "    │ %s\n", bytes.TrimRight(line, "\r")); err != nil {
			return 0, fmt.Errorf("show progress: %w", err)
		}
		i.part = append([]byte(nil), rest...)
	}
}

func (i *indented) silence() time.Duration {
	i.mu.Lock()
	defer i.mu.Unlock()
	return time.Since(i.last)
}
