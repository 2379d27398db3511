package backup

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/shellword"
)

// Objects is a store away from this machine, as keeping backups in it needs it.
type Objects interface {
	// URL of the store, as the operator commands take it.
	URL() string
	// Upload writes or replaces an object from r, streamed: the whole of it, or nothing.
	Upload(ctx context.Context, key string, r io.Reader) error
	// Open streams an object.
	Open(ctx context.Context, key string) (io.ReadCloser, error)
}

// kept is a backup whose data is kept in a store: saved into a directory of this machine first, then sent as one
// archive, which is there whole or not at all; fetched again to be verified and restored.
type kept struct {
	delivery.Backup
	objects Objects
}

// Kept has b's data kept in objects. The directory that each method takes is then the key of the archive.
func Kept(b delivery.Backup, objects Objects) delivery.Backup { return kept{b, objects} }

// Save implements delivery.Backup.
func (k kept) Save(ctx context.Context, key string) (saved []service.BackupFile, err error) {
	err = staged(func(dir string) error {
		if saved, err = k.Backup.Save(ctx, dir); err != nil {
			return err
		}
		return send(ctx, k.objects, key, dir, saved)
	})
	if err != nil {
		return nil, err
	}
	return saved, nil
}

// Verify implements delivery.Backup: of what the store has, not of what was sent.
func (k kept) Verify(ctx context.Context, key string, saved []service.BackupFile) error {
	return staged(func(dir string) error {
		if err := fetch(ctx, k.objects, key, dir); err != nil {
			return err
		}
		return k.Backup.Verify(ctx, dir, saved)
	})
}

// Restore implements delivery.Backup.
func (k kept) Restore(ctx context.Context, key string) error {
	return staged(func(dir string) error {
		if err := fetch(ctx, k.objects, key, dir); err != nil {
			return err
		}
		return k.Backup.Restore(ctx, dir)
	})
}

// Procedure implements delivery.Backup: the data is fetched by the operator's command, into a directory whose name does not
// hang on the machine.
func (k kept) Procedure(key string) []string {
	dir := "/var/tmp/" + strings.ReplaceAll(key, "/", "-")
	return append([]string{
		"rm -rf " + shellword.Quote(dir),
		fmt.Sprintf("terraform-provider-deploy fetch %s %s --store %s", shellword.Quote(key), shellword.Quote(dir), shellword.Quote(k.objects.URL())),
	}, k.Backup.Procedure(dir)...)
}

// Fetch writes the files of the backup that objects keeps under key into dir, which must be empty or not there.
func Fetch(ctx context.Context, objects Objects, key, dir string) error {
	dir, err := newDirectory(dir)
	if err != nil {
		return err
	}
	return fetch(ctx, objects, key, dir)
}

const (
	stagingPattern = "deploy-backup-*"
	// stagingAge is far beyond what a backup takes: an older directory was left by a process that was killed.
	stagingAge = 7 * 24 * time.Hour
)

// staged runs f with a directory that is gone afterwards, and removes those that killed processes left long ago.
func staged(f func(dir string) error) (err error) {
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), stagingPattern)) // the pattern is right
	for _, dir := range left {
		if info, err := os.Lstat(dir); err == nil && info.IsDir() && time.Since(info.ModTime()) > stagingAge {
			_ = os.RemoveAll(dir) // another user's stays
		}
	}
	dir, err := os.MkdirTemp("", stagingPattern)
	if err != nil {
		return fmt.Errorf("make room for the backup on this machine: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	return f(dir)
}

// send uploads the files of dir as one archive.
func send(ctx context.Context, objects Objects, key, dir string, files []service.BackupFile) error {
	reading, writing := io.Pipe()
	packed := make(chan struct{})
	go func() {
		defer close(packed)
		writing.CloseWithError(packFiles(ctx, writing, dir, files))
	}()
	err := objects.Upload(ctx, key, reading)
	_ = reading.CloseWithError(io.ErrClosedPipe) // ends the packing where the upload ended before it
	<-packed
	if err != nil {
		return fmt.Errorf("keep the backup in the store: %w", err)
	}
	return nil
}

// packFiles writes an archive of regular files.
func packFiles(ctx context.Context, w io.Writer, dir string, files []service.BackupFile) error {
	archive := tar.NewWriter(w)
	for _, f := range files {
		header := &tar.Header{Name: f.Name, Size: f.Size, Mode: 0o600, Format: tar.FormatPAX}
		if err := archive.WriteHeader(header); err != nil {
			return fmt.Errorf("pack %s: %w", f.Name, err)
		}
		if err := packFile(ctx, archive, filepath.Join(dir, filepath.FromSlash(f.Name))); err != nil {
			return err
		}
	}
	return archive.Close()
}

func packFile(ctx context.Context, w io.Writer, path string) error {
	file, err := os.Open(path) //nolint:gosec // a file of the backup
	if err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	defer func() { _ = file.Close() }()
	if _, err := io.Copy(w, reader{ctx, file}); err != nil {
		return fmt.Errorf("pack %s: %w", path, err)
	}
	return nil
}

// fetch unpacks the archive under key into dir, an empty directory.
func fetch(ctx context.Context, objects Objects, key, dir string) (err error) {
	stream, err := objects.Open(ctx, key)
	if err != nil {
		return fmt.Errorf("fetch the backup from the store: %w", err)
	}
	defer func() { err = errors.Join(err, stream.Close()) }()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("fetch the backup: %w", err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	archive := tar.NewReader(reader{ctx, stream})
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the backup %s: %w", key, err)
		}
		if err := fetchFile(root, header.Name, archive); err != nil {
			return fmt.Errorf("fetch %s of the backup %s: %w", header.Name, key, err)
		}
	}
}

func fetchFile(root *os.Root, name string, content io.Reader) (err error) {
	if err := root.MkdirAll(filepath.Dir(filepath.FromSlash(name)), 0o700); err != nil {
		return err
	}
	file, err := root.OpenFile(filepath.FromSlash(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	_, err = io.Copy(file, content)
	return err
}
