package workshop

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Link takes a program that `make target` left in build/bin of the repository into the directory of this run, so that its processes are
// known by where they run from, and returns its path.
func (w *Workshop) Link(name, target string) (string, error) {
	from, to := filepath.Join(w.Root, "build", "bin", name), filepath.Join(w.Bin(), name)
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("take %s into this run: %w", name, err)
	}
	if err := os.Link(from, to); err != nil {
		return "", fmt.Errorf("take %s into this run: %w; make it with: make %s", name, err, target)
	}
	return to, nil
}
