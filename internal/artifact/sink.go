package artifact

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"time"
)

// noTime leaves a file's time of modification as it comes.
var noTime time.Time

// rootSink writes below a directory. os.Root refuses whatever would leave it, should the rules of archive.go have a hole.
type rootSink struct{ root *os.Root }

func (s rootSink) directory(name string, mode fs.FileMode) error {
	if err := s.root.MkdirAll(name, 0o755); err != nil { //nolint:gosec // a release may run under another user
		return err
	}
	return s.root.Chmod(name, mode)
}

func (s rootSink) parent(name string) error {
	if parent := path.Dir(name); parent != "." {
		return s.root.MkdirAll(parent, 0o755) //nolint:gosec // a release may run under another user
	}
	return nil
}

func (s rootSink) file(name string, mode fs.FileMode, modified time.Time, content io.Reader) (err error) {
	if err := s.parent(name); err != nil {
		return err
	}
	// A file that comes again replaces the first; hard links to that keep what it held.
	if err := s.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := s.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := io.Copy(f, content); err != nil {
		return err
	}
	if err := f.Chmod(mode); err != nil {
		return err
	}
	if modified.IsZero() {
		return nil
	}
	return s.root.Chtimes(name, modified, modified)
}

func (s rootSink) symlink(name, target string) error {
	if err := s.parent(name); err != nil {
		return err
	}
	return s.root.Symlink(target, name)
}

func (s rootSink) link(name, target string) error {
	if err := s.parent(name); err != nil {
		return err
	}
	return s.root.Link(target, name)
}
