package local

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// recorded is a store that notes which directories are synced and when links are made, relative to top.
func recorded(t *testing.T, top, root string) (*Store, *[]string) {
	t.Helper()
	s := open(t, filepath.Join(top, root))
	calls := &[]string{}
	s.syncDirectory = func(directory string) error {
		relative, err := filepath.Rel(top, directory)
		if err != nil {
			return err
		}
		*calls = append(*calls, "sync "+filepath.ToSlash(relative))
		return syncDirectory(directory)
	}
	s.link = func(oldname, newname string) error {
		*calls = append(*calls, "link "+filepath.Base(newname))
		return os.Link(oldname, newname)
	}
	return s, calls
}

// What a power failure leaves cannot be tried here; that each name is synced in its directory, in order, can.
func TestNewNamesAreSynced(t *testing.T) {
	top := t.TempDir()
	s, calls := recorded(t, top, "new/store")
	step := func(what string, err error, want ...string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, *calls); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
		*calls = nil
	}
	step("first object", s.Create(t.Context(), "a/b/1", nil), "sync new/store/a", "sync new/store", "sync new", "sync .", "link 1", "sync new/store/a/b")
	step("second object", s.Create(t.Context(), "a/b/2", nil), "link 2", "sync new/store/a/b")
	step("put", s.Put(t.Context(), "a/b/2", nil), "sync new/store/a/b")
	step("delete", s.Delete(t.Context(), "a/b/2"), "sync new/store/a/b")
	step("delete of nothing", s.Delete(t.Context(), "a/b/2"))

	// Another process may have been killed between making a directory and syncing it.
	s, calls = recorded(t, top, "new/store")
	step("directories of another process", s.Put(t.Context(), "a/b/3", nil), "sync new/store/a", "sync new/store", "sync new", "sync new/store/a/b")

	if err := os.RemoveAll(filepath.Join(top, "new", "store", "a")); err != nil {
		t.Fatal(err)
	}
	step("directories made again", s.Put(t.Context(), "a/b/4", nil), "sync new/store/a", "sync new/store", "sync new", "sync new/store/a/b")
}

func TestAnObjectThatCannotBeSyncedIsAnError(t *testing.T) {
	s := open(t, t.TempDir())
	if err := s.Put(t.Context(), "a/0", nil); err != nil {
		t.Fatal(err)
	}
	s.syncDirectory = func(string) error { return syscall.EIO }
	for method, err := range map[string]error{
		"Create": s.Create(t.Context(), "a/1", nil), "Put": s.Put(t.Context(), "a/2", nil), "Delete": s.Delete(t.Context(), "a/0"),
	} {
		if !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), filepath.Join(s.root, "a")) {
			t.Errorf("%s: %v, want EIO with the directory's name", method, err)
		}
	}
}

func TestAFileSystemWithoutHardLinksIsRefused(t *testing.T) {
	s := open(t, t.TempDir())
	s.link = func(oldname, newname string) error {
		return &os.LinkError{Op: "link", Old: oldname, New: newname, Err: syscall.ENOTSUP}
	}
	err := s.Create(t.Context(), "a/1", []byte("data"))
	if !errors.Is(err, ErrNoHardLinks) || !strings.Contains(err.Error(), filepath.Join(s.root, "a")) {
		t.Errorf("Create: %v, want ErrNoHardLinks with the directory's name", err)
	}
	wantFiles(t, s.root)
}

// Network file systems repeat a link whose answer was lost, and report the second try.
func TestALinkWhoseAnswerWasLostCounts(t *testing.T) {
	s := open(t, t.TempDir())
	s.link = func(oldname, newname string) error {
		if err := os.Link(oldname, newname); err != nil {
			return err
		}
		return os.Link(oldname, newname)
	}
	if err := s.Create(t.Context(), "a/1", []byte("data")); err != nil {
		t.Error(err)
	}
	wantFiles(t, s.root, "a/1")
}

// The look before the link only saves work: the link decides.
func TestTheLinkDecides(t *testing.T) {
	s := open(t, t.TempDir())
	s.link = func(oldname, newname string) error {
		write(t, newname, 0)
		return os.Link(oldname, newname)
	}
	if err := s.Create(t.Context(), "a/1", []byte("second")); !errors.Is(err, store.ErrExists) {
		t.Errorf("Create of what another process just created: %v, want ErrExists", err)
	}
	if object, err := s.Get(t.Context(), "a/1"); err != nil || string(object.Data) != "data" {
		t.Errorf("the first one's object: %q, %v", object.Data, err)
	}
	wantFiles(t, s.root, "a/1")
}
