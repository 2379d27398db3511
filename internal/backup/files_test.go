package backup

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
)

// byHand follows the procedure to the letter.
func byHand(t *testing.T, b delivery.Backup, dir string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), generous)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-e", "-c", strings.Join(b.Procedure(dir), "\n"))
	cmd.Dir = "/"
	output, err := cmd.CombinedOutput()
	if err != nil {
		return errors.New(err.Error() + ": " + string(output))
	}
	return nil
}

// ways are the two ways to the same end.
var ways = map[string]func(*testing.T, delivery.Backup, string) error{
	"by program": func(t *testing.T, b delivery.Backup, dir string) error {
		t.Helper()
		return b.Restore(t.Context(), dir)
	},
	"by hand": byHand,
}

func TestRestoreOfADirectory(t *testing.T) {
	for name, restore := range ways {
		t.Run(name, func(t *testing.T) {
			parent := filepath.Join(t.TempDir(), "it's $here")
			path := filepath.Join(parent, "up loads")
			grow(t, path)
			want := look(t, path)
			b := newFiles(t, path)
			dir, _ := saved(t, b)
			if diff := cmp.Diff(want, look(t, path)); diff != "" {
				t.Fatalf("saving changed it: %s", diff)
			}
			for state, change := range map[string]func(){
				"unchanged":     func() {},
				"disturbed":     func() { disturb(t, path) },
				"gone":          func() { must(t, os.RemoveAll(path)) },
				"parent gone":   func() { must(t, os.RemoveAll(parent)) },
				"a file now":    func() { must(t, os.RemoveAll(path)); write(t, path, "x", 0o644) },
				"a link now":    func() { must(t, os.RemoveAll(path)); must(t, os.Symlink(t.TempDir(), path)) },
				"and once more": func() {},
			} {
				change()
				if err := restore(t, b, dir); err != nil {
					t.Fatalf("%s: %v", state, err)
				}
				if diff := cmp.Diff(want, look(t, path)); diff != "" {
					t.Errorf("%s: %s", state, diff)
				}
				if entries, err := os.ReadDir(parent); err != nil || len(entries) != 1 {
					t.Errorf("%s: beside it is %v, %v", state, entries, err)
				}
			}
		})
	}
}

func TestRestoreOfAFile(t *testing.T) {
	for name, restore := range ways {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "flags.json")
			write(t, path, `{"new":false}`, 0o640)
			want := look(t, path)
			b := newFiles(t, path)
			dir, _ := saved(t, b)
			for state, change := range map[string]func(){
				"changed":         func() { write(t, path, `{"new":true}`, 0o666) },
				"gone":            func() { must(t, os.Remove(path)) },
				"a directory now": func() { must(t, os.Remove(path)); write(t, filepath.Join(path, "x"), "x", 0o600) },
			} {
				change()
				if err := restore(t, b, dir); err != nil {
					t.Fatalf("%s: %v", state, err)
				}
				if diff := cmp.Diff(want, look(t, path)); diff != "" {
					t.Errorf("%s: %s", state, diff)
				}
			}
		})
	}
}

func TestAnEmptyDirectoryIsData(t *testing.T) {
	path := filepath.Join(t.TempDir(), "uploads")
	must(t, os.Mkdir(path, 0o700))
	want := look(t, path)
	b := newFiles(t, path)
	dir, _ := saved(t, b)
	write(t, filepath.Join(path, "created since"), "x", 0o644)
	must(t, b.Restore(t.Context(), dir))
	if diff := cmp.Diff(want, look(t, path)); diff != "" {
		t.Error(diff)
	}
}

