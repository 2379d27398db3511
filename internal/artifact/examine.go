package artifact

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"time"
)

// Contents is what an artifact unpacks to.
type Contents struct {
	// Size of the artifact itself, Bytes of all files that come out of it.
	Size, Bytes int64
	// Entries is how many files, directories and links come out of it.
	Entries int
	// Zstd: it is packed with zstd.
	Zstd bool
}

// Examine reads the artifact at path once: it has the digest want ("sha256:<hex>"), and Install would take it. It writes
// nothing. Errors are those of Install.
func Examine(ctx context.Context, path, want string, limits Limits) (Contents, error) {
	f, err := open(path)
	if err != nil {
		return Contents{}, fmt.Errorf("examine artifact: %w", err)
	}
	defer func() { _ = f.Close() }()
	source := newSource(ctx, f)
	count := &counter{}
	format, err := read(ctx, source, "executable", limits, count)
	if err != nil {
		return Contents{}, fmt.Errorf("examine artifact %s: %w", path, badOrOther(ctx, path, want, err))
	}
	if got := source.digest(); got != want {
		return Contents{}, &DigestError{Path: path, Want: want, Got: got}
	}
	info, err := f.Stat()
	if err != nil {
		return Contents{}, fmt.Errorf("examine artifact: %w", err)
	}
	count.Size = info.Size()
	count.Zstd = format == formatZstd
	return count.Contents, nil
}

// counter is a sink that only counts.
type counter struct{ Contents }

func (c *counter) directory(string, fs.FileMode) error { c.Entries++; return nil }
func (c *counter) symlink(string, string) error        { c.Entries++; return nil }
func (c *counter) link(string, string) error           { c.Entries++; return nil }
func (c *counter) file(_ string, _ fs.FileMode, _ time.Time, content io.Reader) error {
	n, err := io.Copy(io.Discard, content)
	c.Bytes += n
	c.Entries++
	return err
}
