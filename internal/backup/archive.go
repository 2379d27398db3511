package backup

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/klauspost/compress/gzip"
)

// inode names a file on this machine, by which hard links are found.
type inode struct{ device, number uint64 }

// packer writes an archive.
type packer struct {
	ctx context.Context //nolint:containedctx // it lives as long as one archive
	tar *tar.Writer
	// seen are the names of files that have more than one, by inode.
	seen map[inode]string
}

// pack saves source, a directory or a file, as archive, and has it reach the disk.
func pack(ctx context.Context, source, archive string) (err error) {
	file, err := os.OpenFile(archive, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // in the backup's directory
	if err != nil {
		return fmt.Errorf("create the archive: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	compressed := gzip.NewWriter(file)
	p := packer{ctx: ctx, tar: tar.NewWriter(compressed), seen: map[inode]string{}}
	parent := filepath.Dir(source)
	leftover := filepath.Join(source, "."+filepath.Base(source)+stagingSuffix)
	err = filepath.WalkDir(source, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && name != source, name == leftover && entry.IsDir():
			// It went away meanwhile, or is what a killed restore left.
			return fs.SkipDir
		case err != nil:
			return err
		}
		relative, err := filepath.Rel(parent, name)
		if err != nil {
			return fmt.Errorf("name %s: %w", name, err)
		}
		err = p.add(name, filepath.ToSlash(relative))
		if errors.Is(err, fs.ErrNotExist) && name != source {
			return nil
		}
		return err
	})
	if err == nil {
		err = p.tar.Close()
	}
	if err == nil {
		err = compressed.Close()
	}
	if err == nil {
		err = file.Sync()
	}
	if err != nil {
		return fmt.Errorf("save %s: %w", source, err)
	}
	return nil
}

// add writes one entry, called name in the archive.
func (p packer) add(file, name string) error {
	if err := p.ctx.Err(); err != nil {
		return err
	}
	info, err := os.Lstat(file)
	if err != nil {
		return fmt.Errorf("look: %w", err)
	}
	var target string
	switch info.Mode().Type() {
	case 0:
		return p.addFile(file, name)
	case fs.ModeSymlink:
		if target, err = os.Readlink(file); err != nil {
			return fmt.Errorf("read the link: %w", err)
		}
	case fs.ModeDir, fs.ModeNamedPipe:
	case fs.ModeSocket:
		// Whoever listens there makes it anew.
		return nil
	default:
		return fmt.Errorf("%s is a device, which a backup of files cannot keep", file)
	}
	header, err := newHeader(info, name, target)
	if err != nil {
		return err
	}
	return p.tar.WriteHeader(header)
}

// addFile writes a regular file as it is when it is opened: what is appended meanwhile is left out, and one that is
// shortened meanwhile fails.
func (p packer) addFile(file, name string) error {
	// Not blocked by a pipe that takes the file's place meanwhile.
	open, err := os.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0) //nolint:gosec // saving what the configuration names is what it is for
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer func() { _ = open.Close() }()
	info, err := open.Stat()
	if err != nil {
		return fmt.Errorf("look: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s changed its kind while it was saved", file)
	}
	header, err := newHeader(info, name, "")
	if err != nil {
		return err
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Nlink > 1 {
		key := inode{uint64(stat.Dev), stat.Ino} //nolint:unconvert // the width differs between systems
		if first, found := p.seen[key]; found {
			header.Typeflag, header.Linkname, header.Size = tar.TypeLink, first, 0
			return p.tar.WriteHeader(header)
		}
		p.seen[key] = name
	}
	if err := p.tar.WriteHeader(header); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if _, err := io.CopyN(p.tar, reader{p.ctx, open}, header.Size); errors.Is(err, io.EOF) {
		return fmt.Errorf("%s became shorter while it was saved", file)
	} else if err != nil {
		return fmt.Errorf("copy %s: %w", file, err)
	}
	return nil
}

func newHeader(info fs.FileInfo, name, target string) (*tar.Header, error) {
	header, err := tar.FileInfoHeader(info, target)
	if err != nil {
		return nil, fmt.Errorf("describe %s: %w", name, err)
	}
	header.Name = name
	if info.IsDir() {
		header.Name += "/"
	}
	// Owners by number: names may mean others where it is restored. PAX keeps long names and fractions of seconds.
	header.Uname, header.Gname = "", ""
	header.AccessTime, header.ChangeTime = time.Time{}, time.Time{}
	header.Format = tar.FormatPAX
	return header, nil
}

// entry is one entry of an archive that is being read.
type entry struct {
	*tar.Header
	content io.Reader
}

// each calls f for every entry and reads the archive to its very end, so that a damaged one is an error.
func each(ctx context.Context, archive string, f func(entry) error) error {
	file, err := os.Open(archive) //nolint:gosec // in the backup's directory
	if err != nil {
		return fmt.Errorf("open the archive: %w", err)
	}
	defer func() { _ = file.Close() }()
	plain, err := gzip.NewReader(reader{ctx, file})
	if err != nil {
		return fmt.Errorf("read %s: %w", archive, err)
	}
	entries := tar.NewReader(plain)
	for {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", archive, err)
		}
		if err := f(entry{header, entries}); err != nil {
			return err
		}
	}
	// The checksum of the compression stands behind the last block.
	if _, err := io.Copy(io.Discard, plain); err != nil {
		return fmt.Errorf("read %s to its end: %w", archive, err)
	}
	return nil
}

// skim checks that the entry belongs to top and that its content is there.
func (e entry) skim(top string) error {
	if _, err := e.below(top); err != nil {
		return err
	}
	n, err := io.Copy(io.Discard, e.content)
	if err != nil {
		return fmt.Errorf("read entry %s: %w", e.Name, err)
	}
	if n != e.Size {
		return fmt.Errorf("entry %s has %d bytes instead of %d", e.Name, n, e.Size)
	}
	return nil
}

// below is the entry's name relative to top, "." for top itself.
func (e entry) below(top string) (string, error) { return below(e.Name, top) }

func below(name, top string) (string, error) {
	clean := path.Clean(name)
	if clean == top {
		return ".", nil
	}
	if relative, found := strings.CutPrefix(clean, top+"/"); found && filepath.IsLocal(relative) {
		return relative, nil
	}
	return "", fmt.Errorf("entry %s does not belong to %s", name, top)
}