func TestWhatCannotBeSaved(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "real", "x"), "x", 0o600)
	must(t, os.Symlink("real", filepath.Join(root, "link")))
	for name, c := range map[string]struct{ path, dir, why string }{
		"not there":    {filepath.Join(root, "nothing"), filepath.Join(t.TempDir(), "b"), "not there"},
		"a link":       {filepath.Join(root, "link"), filepath.Join(t.TempDir(), "b"), "symbolic link"},
		"into itself":  {filepath.Join(root, "real"), filepath.Join(root, "link", "b"), "lies in"},
		"a device":     {"/dev/null", filepath.Join(t.TempDir(), "b"), "neither a directory nor a file"},
		"not a new":    {filepath.Join(root, "real"), root, "not empty"},
		"from a store": {root, filepath.Join(root, "store", "b"), "lies in"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newFiles(t, c.path).Save(t.Context(), c.dir)
			if err == nil || !strings.Contains(err.Error(), c.why) || !strings.Contains(err.Error(), `"uploads"`) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestSocketsAreLeftOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run")
	write(t, filepath.Join(path, "x"), "x", 0o600)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", filepath.Join(path, "s"))
	must(t, err)
	defer func() { _ = listener.Close() }()
	b := newFiles(t, path)
	dir, _ := saved(t, b)
	must(t, b.Restore(t.Context(), dir))
	if got := look(t, path); len(got) != 2 || got["x"] == "" {
		t.Errorf("restored %v", got)
	}
}

func TestVerifyFindsDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "uploads")
	grow(t, path)
	b := newFiles(t, path)
	for name, damage := range map[string]func(archive string){
		"gone":      func(archive string) { must(t, os.Remove(archive)) },
		"shortened": func(archive string) { must(t, os.Truncate(archive, 100)) },
		"emptied":   func(archive string) { must(t, os.Truncate(archive, 0)) },
		"one bit":   func(archive string) { flip(t, archive) },
		"the sum":   func(archive string) { flip(t, archive+".sha256") },
		"sum gone":  func(archive string) { must(t, os.Remove(archive+".sha256")) },
	} {
		t.Run(name, func(t *testing.T) {
			dir, files := saved(t, b)
			want := look(t, path)
			damage(filepath.Join(dir, archiveName))
			if err := b.Verify(t.Context(), dir, files); err == nil {
				t.Error("not found")
			}
			// And nothing of it is put back, by neither way.
			for way, restore := range ways {
				if err := restore(t, b, dir); err == nil {
					t.Errorf("%s: restored", way)
				}
				if diff := cmp.Diff(want, look(t, path)); diff != "" {
					t.Errorf("%s: %s", way, diff)
				}
			}
		})
	}
	t.Run("another's file", func(t *testing.T) {
		dir, files := saved(t, b)
		write(t, filepath.Join(dir, "more"), "x", 0o600)
		if err := b.Verify(t.Context(), dir, files); err == nil || !strings.Contains(err.Error(), "more was not saved") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("nothing saved", func(t *testing.T) {
		dir, _ := saved(t, b)
		if err := b.Verify(t.Context(), dir, nil); err == nil {
			t.Error("passed on nothing")
		}
	})
	t.Run("another backup's archive", func(t *testing.T) {
		other := newFiles(t, filepath.Join(t.TempDir(), "other"))
		dir, files := saved(t, b)
		if err := other.Verify(t.Context(), dir, files); err == nil || !strings.Contains(err.Error(), "does not belong to other") {
			t.Errorf("error %v", err)
		}
	})
}

// flip changes one bit in the middle.
func flip(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(path) //nolint:gosec // a test's files
	must(t, err)
	content[len(content)/2] ^= 1
	must(t, os.WriteFile(path, content, 0o600)) //nolint:gosec // a test's files
}

func TestSaveAndRestoreEndWithTheirContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "uploads")
	grow(t, path)
	want := look(t, path)
	b := newFiles(t, path)
	dir, _ := saved(t, b)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Save(ctx, filepath.Join(t.TempDir(), "b")); !errors.Is(err, context.Canceled) {
		t.Errorf("save: %v", err)
	}
	if err := b.Restore(ctx, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("restore: %v", err)
	}
	if diff := cmp.Diff(want, look(t, path)); diff != "" {
		t.Error(diff)
	}
}

func TestAnArchiveIsReadToItsVeryEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "uploads")
	grow(t, path)
	dir, _ := saved(t, newFiles(t, path))
	archive := filepath.Join(dir, archiveName)
	content, err := os.ReadFile(archive) //nolint:gosec // a test's files
	must(t, err)
	// The compression's own checksum, behind the last entry.
	content[len(content)-5] ^= 1
	must(t, os.WriteFile(archive, content, 0o600)) //nolint:gosec // a test's files
	if err := each(t.Context(), archive, func(e entry) error { return e.skim("uploads") }); err == nil {
		t.Error("a damaged end was not found")
	}
}
