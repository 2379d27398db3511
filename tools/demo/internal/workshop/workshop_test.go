package workshop_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/workshop"
)

func TestOpenClearsWhatAnEarlierRunLeft(t *testing.T) {
	root := t.TempDir()
	demo := filepath.Join(root, "build", "demo")
	for _, name := range []string{"store/ledger/00000001.json", "bin/web"} {
		path := filepath.Join(demo, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("left"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var said []string
	say := func(format string, values ...any) { said = append(said, fmt.Sprintf(format, values...)) }
	w, err := workshop.Open(root, say)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(demo, "store")); !os.IsNotExist(err) {
		t.Errorf("the store of an earlier run is still there: %v", err)
	}
	if _, err := os.Stat(filepath.Join(demo, "bin", "web")); err != nil {
		t.Errorf("a built program is gone: %v", err)
	}
	if len(said) != 0 {
		t.Errorf("told %q, and nothing was running", said)
	}

	if _, err := workshop.Open(root, say); err == nil || !strings.Contains(err.Error(), "another demo") {
		t.Errorf("a second demo at once: %v, want it refused", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := workshop.Open(root, say)
	if err != nil {
		t.Fatalf("after the first is over: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}
