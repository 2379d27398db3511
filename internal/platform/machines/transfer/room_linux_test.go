package transfer_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/machines/transfer"
)

// What Room says before is what Install does then.
func TestRoom(t *testing.T) {
	packed := func(t *testing.T, n int) string {
		return write(t, "web.tar.gz", gzipped(t, tarOf(t, entry{name: "web", content: strings.Repeat("x", n), mode: 0o755})))
	}
	plain := func(t *testing.T, n int) string { return script(t, n) }
	for name, c := range map[string]struct {
		file  func(*testing.T, int) string
		size  int
		there func(t *testing.T, m *wrapped, r transfer.Request)
		// needed is how many MiB it takes, where that is more than there are.
		needed int64
	}{
		// The disk has 16 MiB. A plain file is kept, and copied.
		"plain":              {plain, 7 << 20, nil, 0},
		"plain, too large":   {plain, 8 << 20, nil, 17},
		"archive":            {packed, 14 << 20, nil, 0},
		"archive, too large": {packed, 16 << 20, nil, 17},
		// What has arrived takes its room already.
		"arrived in part": {plain, 7 << 20, func(t *testing.T, m *wrapped, r transfer.Request) {
			t.Helper()
			ctx, kill := context.WithCancel(t.Context())
			m.uploads = append(m.uploads, func(ctx context.Context, script string, stdin io.Reader) ([]byte, error) {
				defer kill()
				return cut(m.local, 6<<20)(ctx, script, stdin)
			})
			if _, err := transfer.Install(ctx, m, r); !errors.Is(err, context.Canceled) {
				t.Fatalf("got %v", err)
			}
		}, 0},
		"whole, for another release": {plain, 7 << 20, func(t *testing.T, m *wrapped, r transfer.Request) {
			t.Helper()
			r.Release = "production/web/0.9-bbbbbbbb"
			install(t, m, r)
		}, 8},
		"installed": {plain, 7 << 20, func(t *testing.T, m *wrapped, r transfer.Request) { t.Helper(); install(t, m, r) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := small(t, "16m")
			m := &wrapped{local: &local{}}
			r := request(t, c.file(t, c.size), filepath.Join(dir, "a b"))
			if c.there != nil {
				c.there(t, m, r)
			}
			err := transfer.Room(t.Context(), m, r)
			var full *transfer.FullError
			if c.needed == 0 && err != nil || c.needed > 0 && (!errors.As(err, &full) || full.Needed>>20 != c.needed) {
				t.Errorf("room: %v", err)
			}
			_, err = transfer.Install(t.Context(), m, r)
			if errors.As(err, &full) != (c.needed > 0) {
				t.Errorf("install: %v", err)
			}
		})
	}
}

func TestRoomOfAnArtifactThatIsNotHere(t *testing.T) {
	r := request(t, script(t, 1000), awkward(t))
	if err := os.Remove(r.Artifact.Path); err != nil {
		t.Fatal(err)
	}
	if err := transfer.Room(t.Context(), &local{}, r); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(r.Directory); err == nil {
		t.Error("a look has made the directory")
	}
}
