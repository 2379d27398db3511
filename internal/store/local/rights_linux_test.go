package local

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// withoutPrivileges runs do so that the rights of files count, for the superuser too: on a thread with the rights of
// nobody, which ends with do.
func withoutPrivileges(t *testing.T, do func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		do()
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // Never unlocked, so that the thread is not used again.
		const nobody = 65534
		if err := syscall.Setfsuid(nobody); err != nil {
			t.Error(err)
			return
		}
		do()
	}()
	<-done
}

func TestReadingNeedsNoRightToWrite(t *testing.T) {
	root := t.TempDir()
	// The directory that holds all of a test's directories is closed to others.
	if err := os.Chmod(filepath.Dir(root), 0o755); err != nil { // #nosec G302 -- a test's empty directory.
		t.Fatal(err)
	}
	s := open(t, root)
	if err := s.Create(t.Context(), "a/1", []byte("data")); err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]fs.FileMode{root: 0o555, filepath.Join(root, "a"): 0o555, filepath.Join(root, "a", "1"): 0o444} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if mode == 0o555 {
			t.Cleanup(func() { _ = os.Chmod(path, 0o700) }) // #nosec G302 -- so that it can be removed.
		}
	}
	withoutPrivileges(t, func() {
		s := open(t, root)
		if object, err := s.Get(t.Context(), "a/1"); err != nil || string(object.Data) != "data" {
			t.Errorf("Get: %q, %v", object.Data, err)
		}
		if keys, err := s.List(t.Context(), "a/"); err != nil || !cmp.Equal(keys, []string{"a/1"}) {
			t.Errorf("List: %q, %v", keys, err)
		}
		if err := s.Create(t.Context(), "a/1", nil); !errors.Is(err, store.ErrExists) {
			t.Errorf("Create of what is there: %v, want ErrExists", err)
		}
		for name, err := range map[string]error{
			"a": s.Create(t.Context(), "a/2", nil), filepath.Join("b", "c"): s.Put(t.Context(), "b/c/1", nil),
		} {
			want := s.URL() + " cannot be written in " + filepath.Join(root, name)
			if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), want) {
				t.Errorf("write without the right to: %v, want %q", err, want)
			}
		}
	})
	wantFiles(t, root, "a/1")
}

func TestAClosedDirectoryIsNoEmptyOne(t *testing.T) {
	root := t.TempDir()
	if err := os.Chmod(filepath.Dir(root), 0o755); err != nil { // #nosec G302 -- a test's empty directory.
		t.Fatal(err)
	}
	s := open(t, filepath.Join(root, "closed"))
	if err := s.Create(t.Context(), "a/1", nil); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(s.root, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(s.root, 0o700) }) // #nosec G302 -- so that it can be removed.
	withoutPrivileges(t, func() {
		_, getting := s.Get(t.Context(), "a/1")
		_, listing := s.List(t.Context(), "")
		for method, err := range map[string]error{"Get": getting, "List": listing} {
			if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), s.root) {
				t.Errorf("%s: %v, want a missing permission with the directory's name", method, err)
			}
		}
	})
}

func TestAPipeIsNoObject(t *testing.T) {
	s := open(t, t.TempDir())
	if err := syscall.Mkfifo(filepath.Join(s.root, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), "pipe"); err == nil || errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get of a pipe: %v, want an error of its own", err)
	}
	if keys, err := s.List(t.Context(), ""); err != nil || len(keys) != 0 {
		t.Errorf("List: %q, %v", keys, err)
	}
}

func TestLinkedDirectoriesAreFollowed(t *testing.T) {
	other, s := t.TempDir(), open(t, t.TempDir())
	if err := os.Symlink(other, filepath.Join(s.root, "production")); err != nil {
		t.Fatal(err)
	}
	if err := s.Create(t.Context(), "production/web", []byte("data")); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, other, "web")
	if keys, err := s.List(t.Context(), "prod"); err != nil || !cmp.Equal(keys, []string{"production/web"}) {
		t.Errorf("List: %q, %v", keys, err)
	}
}
