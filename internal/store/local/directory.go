package local

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// temporaryPrefix begins with a dot, so that no key can name a temporary file.
	temporaryPrefix = ".tmp-"
	// temporaryAge is far beyond what any write takes: an older temporary file was left by a process that was killed.
	temporaryAge = time.Hour
)

// writeTemporary copies data, synced, into a new file of the directory, which it makes where needed, and returns its path.
func (s *Store) writeTemporary(directory string, data io.Reader) (string, error) {
	if err := s.prepare(directory); err != nil {
		return "", s.unwritable(directory, err)
	}
	file, err := os.CreateTemp(directory, temporaryPrefix+"*")
	if err != nil {
		return "", s.unwritable(directory, err)
	}
	_, err = io.Copy(file, data)
	if err == nil && s.shared() {
		err = file.Chmod(0o660)
	}
	if err == nil {
		err = file.Sync()
	}
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return "", s.unwritable(directory, err)
	}
	return file.Name(), nil
}

// prepare makes the directory, if it is not there, so that it outlives a power failure. What another process made is
// synced as well, since that process may not have come to it: once a process and directory.
func (s *Store) prepare(directory string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := os.Stat(directory); err == nil && s.ready[directory] {
		return nil
	}
	deepest := existing(directory)
	if err := s.makeAll(directory); err != nil {
		return err
	}
	for child := directory; child != filepath.Dir(child); child = filepath.Dir(child) {
		parent := filepath.Dir(child)
		made := len(child) > len(deepest)
		// Above the store, only what was made now is ours; the root's own entry may be another's that is making it too.
		if !made && !s.holds(child) {
			break
		}
		// A parent of the root that was there may be closed to us; then it is not ours to make last either.
		if err := s.syncDirectory(parent); err != nil && (made || s.holds(parent)) {
			return fmt.Errorf("make the directory %s last: %w", child, err)
		}
	}
	s.sweep(directory)
	s.ready[directory] = true
	return nil
}

// holds tells whether path is the root or below it.
func (s *Store) holds(path string) bool {
	return path == s.root || strings.HasPrefix(path, strings.TrimSuffix(s.root, string(filepath.Separator))+string(filepath.Separator))
}

// existing is the deepest of path and its parents that is there.
func existing(path string) string {
	for {
		if _, err := os.Stat(path); err == nil || path == filepath.Dir(path) {
			return path
		}
		path = filepath.Dir(path)
	}
}

// sweep removes temporary files that killed processes left in a directory. Failing to do so harms nobody.
func (s *Store) sweep(directory string) {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), temporaryPrefix) || !entry.Type().IsRegular() && !entry.IsDir() {
			continue
		}
		if info, err := entry.Info(); err == nil && time.Since(info.ModTime()) > temporaryAge {
			_ = os.Remove(filepath.Join(directory, entry.Name())) // A directory only if it is empty, as ours are.
		}
	}
}
