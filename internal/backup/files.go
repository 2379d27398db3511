package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/shellword"
)

const (
	// archiveName is a tar.gz with one entry at its top: the directory or file, by its own name.
	archiveName = "files.tar.gz"
	// sumName holds the archive's SHA-256 as sha256sum reads it.
	sumName = "files.tar.gz.sha256"
	// stagingSuffix and replacedSuffix name what lies beside the path in the middle of a restore, with a dot before.
	// The names are fixed, so that a restore that was killed is cleaned up by the next.
	stagingSuffix  = ".deploy-restoring"
	replacedSuffix = ".deploy-replaced"
)

// files saves a directory or a file as an archive that plain tools restore. Kept are contents, modes, times, owners (as
// root), symbolic and hard links and named pipes; not extended attributes. Sockets are left out, devices refused.
type files struct{ path string }

// Save implements delivery.Backup.
func (f files) Save(ctx context.Context, dir string) ([]service.BackupFile, error) {
	info, err := os.Lstat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is not there: create it before the first release, if only as an empty directory", f.path)
	}
	if err != nil {
		return nil, fmt.Errorf("look at what to save: %w", err)
	}
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		return nil, fmt.Errorf("%s is a symbolic link: name the directory or file that it leads to", f.path)
	case !info.IsDir() && !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is neither a directory nor a file (%s)", f.path, info.Mode())
	}
	if dir, err = newDirectory(dir); err != nil {
		return nil, err
	}
	if err := f.apart(dir); err != nil {
		return nil, err
	}
	if err := pack(ctx, f.path, filepath.Join(dir, archiveName)); err != nil {
		return nil, err
	}
	_, sum, err := measure(ctx, filepath.Join(dir, archiveName))
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, sumName), []byte(sum+"  "+archiveName+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("write the checksum: %w", err)
	}
	if err := flushAll(dir); err != nil {
		return nil, err
	}
	return record(ctx, dir)
}

// Verify implements delivery.Backup.
func (f files) Verify(ctx context.Context, dir string, saved []service.BackupFile) error {
	if err := verify(ctx, dir, saved); err != nil {
		return err
	}
	return f.readable(ctx, dir)
}

// readable reads the archive through, without writing anything: checksum, compression, and every entry.
func (f files) readable(ctx context.Context, dir string) error {
	if err := f.compareSum(ctx, dir); err != nil {
		return err
	}
	entries := 0
	err := each(ctx, filepath.Join(dir, archiveName), func(e entry) error {
		entries++
		return e.skim(filepath.Base(f.path))
	})
	if err != nil {
		return err
	}
	if entries == 0 {
		return fmt.Errorf("%s is empty", filepath.Join(dir, archiveName))
	}
	return nil
}

// compareSum compares the archive with the checksum that was written beside it.
func (f files) compareSum(ctx context.Context, dir string) error {
	archive := filepath.Join(dir, archiveName)
	line, err := os.ReadFile(filepath.Join(dir, sumName)) //nolint:gosec // a file of the backup
	if err != nil {
		return fmt.Errorf("read the checksum: %w", err)
	}
	want, name, _ := strings.Cut(strings.TrimSpace(string(line)), "  ")
	if name != archiveName {
		return fmt.Errorf("%s is not a checksum of %s", filepath.Join(dir, sumName), archiveName)
	}
	_, got, err := measure(ctx, archive)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("%s has SHA-256 %s; saved was %s", archive, got, want)
	}
	return nil
}

// apart refuses a backup that lies in what it saves: it would save itself, and a restore would remove it.
func (f files) apart(dir string) error {
	resolvedDir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return fmt.Errorf("find the backup's directory: %w", err)
	}
	path, err := filepath.EvalSymlinks(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find %s: %w", f.path, err)
	}
	if inside, err := filepath.Rel(path, resolvedDir); err == nil && filepath.IsLocal(inside) {
		return fmt.Errorf("the backup's directory %s lies in %s, which it saves: keep the store elsewhere", dir, f.path)
	}
	return nil
}

// Procedure implements delivery.Backup. It works in place, so that it also does where the path is a mount point, and it can
// be begun again at any point.
func (f files) Procedure(dir string) []string {
	if absolute, err := filepath.Abs(dir); err == nil {
		dir = absolute
	}
	path, parent := shellword.Quote(f.path), filepath.Dir(f.path)
	return []string{
		"# As root, or as the user who owns " + f.path + ", with nothing writing to it:",
		"(cd " + shellword.Quote(dir) + " && sha256sum --check " + sumName + ")",
		"mkdir -p " + shellword.Quote(parent),
		"if [ -d " + path + " ] && [ ! -L " + path + " ]; then find " + path + " -mindepth 1 -delete; else rm -f " + path + "; fi",
		"tar --extract --gzip --same-permissions --numeric-owner --file " + shellword.Quote(filepath.Join(dir, archiveName)) + " --directory " + shellword.Quote(parent),
	}
}
