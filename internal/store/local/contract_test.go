package local_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/local"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/storetest"
)

func TestMain(m *testing.M) {
	os.Exit(storetest.Main(m, func(root string) (store.Store, error) { return local.Open(root) }))
}

func TestContract(t *testing.T) {
	root := filepath.Join(t.TempDir(), "not", "there yet")
	open := func() store.Store {
		s, err := local.Open(root)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	// Kernels stamp files with a clock that moves on every few milliseconds.
	storetest.Run(t, open, storetest.Options{Recipe: root, Resolution: 50 * time.Millisecond})

	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		want := os.FileMode(0o600)
		if entry.IsDir() {
			want = 0o700
		}
		if got := info.Mode().Perm(); got != want && filepath.Separator == '/' {
			t.Errorf("%s is open to others: %v, want %v", path, got, want)
		}
		if entry.Name()[0] == '.' {
			t.Errorf("%s was left behind", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
