package local

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// path is the file of a key. Keys are segments between slashes; an empty segment, one that begins with a dot (names of
// temporary files do, and "..") and one that the operating system has no file name for are errors.
func (s *Store) path(key string) (string, error) {
	if err := checkSegments(key); err != nil {
		return "", err
	}
	name, err := filepath.Localize(key)
	if err != nil {
		return "", fmt.Errorf("%q is not a key: no file can be called that: %w", key, err)
	}
	return filepath.Join(s.root, name), nil
}

func checkSegments(key string) error {
	for segment := range strings.SplitSeq(key, "/") {
		switch {
		case segment == "":
			return fmt.Errorf("%q is not a key: it has an empty segment", key)
		case strings.HasPrefix(segment, "."):
			return fmt.Errorf("%q is not a key: a segment begins with a dot", key)
		// A backslash separates directories on Windows alone; keys mean the same everywhere.
		case strings.ContainsFunc(segment, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }):
			return fmt.Errorf("%q is not a key: it has a backslash or a control character", key)
		}
	}
	if !fs.ValidPath(key) {
		return fmt.Errorf("%q is not a key: it is not UTF-8", key)
	}
	return nil
}

// split parts a prefix of keys into the directory that holds all keys that begin with it, a key or empty for the root,
// and checks it: a prefix that no key can begin with is an error, like such a key.
func split(prefix string) (directory string, err error) {
	cut := strings.LastIndexByte(prefix, '/')
	if rest := prefix[cut+1:]; rest != "" {
		if err := checkSegments(rest); err != nil {
			return "", fmt.Errorf("prefix %q: %w", prefix, err)
		}
	}
	if cut < 0 {
		return "", nil
	}
	if err := checkSegments(prefix[:cut]); err != nil {
		return "", fmt.Errorf("prefix %q: %w", prefix, err)
	}
	return prefix[:cut], nil
}
