package artifact

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Install unpacks the archive at source into dir, or puts the single executable there as name with the mode 0755. dir
// must not exist; it appears whole, with what was read of source having the digest want ("sha256:<hex>"), or not at
// all. What an earlier Install of dir left behind when it was killed is taken away. Not for two at once on one dir.
// Errors: *DigestError, *EntryError, those of reading and writing.
func Install(ctx context.Context, source, name, want, dir string, limits Limits) error {
	if _, err := os.Lstat(dir); err == nil {
		return fmt.Errorf("install %s: %s: %w", source, dir, fs.ErrExist)
	}
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
		return fmt.Errorf("install %s: %q is not a name for an executable", source, name)
	}
	temporary := filepath.Join(filepath.Dir(dir), "."+filepath.Base(dir)+".unpacking")
	err := unpack(ctx, source, name, want, temporary, limits)
	if err == nil {
		if err = os.Rename(temporary, dir); err == nil {
			return syncDirectory(filepath.Dir(dir))
		}
	}
	return errors.Join(fmt.Errorf("install %s: %w", source, err), os.RemoveAll(temporary))
}

func unpack(ctx context.Context, path, name, want, dir string, limits Limits) error {
	f, err := open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("take away what was left unfinished: %w", err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil { //nolint:gosec // a release may run under another user
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	source := newSource(ctx, f)
	if _, err := read(ctx, source, name, limits, rootSink{root}); err != nil {
		return badOrOther(ctx, path, want, err)
	}
	if got := source.digest(); got != want {
		return &DigestError{Path: path, Want: want, Got: got}
	}
	return syncTree(dir)
}

// badOrOther prefers to say that a file is another one than that it is a bad one.
func badOrOther(ctx context.Context, path, want string, err error) error {
	var other *DigestError
	if mismatch := Verify(ctx, path, want); errors.As(mismatch, &other) {
		return fmt.Errorf("%w (and: %w)", other, err)
	}
	return err
}

// Inspect reads the artifact at path through, as Install would, and writes nothing: the error says why it could not be
// installed.
func Inspect(ctx context.Context, path string) error {
	f, err := open(path)
	if err != nil {
		return fmt.Errorf("inspect artifact: %w", err)
	}
	defer func() { _ = f.Close() }()
	if _, err := read(ctx, newSource(ctx, f), "executable", Limits{}, &counter{}); err != nil {
		return fmt.Errorf("inspect artifact %s: %w", path, err)
	}
	return nil
}

// read hands everything of an artifact to a sink, and reads the source to its end.
func read(ctx context.Context, source *source, name string, limits Limits, to sink) (format, error) {
	buffered := bufio.NewReaderSize(source, 1<<16)
	format, err := recognise(buffered)
	if err != nil {
		return format, err
	}
	if format == formatExecutable {
		bounded := &boundedReader{reader: buffered, left: limits.orDefault().Bytes, limit: limits.orDefault().Bytes}
		if err := to.file(name, 0o755, noTime, bounded); err != nil {
			return format, err
		}
		return format, source.finish()
	}
	stream, closeStream, err := format.decompress(buffered)
	if err != nil {
		return format, err
	}
	defer closeStream()
	if err := walk(ctx, stream, limits, to); err != nil {
		return format, err
	}
	if _, err := io.Copy(io.Discard, buffered); err != nil {
		return format, err
	}
	return format, source.finish()
}
