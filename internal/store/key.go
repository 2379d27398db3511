package store

import (
	"fmt"
	"io/fs"
	"strings"
)

// CheckKey refuses what no store takes as a key, so that keys mean the same everywhere: segments between slashes, in
// UTF-8, of which none is empty or begins with a dot.
func CheckKey(key string) error {
	for segment := range strings.SplitSeq(key, "/") {
		switch {
		case segment == "":
			return fmt.Errorf("%q is not a key: it has an empty segment", key)
		case strings.HasPrefix(segment, "."):
			return fmt.Errorf("%q is not a key: a segment begins with a dot", key)
		// A backslash separates directories on Windows alone.
		case strings.ContainsFunc(segment, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }):
			return fmt.Errorf("%q is not a key: it has a backslash or a control character", key)
		}
	}
	if !fs.ValidPath(key) {
		return fmt.Errorf("%q is not a key: it is not UTF-8", key)
	}
	return nil
}

// CheckPrefix refuses a prefix that no key can begin with.
func CheckPrefix(prefix string) error {
	for _, part := range []string{prefix[:strings.LastIndexByte(prefix, '/')+1], prefix[strings.LastIndexByte(prefix, '/')+1:]} {
		if part == "" {
			continue
		}
		if err := CheckKey(strings.TrimSuffix(part, "/")); err != nil {
			return fmt.Errorf("prefix %q: %w", prefix, err)
		}
	}
	return nil
}
