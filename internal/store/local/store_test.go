package local

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

func open(t *testing.T, root string) *Store {
	t.Helper()
	s, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOpenAndReadingCreateNothing(t *testing.T) {
	root := filepath.Join(t.TempDir(), "store")
	s := open(t, root)
	if _, err := s.Get(t.Context(), "a/b"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get: %v, want ErrNotFound", err)
	}
	if keys, err := s.List(t.Context(), ""); err != nil || len(keys) != 0 {
		t.Errorf("List: %q, %v", keys, err)
	}
	if err := s.Delete(t.Context(), "a/b"); err != nil {
		t.Errorf("Delete: %v", err)
	}
	if _, err := os.Stat(root); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory was made: %v", err)
	}
}

func TestURLNamesTheAbsoluteDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"plain", "with space", "50%", "a#b?c"} {
		for _, root := range []string{name, filepath.Join(here, name)} {
			parsed, err := url.Parse(open(t, root).URL())
			if err != nil {
				t.Fatal(err)
			}
			want := filepath.ToSlash(filepath.Join(here, name))
			if !strings.HasSuffix(parsed.Path, want) || parsed.Host != "" || parsed.RawQuery != "" || parsed.Fragment != "" {
				t.Errorf("URL of %q is %v", root, parsed)
			}
		}
	}
	if got, want := open(t, "/srv/releases").URL(), "file:///srv/releases"; got != want && filepath.Separator == '/' {
		t.Errorf("URL %s, want %s", got, want)
	}
}

func TestOpenRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, 0)
	for _, root := range []string{"", file} {
		if _, err := Open(root); err == nil || !strings.Contains(err.Error(), root) {
			t.Errorf("Open(%q): %v, want an error that names it", root, err)
		}
	}
}

func TestErrorsNameWhatCannotBeWrittenAndWhy(t *testing.T) {
	root := t.TempDir()
	s := open(t, root)
	// A file where a directory would have to be stops everyone, the superuser too.
	write(t, filepath.Join(root, "production"), 0)
	for method, err := range map[string]error{
		"Create": s.Create(t.Context(), "production/web/1.json", nil),
		"Put":    s.Put(t.Context(), "production/web/1.json", nil),
	} {
		if !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("%s: %v, want ENOTDIR", method, err)
			continue
		}
		for _, part := range []string{filepath.Join(root, "production", "web", "1.json"), s.URL() + " cannot be written in " + filepath.Join(root, "production", "web")} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q lacks %q", method, err, part)
			}
		}
	}
}

func TestADirectoryIsNoObject(t *testing.T) {
	s := open(t, t.TempDir())
	if err := s.Create(t.Context(), "a/b", nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Create(t.Context(), "a", nil); err == nil || errors.Is(err, store.ErrExists) {
		t.Errorf("Create under a directory's name: %v, want an error that is not ErrExists", err)
	}
	if err := s.Put(t.Context(), "a", nil); err == nil {
		t.Error("Put replaced a directory")
	}
	if err := os.Mkdir(filepath.Join(s.root, "empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), "empty"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(s.root, "empty")); err != nil {
		t.Errorf("Delete removed a directory: %v", err)
	}
	wantFiles(t, s.root, "a/b")
}

func TestTemporaryFilesAreSweptByWritersAlone(t *testing.T) {
	for name, put := range map[string]func(*Store, string) error{
		"Create": func(s *Store, key string) error { return s.Create(t.Context(), key, nil) },
		"Put":    func(s *Store, key string) error { return s.Put(t.Context(), key, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			if err := open(t, root).Create(t.Context(), "a/1", nil); err != nil {
				t.Fatal(err)
			}
			s := open(t, root)
			write(t, filepath.Join(root, "a", ".tmp-old"), 2*time.Hour)
			write(t, filepath.Join(root, "a", ".tmp-young"), 30*time.Minute)
			write(t, filepath.Join(root, "a", ".profile"), 2*time.Hour)
			if keys, err := s.List(t.Context(), ""); err != nil || !cmp.Equal(keys, []string{"a/1"}) {
				t.Errorf("List: %q, %v", keys, err)
			}
			if _, err := s.Get(t.Context(), "a/1"); err != nil {
				t.Error(err)
			}
			wantFiles(t, root, "a/.profile", "a/.tmp-old", "a/.tmp-young", "a/1")
			if err := put(s, "a/2"); err != nil {
				t.Fatal(err)
			}
			wantFiles(t, root, "a/.profile", "a/.tmp-young", "a/1", "a/2")
		})
	}
}

func TestAgeIsNeverNegative(t *testing.T) {
	s := open(t, t.TempDir())
	write(t, filepath.Join(s.root, "object"), -time.Hour)
	object, err := s.Get(t.Context(), "object")
	if err != nil || object.Age != 0 {
		t.Errorf("age %v, %v, want 0", object.Age, err)
	}
	write(t, filepath.Join(s.root, "object"), time.Hour)
	if object, err = s.Get(t.Context(), "object"); err != nil || object.Age < time.Hour || object.Age > 2*time.Hour {
		t.Errorf("age %v, %v, want an hour", object.Age, err)
	}
}

func FuzzKeysStayBelowTheRoot(f *testing.F) {
	for _, key := range []string{"a", "a/b", "../a", "a/../../b", "/a", "a//b", ".a", "a/.b", `a\..\..\b`, "a\x00b", "C:a", "\xff"} {
		f.Add(key)
	}
	root := f.TempDir()
	s, err := Open(root)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, key string) {
		path, err := s.path(key)
		if err != nil {
			return
		}
		relative, err := filepath.Rel(root, path)
		if err != nil || filepath.ToSlash(relative) != key || !filepath.IsLocal(relative) || strings.HasPrefix(relative, ".") {
			t.Errorf("key %q is file %q: %v", key, path, err)
		}
	})
}

func write(t *testing.T, path string, age time.Duration) {
	t.Helper()
	if err := os.WriteFile(path, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	then := time.Now().Add(-age)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
}

func wantFiles(t *testing.T, root string, want ...string) {
	t.Helper()
	var got []string
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			relative, _ := filepath.Rel(root, path)
			got = append(got, filepath.ToSlash(relative))
		}
		return err
	})
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("files %q, %v, want %q", got, err, want)
	}
}
