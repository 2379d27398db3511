//go:build linux

package secureshell_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/secureshell"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/secureshell/sshtest"
)

// holds tells whether a file, alone in its directory, has this content.
func holds(t *testing.T, path, content string) {
	t.Helper()
	got, err := os.ReadFile(path) //nolint:gosec // the test's own
	if err != nil || string(got) != content {
		t.Errorf("%d bytes, %v; want %d", len(got), err, len(content))
	}
	if there, err := os.ReadDir(filepath.Dir(path)); err != nil || len(there) != 1 {
		t.Errorf("beside it: %v, %v", there, err)
	}
}

// Files are replaced whole, over one session, whoever has them.
func TestFilesAreReplaced(t *testing.T) {
	server := sshtest.Start(t)
	m := machine(t, server)
	path := filepath.Join(t.TempDir(), "it's a $file")
	for _, content := range []string{"a\n", "", strings.Repeat("a line\n", 100_000)} {
		if err := m.ReplaceFile(bounded(t), path, []byte(content), 0o640); err != nil {
			t.Fatal(err)
		}
		holds(t, path, content)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if n := strings.Count(server.Log(), "subsystem 'sftp'"); n != 1 {
		t.Errorf("%d sessions", n)
	}
}

// Where a machine serves no files, refuses one, or has no place for another session, that is said, the file is as it was, and scripts run.
func TestFilesThatAreNotServed(t *testing.T) {
	for name, options := range map[string][]sshtest.Option{
		"none":                {"Subsystem other internal-sftp"},
		"one that ends":       {"Subsystem sftp /bin/false"},
		"one that is silent":  {"Subsystem sftp /bin/sleep 60"},
		"one that only reads": {"Subsystem sftp internal-sftp -R"},
		"no place":            {"MaxSessions 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := sshtest.Start(t, options...)
			m := machine(t, server)
			path := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(path, []byte("before"), 0o600); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := m.ReplaceFile(bounded(t), path, []byte("after"), 0o644); !errors.Is(err, errors.ErrUnsupported) {
					t.Errorf("%v is no ErrUnsupported", err)
				}
			}
			holds(t, path, "before")
			if name != "no place" {
				says(t, m, "true", nil)
			}
		})
	}
	t.Run("no directory", func(t *testing.T) {
		m := machine(t, sshtest.Start(t))
		if err := m.ReplaceFile(bounded(t), filepath.Join(t.TempDir(), "none", "file"), nil, 0o644); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%v is no ErrUnsupported", err)
		}
		path := filepath.Join(t.TempDir(), "file")
		if err := m.ReplaceFile(bounded(t), path, []byte("after"), 0o644); err != nil {
			t.Error(err)
		}
		holds(t, path, "after")
	})
	t.Run("a directory", func(t *testing.T) {
		m := machine(t, sshtest.Start(t))
		path := filepath.Join(t.TempDir(), "file")
		if err := os.Mkdir(path, 0o750); err != nil {
			t.Fatal(err)
		}
		if err := m.ReplaceFile(bounded(t), path, []byte("after"), 0o644); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%v is no ErrUnsupported", err)
		}
		if there, err := os.ReadDir(filepath.Dir(path)); err != nil || len(there) != 1 {
			t.Errorf("beside it: %v, %v", there, err)
		}
	})
}

// A machine that allows one session has it for scripts.
func TestFilesTakeNoScriptsPlace(t *testing.T) {
	m := machine(t, sshtest.Start(t, "MaxSessions 1"))
	path := filepath.Join(t.TempDir(), "file")
	if err := m.ReplaceFile(bounded(t), path, []byte("a"), 0o644); err != nil {
		t.Fatal(err)
	}
	says(t, m, "true", nil)
	if err := m.ReplaceFile(bounded(t), path, []byte("b"), 0o644); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("%v is no ErrUnsupported", err)
	}
	holds(t, path, "a")
	says(t, m, "true", nil)
}

// A session that ended while nobody used it, as one that sshd keeps for a while only, is opened again.
func TestFilesAfterTheirSession(t *testing.T) {
	server := sshtest.Start(t, "Subsystem sftp echo $$ >DIRECTORY/serves; exec /usr/lib/openssh/sftp-server")
	m := machine(t, server)
	path := filepath.Join(t.TempDir(), "file")
	for _, content := range []string{"a", "b", "c"} {
		if err := m.ReplaceFile(bounded(t), path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		holds(t, path, content)
		says(t, m, "kill $(cat "+server.Path("serves")+")", nil)
	}
}

// A session that was lost is opened again by the next call; one that stands still is waited for as long as the context lasts.
func TestFilesOverLostConnections(t *testing.T) {
	server := sshtest.Start(t)
	m := machine(t, server)
	path := filepath.Join(t.TempDir(), "file")
	replace := func(ctx context.Context, content string) error {
		return m.ReplaceFile(ctx, path, []byte(content), 0o644)
	}
	if err := replace(bounded(t), "a"); err != nil {
		t.Fatal(err)
	}
	server.Disconnect()
	if err := replace(bounded(t), "b"); err != nil {
		t.Fatal(err)
	}
	holds(t, path, "b")
	server.Suspend()
	defer server.Resume()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := replace(ctx, "c"); !errors.Is(err, secureshell.ErrUnreachable) || errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("%v", err)
	}
	server.Resume()
	if err := replace(bounded(t), "d"); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "d" { //nolint:gosec // the test's own
		t.Errorf("%q, %v", got, err)
	}
}
