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
	const nobody = 65534
	as(t, nobody, os.Getegid(), do)
}

// as runs do with the rights of another user and group on files.
func as(t *testing.T, user, group int, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // Never unlocked, so that the thread is not used again.
		// The group first: without the user's rights it cannot be changed.
		if err := errors.Join(syscall.Setfsgid(group), syscall.Setfsuid(user)); err != nil {
			t.Error(err)
			return
		}
		do()
	}()
	<-done
}

// A directory with the setgid bit is a group's: each of its users goes on with what another one wrote, and nobody else reads it.
func TestAGroupSharesADirectory(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can act as several users: run as root")
	}
	const group, other = 4321, 4322
	root := filepath.Join(t.TempDir(), "store")
	for _, closed := range []string{filepath.Dir(root), filepath.Dir(filepath.Dir(root))} {
		if err := os.Chmod(closed, 0o755); err != nil { // #nosec G302 -- a test's empty directory.
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Mkdir(root, 0o700), os.Chown(root, 1001, group), os.Chmod(root, 0o770|fs.ModeSetgid)); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	as(t, 1001, group, func() {
		s := open(t, root)
		if err := errors.Join(s.Create(ctx, "production/web/ledger/1", []byte("one")), s.Put(ctx, "production/web/heartbeat", []byte("one"))); err != nil {
			t.Error(err)
		}
	})
	as(t, 1002, group, func() {
		s := open(t, root)
		if object, err := s.Get(ctx, "production/web/ledger/1"); err != nil || string(object.Data) != "one" {
			t.Errorf("the second user reads %q, %v", object.Data, err)
		}
		if err := errors.Join(s.Create(ctx, "production/web/ledger/2", []byte("two")), s.Put(ctx, "production/web/heartbeat", []byte("two")),
			s.Delete(ctx, "production/web/ledger/1"), s.Create(ctx, "production/shop/ledger/1", nil)); err != nil {
			t.Errorf("the second user writes: %v", err)
		}
	})
	as(t, 1001, group, func() {
		s := open(t, root)
		if keys, err := s.List(ctx, ""); err != nil || !cmp.Equal(keys, []string{"production/shop/ledger/1", "production/web/heartbeat", "production/web/ledger/2"}) {
			t.Errorf("the first user lists %v, %v", keys, err)
		}
		if err := errors.Join(s.Put(ctx, "production/web/heartbeat", []byte("one")), s.Create(ctx, "production/shop/ledger/2", nil)); err != nil {
			t.Errorf("the first user goes on: %v", err)
		}
	})
	as(t, 1003, other, func() {
		if _, err := open(t, root).Get(ctx, "production/web/heartbeat"); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("who is not of the group: %v", err)
		}
	})
	wantFiles(t, root, "production/shop/ledger/1", "production/shop/ledger/2", "production/web/heartbeat", "production/web/ledger/2")
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
