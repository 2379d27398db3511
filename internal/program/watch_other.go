//go:build !linux

package program

import (
	"context"
	"io"
)

// Watcher is for Linux: elsewhere programs are children of ours, and outlive us where we are killed.
func Watcher([]string) (code int, asked bool) { return 0, false }

func (p Program) below(ctx context.Context, environment []string, output io.Writer) (Ended, error) {
	return p.direct(ctx, environment, output)
}
