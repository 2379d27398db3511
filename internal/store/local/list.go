package local

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// List names the objects whose keys begin with prefix, sorted by bytes. The prefix is text: "a/b" finds "a/bc" and "a/b/c".
// Files whose names begin with a dot, temporary ones among them, are no objects. What another process removes
// meanwhile may be missing from the list or not; nothing is changed.
func (s *Store) List(ctx context.Context, prefix string) ([]string, error) {
	directory, err := split(prefix)
	if err != nil {
		return nil, fmt.Errorf("list the objects of %s: %w", s.root, err)
	}
	path := s.root
	if directory != "" {
		if path, err = s.path(directory); err != nil {
			return nil, fmt.Errorf("list the objects of %s: %w", s.root, err)
		}
	}
	keys, err := walk(ctx, nil, path, directory, prefix)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", path, err)
	}
	slices.Sort(keys)
	return keys, nil
}

// walk adds to keys those of the files below path, the directory of the key called directory.
func walk(ctx context.Context, keys []string, path, directory, prefix string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(path)
	if missing(err) {
		return keys, nil
	}
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		key := entry.Name()
		if directory != "" {
			key = directory + "/" + key
		}
		if store.CheckKey(entry.Name()) != nil || !(strings.HasPrefix(key, prefix) || strings.HasPrefix(prefix, key+"/")) {
			continue
		}
		file := filepath.Join(path, entry.Name())
		kind := entry.Type()
		if kind&fs.ModeSymlink != 0 {
			// Followed, as Get does: a service's directory may lie on another disk.
			info, err := os.Stat(file)
			if err != nil {
				continue
			}
			kind = info.Mode().Type()
		}
		switch {
		case kind.IsDir():
			if keys, err = walk(ctx, keys, file, key, prefix); err != nil {
				return nil, err
			}
		case kind.IsRegular():
			keys = append(keys, key)
		}
	}
	return keys, nil
}
