package connect

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/local"
)

// deployer is somebody who is not root; no user of this machine has the number.
const deployer = 54321

// usersStore is a store that belongs to deployer.
func usersStore(t *testing.T) (root string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can give a directory away: run as root")
	}
	root = filepath.Join(t.TempDir(), "store")
	if err := os.Mkdir(root, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, closed := range []string{filepath.Dir(root), filepath.Dir(filepath.Dir(root))} {
		if err := os.Chmod(closed, 0o755); err != nil { // #nosec G302 -- a test's empty directory.
			t.Fatal(err)
		}
	}
	if err := os.Chown(root, deployer, deployer); err != nil {
		t.Fatal(err)
	}
	return root
}

// `sudo … rollback` on a user's store would leave files that the user's next plan cannot read; `sudo … history` leaves nothing.
func TestRootOnlyReadsAUsersStore(t *testing.T) {
	root := usersStore(t)
	opened := func(root string) store.Store {
		t.Helper()
		s, _, err := Store(t.Context(), "file://"+root)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if err := os.WriteFile(filepath.Join(root, "theirs"), []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := opened(root)
	if object, err := s.Get(t.Context(), "theirs"); err != nil || string(object.Data) != "data" {
		t.Errorf("it reads %q, %v", object.Data, err)
	}
	for method, err := range map[string]error{
		"Create": s.Create(t.Context(), "ours", nil), "Put": s.Put(t.Context(), "ours", nil),
		"Upload": s.Upload(t.Context(), "ours", strings.NewReader("")), "Delete": s.Delete(t.Context(), "theirs"),
	} {
		for _, want := range []string{"belongs to user 54321", "sudo -u '#54321'", "chown -R root " + root} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v does not say %q", method, err, want)
			}
		}
	}
	if keys, err := s.List(t.Context(), ""); err != nil || len(keys) != 1 {
		t.Errorf("the store holds %v, %v", keys, err)
	}
	if err := os.Chmod(root, 0o770|fs.ModeSetgid); err != nil { // #nosec G302 -- as a group shares it
		t.Fatal(err)
	}
	if err := opened(root).Create(t.Context(), "of/a/group", nil); err != nil {
		t.Errorf("a store of a group: %v", err)
	}
	if err := errors.Join(os.Chmod(root, 0o700), os.Chown(root, 0, 0)); err != nil { // #nosec G302 -- a directory
		t.Fatal(err)
	}
	for what, root := range map[string]string{"a store of its own": root, "one that is not there yet": filepath.Join(root, "not", "there")} {
		if err := opened(root).Create(t.Context(), "ours", nil); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// as runs do with the rights of another user on files: on a thread that ends with it.
func as(t *testing.T, uid int, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // Never unlocked, so that the thread is not used again.
		if err := syscall.Setfsuid(uid); err != nil {
			t.Error(err)
			return
		}
		do()
	}()
	<-done
}

// What root left in a user's store, and a store that is somebody else's, are named with their owner.
func TestMissingRightsNameTheOwner(t *testing.T) {
	root := usersStore(t)
	if err := os.Chown(root, 0, 0); err != nil {
		t.Fatal(err)
	}
	opened, err := local.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	s := owned{Store: opened, root: root, euid: deployer}
	if err := s.Create(t.Context(), "production/web/state.json", nil); err != nil {
		t.Fatal(err)
	}
	check := func(what, path, next string) {
		as(t, deployer, func() {
			_, getting := s.Get(t.Context(), "production/web/state.json")
			_, opening := s.Open(t.Context(), "production/web/state.json")
			for method, err := range map[string]error{"Get": getting, "Open": opening, "Put": s.Put(t.Context(), "staging/web", nil), "Create": s.Create(t.Context(), "staging/web", nil)} {
				if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), " belongs to user root, and this runs as 54321: "+next) {
					t.Errorf("%s: %s: %v", what, method, err)
				}
			}
			if !strings.Contains(getting.Error(), path+" belongs to user root") {
				t.Errorf("%s: %v does not name %s", what, getting, path)
			}
		})
	}
	check("the store is root's", root, "run it as root (sudo -u root …), or give all of the store to 54321: sudo chown -R 54321 "+root)
	// Now all but one file is the user's.
	for _, directory := range []string{root, filepath.Join(root, "production"), filepath.Join(root, "production", "web")} {
		if err := os.Chown(directory, deployer, deployer); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(root, "production", "web", "state.json")
	as(t, deployer, func() {
		if _, err := s.Get(t.Context(), "production/web/state.json"); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), file+" belongs to user root, and this runs as 54321: give all of the store back") {
			t.Errorf("a file is root's: %v", err)
		}
	})
	// A group's store is to be joined, not to be taken.
	if err := errors.Join(os.Chown(root, 0, 4321), os.Chmod(root, 0o770|fs.ModeSetgid)); err != nil { // #nosec G302 -- as a group shares it
		t.Fatal(err)
	}
	as(t, deployer, func() {
		if err := s.Create(t.Context(), "staging/web", nil); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "sudo usermod -aG 4321 54321") || strings.Contains(err.Error(), "chown") {
			t.Errorf("a store of a group that one is not in: %v", err)
		}
	})
	if _, err := s.Get(t.Context(), "nothing"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("other errors stay as they are: %v", err)
	}
}
