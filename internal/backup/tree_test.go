package backup

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// generous bounds what must not hang; no test waits for it when all is well.
const generous = time.Minute

type credentials map[string]string

func (c credentials) Lookup(name string) (string, error) {
	if value, found := c[name]; found {
		return value, nil
	}
	return "", errors.New("not given: set DEPLOY_CREDENTIAL_" + strings.ToUpper(name))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, content string, mode fs.FileMode) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755)) //nolint:gosec // a test's files
	must(t, os.WriteFile(path, []byte(content), mode))
	must(t, os.Chmod(path, mode))
}

// grow makes a tree with everything that a backup keeps, at path, and gives it times of its own.
func grow(t *testing.T, path string) {
	t.Helper()
	write(t, filepath.Join(path, "plain.txt"), "hello", 0o640)
	write(t, filepath.Join(path, "empty"), "", 0o600)
	write(t, filepath.Join(path, "a", "b", "deep ' $HOME \"name\"\n"), "deep", 0o644)
	write(t, filepath.Join(path, "a", "run.sh"), "#!/bin/sh\n", 0o755|fs.ModeSetuid)
	write(t, filepath.Join(path, "-rf"), "not an option", 0o444)
	write(t, filepath.Join(path, strings.Repeat("long", 60), strings.Repeat("name", 60)), "long", 0o644)
	write(t, filepath.Join(path, "ümläut"), strings.Repeat("large ", 100_000), 0o644)
	must(t, os.Mkdir(filepath.Join(path, "hollow"), 0o700))
	must(t, os.Symlink("plain.txt", filepath.Join(path, "link")))
	must(t, os.Symlink("/nowhere/at/all", filepath.Join(path, "dangling")))
	must(t, os.Symlink("a", filepath.Join(path, "to-directory")))
	must(t, os.Link(filepath.Join(path, "plain.txt"), filepath.Join(path, "same.txt")))
	must(t, syscall.Mkfifo(filepath.Join(path, "pipe"), 0o620))
	must(t, os.Chmod(filepath.Join(path, "pipe"), 0o620))
	// In a namespace of one's own there are no other users.
	if os.Geteuid() == 0 && os.Getenv(helperMount) == "" {
		must(t, os.Lchown(filepath.Join(path, "empty"), 12345, 54321))
		must(t, os.Lchown(filepath.Join(path, "link"), 12345, 54321))
		must(t, os.Chown(path, 23456, 0))
	}
	then := time.Date(2020, 2, 3, 4, 5, 6, 789_000_000, time.UTC)
	must(t, os.Chtimes(filepath.Join(path, "plain.txt"), then, then))
	must(t, os.Chtimes(filepath.Join(path, "a"), then, then))
	// Closed at last, to everybody but root.
	must(t, os.Chmod(filepath.Join(path, "hollow"), 0o500)) //nolint:gosec // a test's files
	must(t, os.Chmod(path, 0o751))                          //nolint:gosec // a test's files
	must(t, os.Chtimes(path, then, then))
}

// look describes all there is at path: kind, mode, owner, time, content, and which names are one file.
func look(t *testing.T, path string) map[string]string {
	t.Helper()
	seen := map[string]string{}
	firsts := map[uint64]string{}
	err := filepath.WalkDir(path, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(name)
		if err != nil {
			return err
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			return errors.New("no stat")
		}
		relative, err := filepath.Rel(path, name)
		if err != nil {
			return err
		}
		description := fmt.Sprintf("%s %d:%d %s", info.Mode(), stat.Uid, stat.Gid, info.ModTime().UTC().Format(time.RFC3339Nano))
		switch info.Mode().Type() {
		case 0:
			content, err := os.ReadFile(name) //nolint:gosec // a test's files
			if err != nil {
				return err
			}
			if firsts[stat.Ino] == "" {
				firsts[stat.Ino] = relative
			}
			description += fmt.Sprintf(" %x = %s", sha256.Sum256(content), firsts[stat.Ino])
		case fs.ModeSymlink:
			target, err := os.Readlink(name)
			if err != nil {
				return err
			}
			description += " -> " + target
		}
		seen[relative] = description
		return nil
	})
	must(t, err)
	return seen
}

// disturb does to a tree what a release that went wrong may have done.
func disturb(t *testing.T, path string) {
	t.Helper()
	write(t, filepath.Join(path, "created since"), "x", 0o644)
	write(t, filepath.Join(path, "a", "new", "deep"), "x", 0o644)
	write(t, filepath.Join(path, "plain.txt"), "overwritten", 0o600)
	must(t, os.RemoveAll(filepath.Join(path, "ümläut")))
	must(t, os.Remove(filepath.Join(path, "link")))
	must(t, os.Mkdir(filepath.Join(path, "link"), 0o755)) //nolint:gosec // a test's files
	must(t, os.Chmod(filepath.Join(path, "hollow"), 0o700))
	must(t, os.Remove(filepath.Join(path, "hollow")))
	write(t, filepath.Join(path, "hollow"), "a file now", 0o644)
}

func newFiles(t *testing.T, path string) delivery.Backup {
	t.Helper()
	b, err := New("uploads", service.Backup{Files: &service.FilesBackup{Path: path}, OnRestore: "discard"}, nil)
	must(t, err)
	return b
}

// saved saves and verifies into a new directory.
func saved(t *testing.T, b delivery.Backup) (dir string, files []service.BackupFile) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "checkpoint's", "backup")
	files, err := b.Save(t.Context(), dir)
	must(t, err)
	must(t, b.Verify(t.Context(), dir, files))
	return dir, files
}
