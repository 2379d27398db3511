package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host/supervisor"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const (
	// logBlock is how much of a log is read at once, from its end.
	logBlock = 64 << 10
	// logLimit bounds what is read of one instance's log, in bytes.
	logLimit = 32 << 20
)

// Logs implements delivery.Platform. Each of several instances gets its share of the limit.
func (h *Host) Logs(ctx context.Context, p service.Placement, limit int) ([]string, error) {
	l, err := h.where(p)
	if err != nil {
		return nil, fmt.Errorf("read the log of %s: %w", p.Release, err)
	}
	all := make([][]string, len(p.Instances))
	for n, i := range p.Instances {
		path, err := l.instance(i.Name)
		if err == nil {
			all[n], err = tail(ctx, supervisor.Directory(path).Logs(p.Release), limit)
		}
		if err != nil {
			return nil, fmt.Errorf("read the log of %s of %s: %w", i.Name, p.Release, err)
		}
	}
	var lines []string
	for n, kept := range share(all, limit) {
		for _, line := range kept {
			if len(p.Instances) > 1 {
				line = p.Instances[n].Name + ": " + line
			}
			lines = append(lines, line)
		}
	}
	return lines, nil
}

// LogsMissing says what of the lines that p's instances wrote since they were started Logs cannot return however many it is
// asked for; empty: nothing.
func (h *Host) LogsMissing(ctx context.Context, p service.Placement) (string, error) {
	l, err := h.where(p)
	if err != nil {
		return "", fmt.Errorf("look whether the log of %s is complete: %w", p.Release, err)
	}
	var reasons []string
	for _, i := range p.Instances {
		path, err := l.instance(i.Name)
		var reason string
		if err == nil {
			reason, err = missing(supervisor.Directory(path), p.Release)
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return "", fmt.Errorf("look whether the log of %s of %s is complete: %w", i.Name, p.Release, err)
		}
		if reason != "" {
			reasons = append(reasons, i.Name+": "+reason)
		}
	}
	return strings.Join(reasons, "; "), nil
}

func missing(dir supervisor.Directory, release service.ReleaseID) (string, error) {
	reason, err := dir.Missing(release)
	if err != nil || reason != "" {
		return reason, err
	}
	paths, err := children(dir.Logs(release))
	if err != nil {
		return "", err
	}
	size := int64(0)
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil { // One that is rotated away this moment is noted.
			size += info.Size()
		}
	}
	if size > logLimit {
		return fmt.Sprintf("the log has %d MiB, of which the last %d are read", size>>20, logLimit>>20), nil
	}
	return "", nil
}

// share cuts the lines of several instances such that together they are at most limit: each keeps its last ones, and
// who has few leaves room to the others.
func share(all [][]string, limit int) [][]string {
	order := make([]int, len(all))
	for n := range order {
		order[n] = n
	}
	slices.SortFunc(order, func(a, b int) int { return len(all[a]) - len(all[b]) })
	for done, n := range order {
		quota := limit / (len(order) - done)
		if cut := len(all[n]) - quota; cut > 0 {
			all[n] = all[n][cut:]
		}
		limit -= len(all[n])
	}
	return all
}

// tail reads the last lines of the log files in dir, as if they were one.
func tail(ctx context.Context, dir string, limit int) ([]string, error) {
	if limit <= 0 {
		return nil, nil
	}
	files, err := logFiles(dir)
	defer func() {
		for _, f := range files {
			_ = f.Close()
		}
	}()
	if err != nil {
		return nil, err
	}
	var blocks []string // The last first.
	newlines, size := 0, 0
	for _, f := range files {
		info, err := f.Stat()
		if err != nil {
			return nil, err
		}
		for end := info.Size(); end > 0 && newlines <= limit && size < logLimit; {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			block := make([]byte, min(end, logBlock))
			end -= int64(len(block))
			if _, err := f.ReadAt(block, end); err != nil && !errors.Is(err, io.EOF) {
				return nil, err
			}
			blocks = append(blocks, string(block))
			newlines += strings.Count(string(block), "\n")
			size += len(block)
		}
	}
	slices.Reverse(blocks)
	text := strings.TrimSuffix(strings.Join(blocks, ""), "\n")
	if text == "" {
		return nil, nil
	}
	lines := strings.Split(text, "\n")
	return lines[max(0, len(lines)-limit):], nil
}

// logFiles opens the log files in dir, the one that is written to first, then the older ones, youngest first. It is
// opened before the others are listed: renamed in between, it is among them, and known.
func logFiles(dir string) ([]*os.File, error) {
	current, err := os.Open(filepath.Join(dir, supervisor.LogFile)) //nolint:gosec // a log of ours
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var files []*os.File
	if err == nil {
		files = append(files, current)
	}
	older, err := children(dir)
	if err != nil {
		return files, err
	}
	slices.Sort(older) // Their names have the time of rotation in them.
	slices.Reverse(older)
	for _, name := range older {
		if filepath.Base(name) == supervisor.LogFile {
			continue
		}
		f, err := os.Open(name) //nolint:gosec // a log of ours
		if errors.Is(err, fs.ErrNotExist) {
			continue // Rotated away.
		}
		if err != nil {
			return files, err
		}
		if len(files) > 0 && same(files[0], f) {
			_ = f.Close()
			continue
		}
		files = append(files, f)
	}
	return files, nil
}

func same(a, b *os.File) bool {
	one, err := a.Stat()
	other, otherErr := b.Stat()
	return err == nil && otherErr == nil && os.SameFile(one, other)
}
