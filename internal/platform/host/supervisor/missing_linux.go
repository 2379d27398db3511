package supervisor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// missingFile, among the log files, says what of the log is missing. It goes with them when the release starts anew.
const missingFile = ".missing"

// Missing says what of the log since the release's last start is no longer there; empty: nothing.
func (d Directory) Missing(r service.ReleaseID) (string, error) {
	data, err := os.ReadFile(filepath.Join(d.Logs(r), missingFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read what is missing of the log: %w", err)
	}
	return strings.TrimSpace(string(data)), nil
}

// incomplete notes why the log in dir is; the first reason stays.
func incomplete(dir, reason string) {
	f, err := os.OpenFile(filepath.Join(dir, missingFile), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // a file of ours
	if errors.Is(err, fs.ErrExist) {
		return
	}
	if err == nil {
		_, err = f.WriteString(reason + "\n")
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		complain(fmt.Errorf("note that the log is not complete (%s): %w", reason, err))
	}
}

// rotation counts how often the log began a new file: with more than are kept, the oldest one was deleted.
type rotation struct {
	dir     string
	bounds  service.HostLog
	current fs.FileInfo
	files   int
}

// newRotation goes on with what another logger has left.
func newRotation(dir string, bounds service.HostLog) *rotation {
	r := &rotation{dir: dir, bounds: bounds}
	r.current, _ = os.Stat(filepath.Join(dir, LogFile))
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if name := e.Name(); name != LogFile && !strings.HasPrefix(name, ".") {
			r.files++
		}
	}
	return r
}

// look is called after each write. The file before has another name then, and still its inode.
func (r *rotation) look() {
	now, err := os.Stat(filepath.Join(r.dir, LogFile))
	if err != nil {
		return // Removed with its release.
	}
	if r.current != nil && !os.SameFile(r.current, now) {
		if r.files++; r.files == r.bounds.MaxFiles+1 && r.bounds.MaxFiles > 0 {
			incomplete(r.dir, fmt.Sprintf("the oldest lines were rotated away: the log keeps %d files of %d MiB", r.bounds.MaxFiles+1, r.bounds.MaxSize))
		}
	}
	r.current = now
}
