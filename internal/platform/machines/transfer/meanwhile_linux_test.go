package transfer_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/machines/transfer"
)

// held is a lock on a file of the machine that another run works on.
type held struct {
	t    *testing.T
	file *os.File
}

// hold opens a file, which it makes where there is none, and locks it.
func hold(t *testing.T, path string) *held {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX) //nolint:gosec // a descriptor is small
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return &held{t: t, file: f}
}

// awaited waits until somebody waits for the lock.
func (h *held) awaited() {
	h.t.Helper()
	info, err := h.file.Stat()
	if err != nil {
		h.t.Fatal(err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		h.t.Fatal("a file without a number")
	}
	waitFor(h.t, func() bool {
		for line := range strings.Lines(read(h.t, "/proc/locks")) {
			if strings.Contains(line, "-> FLOCK") && strings.Contains(line, fmt.Sprintf(":%d ", stat.Ino)) {
				return true
			}
		}
		return false
	})
}

func (h *held) letGo() { _ = h.file.Close() }

// begin installs beside the test.
func begin(t *testing.T, m transfer.Machine, r transfer.Request) <-chan error {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		_, err := transfer.Install(t.Context(), m, r)
		done <- err
	}()
	return done
}

// Between the look and the upload more has arrived, from another run.
func TestMoreArrivedMeanwhile(t *testing.T) {
	m := &wrapped{local: &local{}}
	r := request(t, script(t, 1000), awkward(t))
	m.uploads = append(m.uploads, func(ctx context.Context, script string, stdin io.Reader) ([]byte, error) {
		err := os.MkdirAll(kept(r), 0o750)
		if err == nil {
			err = os.WriteFile(filepath.Join(kept(r), "artifact.partial"), []byte(read(t, r.Artifact.Path)[:100]), 0o600)
		}
		if err != nil {
			return nil, err
		}
		return m.local.Run(ctx, script, stdin)
	})
	install(t, m, r)
	if want := []string{"0", "100"}; !slices.Equal(m.offsets, want) {
		t.Errorf("uploads began at %q, want %q", m.offsets, want)
	}
}

// While one waits for the file that another uploads to, that is removed, and a third begins a new one.
func TestUploadBegunAnewMeanwhile(t *testing.T) {
	m := &wrapped{local: &local{}}
	r := request(t, script(t, 1000), awkward(t))
	partial := filepath.Join(kept(r), "artifact.partial")
	other := hold(t, partial)
	done := begin(t, m, r)
	other.awaited()
	if err := os.Remove(partial); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(partial, []byte(read(t, r.Artifact.Path)[:100]), 0o600); err != nil {
		t.Fatal(err)
	}
	other.letGo()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if want := []string{"0", "100"}; !slices.Equal(m.offsets, want) {
		t.Errorf("uploads began at %q, want %q", m.offsets, want)
	}
}

// While one waits for the artifact that another run unpacks, that is removed.
func TestArtifactRemovedMeanwhile(t *testing.T) {
	m := &wrapped{local: &local{}}
	r := request(t, script(t, 1000), awkward(t))
	install(t, m, r)
	other := hold(t, filepath.Join(kept(r), "artifact"))
	r.Release = "production/web/1.0-bbbbbbbb"
	done := begin(t, m, r)
	other.awaited()
	if err := os.RemoveAll(kept(r)); err != nil {
		t.Fatal(err)
	}
	other.letGo()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if want := []string{"0", "0"}; !slices.Equal(m.offsets, want) {
		t.Errorf("uploads began at %q, want %q", m.offsets, want)
	}
	if got := digestOf(t, filepath.Join(files(r), "web")); got != r.Artifact.Digest {
		t.Errorf("the release holds %s", got)
	}
}

// What is longer than the artifact is none of it.
func TestTooMuchArrived(t *testing.T) {
	m := &wrapped{local: &local{}}
	r := request(t, script(t, 1000), awkward(t))
	other := hold(t, filepath.Join(kept(r), "artifact.partial"))
	if _, err := other.file.WriteString(strings.Repeat("x", 5000)); err != nil {
		t.Fatal(err)
	}
	other.letGo()
	install(t, m, r)
	if want := []string{"1017", "0"}; !slices.Equal(m.offsets, want) {
		t.Errorf("uploads began at %q, want %q", m.offsets, want)
	}
}
