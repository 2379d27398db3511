// Package local keeps a store's objects as files below a directory.
//
// A key is a file's path below the directory. The directory belongs on a disk of this machine, or on a network file
// system whose server's clock agrees with this machine's: ages are the difference between the two.
package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// Store implements store.Store. Exactly one of several creators wins because link(2) is exclusive, across processes
// as well; the object is whole from its first moment because what is linked was written and synced before.
//
// A file system without hard links (FAT, some FUSE ones) is refused with ErrNoHardLinks: the alternative, opening the
// final name exclusively and then writing, would let a kill leave half an object that nobody may overwrite.
type Store struct {
	root string

	mu sync.Mutex
	// ready are directories that this process has seen on disk for good and swept.
	ready map[string]bool

	// What tests stand in for.
	link          func(oldname, newname string) error
	syncDirectory func(directory string) error
}

var _ store.Store = (*Store)(nil)

// ErrNoHardLinks says that a directory's file system cannot create an object exactly once.
var ErrNoHardLinks = errors.New("its file system has no hard links, without which two writers could both believe to have " +
	"created an object: choose a directory on another file system (ext4, xfs, btrfs, zfs, APFS and NTFS have them)")

// Open names a store in the directory root, relative to the working directory or absolute. It creates nothing, so
// that a plan works with read-only rights: a directory that is not there yet holds no objects, and the first Create
// or Put makes it, readable by its owner alone. Where the root is a group's (Shared), what is written is the
// group's as well. A root that is something else than a directory is an error.
func Open(root string) (*Store, error) {
	if root == "" {
		return nil, errors.New("open the local store: it has no directory")
	}
	absolute, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("open the local store %s: %w", root, err)
	}
	if info, err := os.Stat(absolute); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("open the local store %s: it is not a directory", absolute)
	}
	return &Store{root: absolute, ready: map[string]bool{}, link: os.Link, syncDirectory: syncDirectory}, nil
}

// URL is "file://" and the absolute directory, escaped where a URL needs it.
func (s *Store) URL() string {
	path := filepath.ToSlash(s.root)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // A drive's letter.
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}

// Get reads an object. Its age is this machine's clock less the file's modification time, and never negative.
func (s *Store) Get(ctx context.Context, key string) (store.Object, error) {
	path, err := s.path(key)
	if err != nil {
		return store.Object{}, fmt.Errorf("read an object of %s: %w", s.root, err)
	}
	object, err := read(ctx, path)
	if err != nil {
		return store.Object{}, fmt.Errorf("read %s: %w", path, err)
	}
	return object, nil
}

// Open streams an object; it comes as it was when it was opened, whatever takes its name meanwhile.
func (s *Store) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	path, err := s.path(key)
	if err != nil {
		return nil, fmt.Errorf("read an object of %s: %w", s.root, err)
	}
	file, err := openFile(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return file, nil
}

// openFile opens a regular file; store.ErrNotFound where there is none.
func openFile(ctx context.Context, path string) (*os.File, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// Looked at before it is opened, since opening a pipe waits for its other end.
	info, err := os.Stat(path)
	switch {
	case missing(err) || (err == nil && info.IsDir()):
		return nil, store.ErrNotFound
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file")
	}
	file, err := os.Open(path) // #nosec G304 -- path is made of a checked key.
	if missing(err) {
		return nil, store.ErrNotFound
	}
	return file, err
}

func read(ctx context.Context, path string) (store.Object, error) {
	file, err := openFile(ctx, path)
	if err != nil {
		return store.Object{}, err
	}
	defer func() { _ = file.Close() }()
	// The open file's own time: the name may have been given to another file meanwhile.
	info, err := file.Stat()
	if err != nil {
		return store.Object{}, err
	}
	data, err := io.ReadAll(file)
	if err != nil {
		return store.Object{}, err
	}
	now := time.Now()
	return store.Object{Data: data, Age: max(0, now.Sub(info.ModTime())), Now: now.UTC()}, nil
}

// Delete removes an object; none is no error. Directories stay.
func (s *Store) Delete(ctx context.Context, key string) error {
	path, err := s.path(key)
	if err != nil {
		return fmt.Errorf("delete an object of %s: %w", s.root, err)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("delete %s: %w", path, err)
	}
	info, err := os.Lstat(path)
	if missing(err) || (err == nil && info.IsDir()) {
		return nil
	}
	if err == nil {
		err = os.Remove(path)
	}
	if missing(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("delete %s: %w", path, err)
	}
	if err := s.syncDirectory(filepath.Dir(path)); err != nil {
		return fmt.Errorf("delete %s: make it last: %w", path, err)
	}
	return nil
}

// missing tells whether an error means that nothing has this name; a file where a directory would have to be means it too.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNotDirectory)
}
