package caddy

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

var slots = []string{"blue", "green"}

func newRouter(t *testing.T, file string) *Router {
	t.Helper()
	r, err := New(service.CaddyRouter{ShareFile: file}, slots)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWeightsOfFilesByHand(t *testing.T) {
	for text, green := range map[string]int{"": 0, "\n": 0, "4000\n": 25, "4100": 25, "4200": 26, "8": 50, "0001": 1, "ffff": 99, "g\r\n": 100} {
		file := filepath.Join(t.TempDir(), "web.share")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := newRouter(t, file).Weights(t.Context())
		if want := map[string]int{"blue": 100 - green, "green": green}; err != nil || !maps.Equal(got, want) {
			t.Errorf("a file with %q gives %v (%v), want %v", text, got, err, want)
		}
	}
}

func TestNoFileIsAllBlue(t *testing.T) {
	got, err := newRouter(t, filepath.Join(t.TempDir(), "web.share")).Weights(t.Context())
	if want := map[string]int{"blue": 100, "green": 0}; err != nil || !maps.Equal(got, want) {
		t.Errorf("no file gives %v (%v), want %v", got, err, want)
	}
}

func TestErrorsNameTheFile(t *testing.T) {
	garbage := filepath.Join(t.TempDir(), "web.share")
	if err := os.WriteFile(garbage, []byte("a quarter"), 0o600); err != nil {
		t.Fatal(err)
	}
	nowhere := filepath.Join(t.TempDir(), "missing", "web.share")
	directory := t.TempDir()
	for what, c := range map[string]struct {
		file string
		do   func(*Router) error
	}{
		"a directory is read": {directory, func(r *Router) error { _, err := r.Weights(t.Context()); return err }},
		"no directory to write": {nowhere, func(r *Router) error {
			return r.SetWeights(t.Context(), delivery.Split{Weights: map[string]int{"green": 100}})
		}},
		"a directory is written": {directory, func(r *Router) error {
			return r.SetWeights(t.Context(), delivery.Split{Weights: map[string]int{"green": 100}})
		}},
	} {
		if err := c.do(newRouter(t, c.file)); err == nil || !strings.Contains(err.Error(), c.file) {
			t.Errorf("%s: %v", what, err)
		}
	}
	// Garbage is a share like any other: here Caddy gives green what begins with a digit. It does not stand in the way of a restore.
	if got, err := newRouter(t, garbage).Weights(t.Context()); err != nil || got["green"] != 63 {
		t.Errorf("%q reads as %v (%v)", "a quarter", got, err)
	}
	if err := newRouter(t, garbage).SetWeights(t.Context(), delivery.Split{Weights: map[string]int{"blue": 100}}); err != nil {
		t.Error(err)
	}
}

func TestWriteKeepsAccessAndLeavesNothing(t *testing.T) {
	for _, mode := range []os.FileMode{0, 0o600, 0o640, 0o666} {
		directory := t.TempDir()
		file := filepath.Join(directory, "web.share")
		want := os.FileMode(newFileMode)
		if mode != 0 {
			want = mode
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(file, mode); err != nil {
				t.Fatal(err)
			}
		}
		r := newRouter(t, file)
		for range 3 {
			if err := r.SetWeights(t.Context(), delivery.Split{Weights: map[string]int{"blue": 75, "green": 25}}); err != nil {
				t.Fatal(err)
			}
		}
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("mode %v became %v, want %v", mode, info.Mode().Perm(), want)
		}
		entries, err := os.ReadDir(directory)
		if err != nil || len(entries) != 1 {
			t.Errorf("beside the share file there is %v (%v)", entries, err)
		}
	}
}

// A reader finds the old share or the new one at every instant, never none and never half of one.
func TestReadersSeeWholeShares(t *testing.T) {
	file := filepath.Join(t.TempDir(), "web.share")
	r := newRouter(t, file)
	if err := r.SetWeights(t.Context(), delivery.Split{Weights: map[string]int{"green": 100}}); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				text, err := os.ReadFile(file) //nolint:gosec // the test's own
				if got := string(text); err != nil || got != "g" && got != "4000" {
					t.Errorf("a reader sees %q (%v)", got, err)
					return
				}
			}
		})
	}
	for i := range 200 {
		green := 100
		if i%2 == 0 {
			green = 25
		}
		if err := r.SetWeights(t.Context(), delivery.Split{Weights: map[string]int{"blue": 100 - green, "green": green}}); err != nil {
			t.Error(err)
			break
		}
	}
	close(done)
	readers.Wait()
}

// Caddy follows a link, and its configuration may name the link for ever: the file behind it is what gets the share.
func TestShareFileBehindALink(t *testing.T) {
	dir := t.TempDir()
	real, link, second := filepath.Join(dir, "real", "web.share"), filepath.Join(dir, "web.share"), filepath.Join(dir, "second")
	for _, err := range []error{os.Mkdir(filepath.Dir(real), 0o750), os.Symlink(filepath.Join("real", "web.share"), link), os.Symlink(link, second)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, green := range []int{100, 25} { // The file is not there at first.
		if err := newRouter(t, second).SetWeights(t.Context(), delivery.Split{Weights: map[string]int{"green": green, "blue": 100 - green}}); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(real) //nolint:gosec // a file of the test
		if err != nil || string(text) != formatShare(green) {
			t.Errorf("the file behind the link holds %q (%v)", text, err)
		}
		if target, err := os.Readlink(link); err != nil || target != "real/web.share" {
			t.Errorf("the link became %q (%v)", target, err)
		}
	}
	circle := filepath.Join(dir, "circle")
	if err := os.Symlink(circle, circle); err != nil {
		t.Fatal(err)
	}
	if err := newRouter(t, circle).SetWeights(t.Context(), delivery.Split{Weights: map[string]int{"green": 100}}); err == nil || !strings.Contains(err.Error(), "circle") {
		t.Errorf("a link to itself: %v", err)
	}
}
