package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Beside each release lies what it is: no secret, only their names. It is what a lost ledger is built anew from.

func (l layout) record(id service.ReleaseID) string { return l.path("records", id.Label()+".json") }

// writeRecord says what a release that is placed is. It is there whole, or not at all.
func writeRecord(l layout, r service.Release) error {
	if err := makeDirectories(l.path("records")); err != nil {
		return err
	}
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode its record: %w", err)
	}
	path := l.record(r.ID)
	temporary := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".writing")
	if err := os.WriteFile(temporary, data, 0o600); err != nil {
		return fmt.Errorf("write its record: %w", err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("write its record: %w", err)
	}
	return nil
}

func removeRecord(l layout, id service.ReleaseID) error {
	if err := os.Remove(l.record(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove its record: %w", err)
	}
	return nil
}

// Releases implements delivery.Platform.
func (h *Host) Releases(ctx context.Context) ([]service.Release, error) {
	l := layout(h.definition.Directory)
	if err := h.foreign(l); err != nil {
		return nil, fmt.Errorf("look for releases: %w", err)
	}
	paths, err := children(l.path("records"))
	if err != nil {
		return nil, fmt.Errorf("look for releases: %w", err)
	}
	type found struct {
		release service.Release
		placed  time.Time
	}
	var all []found
	for _, path := range paths {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("look for releases: %w", err)
		}
		r, placed, err := readRecord(path)
		if err != nil {
			return nil, err
		}
		if _, err := os.Stat(l.release(r.ID)); err != nil {
			continue // Killed before its files were there, or after they were gone.
		}
		all = append(all, found{r, placed})
	}
	slices.SortFunc(all, func(a, b found) int { return b.placed.Compare(a.placed) })
	releases := make([]service.Release, len(all))
	for i, f := range all {
		releases[i] = f.release
	}
	return releases, nil
}

func readRecord(path string) (r service.Release, placed time.Time, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return r, placed, fmt.Errorf("read the record of a release: %w", err)
	}
	data, err := os.ReadFile(path) //nolint:gosec // a file of ours
	if err != nil {
		return r, placed, fmt.Errorf("read the record of a release: %w", err)
	}
	if err := json.Unmarshal(data, &r); err != nil || r.ID == "" || !r.Placement.Placed() {
		return r, placed, fmt.Errorf("the record %s does not say what was placed: %w", path, errors.Join(err, errors.New("it is damaged; move it away to go on without that release")))
	}
	return r, info.ModTime(), nil
}
