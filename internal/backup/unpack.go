package backup

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// attributes of an entry that are set when its content is complete.
type attributes struct {
	name   string
	header *tar.Header
}

// unpack makes target, which must not exist, of the archive's entries below top, and has it reach the disk.
func unpack(ctx context.Context, archive, top, target string) error {
	parent, err := os.OpenRoot(filepath.Dir(target))
	if err != nil {
		return fmt.Errorf("open the directory to unpack in: %w", err)
	}
	defer func() { _ = parent.Close() }()
	u := unpacker{ctx: ctx, root: parent, top: top, base: filepath.Base(target)}
	if err := each(ctx, archive, u.add); err != nil {
		return err
	}
	// Directories last and the innermost first: what happens in them changes their times, and they may be closed to us.
	for i := len(u.directories) - 1; i >= 0; i-- {
		d := u.directories[i]
		if err := setAttributes(filepath.Join(parent.Name(), d.name), d.header); err != nil {
			return err
		}
	}
	return flushTree(parent.Name())
}

// unpacker makes files of entries. Everything happens below root, wherever names and links point.
type unpacker struct {
	ctx context.Context //nolint:containedctx // it lives as long as one archive
	// root holds what is made: base, in place of top.
	root        *os.Root
	top, base   string
	directories []attributes
}

func (u *unpacker) add(e entry) error {
	if err := u.ctx.Err(); err != nil {
		return err
	}
	relative, err := e.below(u.top)
	if err != nil {
		return err
	}
	name := filepath.Join(u.base, relative)
	full := filepath.Join(u.root.Name(), name)
	switch e.Typeflag {
	case tar.TypeDir:
		u.directories = append(u.directories, attributes{name, e.Header})
		err = u.root.Mkdir(name, 0o700)
	case tar.TypeReg:
		err = u.addFile(name, e)
	case tar.TypeSymlink:
		err = u.root.Symlink(e.Linkname, name)
	case tar.TypeLink:
		var first string
		if first, err = below(e.Linkname, u.top); err == nil {
			err = u.root.Link(filepath.Join(u.base, first), name)
		}
	case tar.TypeFifo:
		err = unix.Mkfifo(full, 0o600)
	default:
		err = fmt.Errorf("kind %q is not known", e.Typeflag)
	}
	if err == nil && e.Typeflag != tar.TypeDir && e.Typeflag != tar.TypeLink {
		err = setAttributes(full, e.Header)
	}
	if err != nil {
		return fmt.Errorf("unpack %s: %w", e.Name, err)
	}
	return nil
}

func (u *unpacker) addFile(name string, e entry) error {
	file, err := u.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("create: %w", err)
	}
	_, err = io.Copy(file, reader{u.ctx, e.content})
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// setAttributes gives path its owner (as root), mode and time, itself and not what it leads to. The owner comes first: a
// change of it takes the set-user-ID bit away.
func setAttributes(path string, header *tar.Header) error {
	if os.Geteuid() == 0 {
		if err := os.Lchown(path, header.Uid, header.Gid); err != nil {
			return fmt.Errorf("give it its owner: %w", err)
		}
	}
	if header.Typeflag != tar.TypeSymlink {
		if err := os.Chmod(path, header.FileInfo().Mode()&(fs.ModePerm|fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky)); err != nil {
			return fmt.Errorf("give it its mode: %w", err)
		}
	}
	time, err := unix.TimeToTimespec(header.ModTime)
	if err == nil {
		err = unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{time, time}, unix.AT_SYMLINK_NOFOLLOW)
	}
	if err != nil {
		return fmt.Errorf("give it its time: %w", err)
	}
	return nil
}

// topAttributes gives path those of the archive's topmost entry.
func topAttributes(ctx context.Context, archive, top, path string) error {
	return each(ctx, archive, func(e entry) error {
		if name, err := e.below(top); err != nil || name != "." {
			return err
		}
		return setAttributes(path, e.Header)
	})
}

// overwrite writes the one saved file into path, which cannot be replaced itself.
func overwrite(ctx context.Context, archive, top, path string) error {
	return each(ctx, archive, func(e entry) (err error) {
		if name, err := e.below(top); err != nil || name != "." || e.Typeflag != tar.TypeReg {
			return errors.Join(err, fmt.Errorf("a directory was saved, and a file that cannot be replaced is there (entry %s)", e.Name))
		}
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0) //nolint:gosec // restoring what the configuration names is what it is for
		if err != nil {
			return fmt.Errorf("open it: %w", err)
		}
		_, err = io.Copy(file, reader{ctx, e.content})
		if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
			return fmt.Errorf("write it: %w", err)
		}
		return setAttributes(path, e.Header)
	})
}
