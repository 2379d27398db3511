package local

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// path is the file of a key. Temporary files begin with a dot, which no key's segment does. A key that the operating
// system has no file name for is an error.
func (s *Store) path(key string) (string, error) {
	if err := store.CheckKey(key); err != nil {
		return "", err
	}
	name, err := filepath.Localize(key)
	if err != nil {
		return "", fmt.Errorf("%q is not a key: no file can be called that: %w", key, err)
	}
	return filepath.Join(s.root, name), nil
}

// split is the directory that holds all keys that begin with prefix, a key, or empty for the root.
func split(prefix string) (directory string, err error) {
	if err := store.CheckPrefix(prefix); err != nil {
		return "", err
	}
	return prefix[:max(0, strings.LastIndexByte(prefix, '/'))], nil
}
