package transfer_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/machines/transfer"
)

// small mounts a file system with room for n bytes.
func small(t *testing.T, n string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+n); err != nil {
		if os.Getenv("CI") == "true" && os.Getuid() == 0 {
			t.Fatal(err)
		}
		t.Skipf("mount a small file system: %v: run the test as root", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestDiskFull(t *testing.T) {
	// big unpacks to what the disk does not hold, and is small itself.
	big := func(t *testing.T) string {
		return write(t, "web.tar.gz", gzipped(t, tarOf(t, entry{name: "web", content: strings.Repeat("x", 5<<20), mode: 0o755}, entry{name: "more", content: strings.Repeat("y", 5<<20)})))
	}
	large := func(t *testing.T) string { return script(t, 5<<20) }
	fill := func(m *local, dir string) func(context.Context, string, io.Reader) ([]byte, error) {
		return func(ctx context.Context, script string, stdin io.Reader) ([]byte, error) {
			// Somebody else takes the room that was there a moment ago.
			if err := os.WriteFile(filepath.Join(dir, "filler"), bytes.Repeat([]byte("z"), 12<<20), 0o600); err != nil {
				return nil, err
			}
			return m.Run(ctx, script, stdin)
		}
	}
	for name, c := range map[string]struct {
		file  func(*testing.T) string
		room  string
		fills bool
		sent  bool
	}{
		"known before":     {big, "8m", false, false},
		"during an upload": {large, "16m", true, true},
		"during unpacking": {big, "16m", true, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := small(t, c.room)
			m := &wrapped{local: &local{}}
			r := request(t, c.file(t), filepath.Join(dir, "a b"))
			if c.fills {
				m.uploads = append(m.uploads, fill(m.local, dir))
			}
			report, err := transfer.Install(t.Context(), m, r)
			var full *transfer.FullError
			if !errors.As(err, &full) || full.Needed < 10<<20 || full.Free > 8<<20 || full.Machine != m.String() {
				t.Fatalf("got %v, %+v", err, full)
			}
			t.Log(err)
			if (report.Uploaded > 0) != c.sent {
				t.Errorf("sent %d bytes", report.Uploaded)
			}
			if _, err := os.Stat(kept(r)); err == nil {
				t.Error("what was sent is still there")
			}
			if _, err := os.Stat(files(r)); err == nil {
				t.Error("the release is there")
			}
			if !c.fills {
				return
			}
			// With room it works.
			if err := os.Remove(filepath.Join(dir, "filler")); err != nil {
				t.Fatal(err)
			}
			install(t, m, r)
			if left := leftovers(t, r.Directory); left != nil {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}
