package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// newDirectory makes the directory that a backup is saved into. One that holds something already is refused: what an
// earlier run left behind must not count as saved. It returns the absolute path.
func newDirectory(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find the backup's directory: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make the backup's directory: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("read the backup's directory: %w", err)
	}
	if len(entries) > 0 {
		return "", fmt.Errorf("the backup's directory %s is not empty: it holds %s", dir, entries[0].Name())
	}
	return dir, nil
}

// record lists the files of dir with sizes and checksums, sorted by name.
func record(ctx context.Context, dir string) ([]service.BackupFile, error) {
	var files []service.BackupFile
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return nil
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return fmt.Errorf("name %s: %w", path, err)
		}
		if !entry.Type().IsRegular() {
			return fmt.Errorf("%s is not a regular file (%s): only those can be checked and kept", path, entry.Type())
		}
		size, sum, err := measure(ctx, path)
		if err != nil {
			return err
		}
		files = append(files, service.BackupFile{Name: filepath.ToSlash(name), Size: size, SHA256: sum})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("record what was saved in %s: %w", dir, err)
	}
	return files, nil
}

// verify compares the files of dir with what was recorded: no file less, none more, none other.
func verify(ctx context.Context, dir string, want []service.BackupFile) error {
	if len(want) == 0 {
		return errors.New("nothing was saved, so there is nothing that could be verified")
	}
	got, err := record(ctx, dir)
	if err != nil {
		return err
	}
	found := map[string]service.BackupFile{}
	for _, f := range got {
		found[f.Name] = f
	}
	var failures []error
	for _, w := range want {
		g, there := found[w.Name]
		delete(found, w.Name)
		switch {
		case !there:
			failures = append(failures, fmt.Errorf("%s is missing", filepath.Join(dir, w.Name)))
		case g.Size != w.Size:
			failures = append(failures, fmt.Errorf("%s has %d bytes; %d were saved", filepath.Join(dir, w.Name), g.Size, w.Size))
		case g.SHA256 != w.SHA256:
			failures = append(failures, fmt.Errorf("%s has SHA-256 %s; saved was %s", filepath.Join(dir, w.Name), g.SHA256, w.SHA256))
		}
	}
	for _, g := range got {
		if _, more := found[g.Name]; more {
			failures = append(failures, fmt.Errorf("%s was not saved with the backup", filepath.Join(dir, g.Name)))
		}
	}
	return errors.Join(failures...)
}

// measure reads a file through: its size in bytes and its SHA-256 in hex.
func measure(ctx context.Context, path string) (int64, string, error) {
	file, err := os.Open(path) //nolint:gosec // a file of the backup
	if err != nil {
		return 0, "", fmt.Errorf("open: %w", err)
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	size, err := io.Copy(sum, reader{ctx, file})
	if err != nil {
		return 0, "", fmt.Errorf("read %s: %w", path, err)
	}
	return size, hex.EncodeToString(sum.Sum(nil)), nil
}

// flush has a file, or a directory's entries, reach the disk.
func flush(path string) error {
	file, err := os.Open(path) //nolint:gosec // a file of the backup, or a directory above it
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("flush %s to disk: %w", path, err)
	}
	return nil
}

// flushAll has everything in dir, and dir itself, reach the disk.
func flushAll(dir string) error {
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return flush(path)
	})
	if err != nil {
		return fmt.Errorf("flush what was saved: %w", err)
	}
	return flush(filepath.Dir(dir))
}

// reader reads until its context ends: large files take longer than anybody waits.
type reader struct {
	ctx  context.Context //nolint:containedctx // it lives as long as one copy
	from io.Reader
}

// Read implements io.Reader.
func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.from.Read(p)
}
