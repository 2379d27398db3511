package haproxy

import (
	"context"
	"errors"
	"testing"
	"time"
)

// hanging is a disk that answers nothing.
type hanging struct{}

func (hanging) Write(ctx context.Context, _ string, _ []byte) error { <-ctx.Done(); return ctx.Err() }
func (hanging) Read(ctx context.Context, _ string) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
func (hanging) Writable(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }

func TestDiskThatHangsHoldsNothingBack(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	files := boundedFiles{hanging{}, 20 * time.Millisecond}
	_, reading := files.Read(ctx, "/state")
	for what, err := range map[string]error{"write": files.Write(ctx, "/state", nil), "read": reading, "writable": files.Writable(ctx, "/state")} {
		if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}
