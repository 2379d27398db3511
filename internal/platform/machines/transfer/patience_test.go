package transfer

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// answering is a machine that answers each call as answer says.
type answering func(ctx context.Context, stdin io.Reader) (string, error)

func (answering) String() string { return "a" }
func (f answering) Run(ctx context.Context, _ string, stdin io.Reader) ([]byte, error) {
	text, err := f(ctx, stdin)
	return []byte(text), err
}

// small is a release of a file of 3 MiB.
func small(t *testing.T) Request {
	t.Helper()
	path, data := filepath.Join(t.TempDir(), "web"), make([]byte, 3<<20)
	copy(data, "#!/bin/sh\n")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return Request{
		Artifact:  service.Reference{Path: path, Digest: fmt.Sprintf("sha256:%x", sha256.Sum256(data))},
		Directory: "/srv/web", Release: "production/web/1-a",
	}
}

// What is removed of older releases keeps nobody waiting for a machine that hangs.
func TestPruneEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := answering(func(ctx context.Context, _ io.Reader) (string, error) { <-ctx.Done(); return "", ctx.Err() })
		began := time.Now()
		err := Prune(t.Context(), hangs, "/srv/web", 3, nil, "")
		if err == nil || !strings.Contains(err.Error(), "remove older releases from /srv/web of a: the machine is not done after 2m0s") || time.Since(began) != pruneTime {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}

func TestPatienceEnds(t *testing.T) {
	lost := errors.New("the connection was lost")
	for name, c := range map[string]struct {
		upload func(ctx context.Context, stdin io.Reader) (string, error)
		want   string
	}{
		"lost": {func(_ context.Context, stdin io.Reader) (string, error) {
			_, _ = io.CopyN(io.Discard, stdin, 1<<20)
			return "", lost
		}, "nothing has arrived for 300ms, after 1.0 MiB of 3.0 MiB were sent: the connection was lost; see that the machine answers, and apply again"},
		"busy":      {func(context.Context, io.Reader) (string, error) { return "busy 0\n", nil }, "does not get on"},
		"again":     {func(context.Context, io.Reader) (string, error) { return "again\n", nil }, "another run is at work"},
		"working":   {func(context.Context, io.Reader) (string, error) { return "working\n", nil }, "is not done after 600ms"},
		"not taken": {func(ctx context.Context, _ io.Reader) (string, error) { <-ctx.Done(); return "", ctx.Err() }, "nothing was taken for 100ms"},
		"not done": {func(ctx context.Context, stdin io.Reader) (string, error) {
			_, _ = io.Copy(io.Discard, stdin)
			<-ctx.Done()
			return "", ctx.Err()
		}, "not done after 600ms"},
		"silent": {func(context.Context, io.Reader) (string, error) { return "", nil }, "said nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i, err := newInstallation(answering(func(ctx context.Context, stdin io.Reader) (string, error) {
				if stdin == nil {
					return "absent 0\nmachine other\n", nil
				}
				return c.upload(ctx, stdin)
			}), small(t))
			if err != nil {
				t.Fatal(err)
			}
			i.bounds = bounds{patience: 300 * time.Millisecond, stalled: 100 * time.Millisecond, working: 600 * time.Millisecond}
			if err := i.run(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
