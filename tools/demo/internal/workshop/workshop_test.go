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
	w, err := workshop.Open(root, "demo", say)
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

	if _, err := workshop.Open(root, "demo", say); err == nil || !strings.Contains(err.Error(), "another run") {
		t.Errorf("a second demo at once: %v, want it refused", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := workshop.Open(root, "demo", say)
	if err != nil {
		t.Fatalf("after the first is over: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func TestLink(t *testing.T) {
	root := t.TempDir()
	say := func(string, ...any) {}
	w, err := workshop.Open(root, "judging", say)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := w.Link("caddy", "caddy"); err == nil || !strings.Contains(err.Error(), "make caddy") {
		t.Errorf("a program that was not built: %v, want to be told how to", err)
	}
	built := filepath.Join(root, "build", "bin", "caddy")
	if err := os.MkdirAll(filepath.Dir(built), 0o750); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"built", "built again"} {
		_ = os.Remove(built)
		if err := os.WriteFile(built, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		path, err := w.Link("caddy", "caddy")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != text || !strings.HasPrefix(path, w.Directory) {
			t.Errorf("%s has %q, %v, want %q in the directory of the run", path, got, err, text)
		}
	}
}
