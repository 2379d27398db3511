package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
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
	// Program is the one that was asked about; zero where none was.
	Program Program
}

// What files take on a disk beside their bytes: an entry a block, and something for the directories.
const (
	entryOverhead = 4 << 10
	diskOverhead  = 1 << 20
)

// Disk is how many bytes of a disk an installation takes for as long as it lasts: what unpacks, and missing, those of the artifact itself
// that have yet to be kept there.
func (c Contents) Disk(missing int64) int64 {
	return max(missing, 0) + c.Bytes + int64(c.Entries)*entryOverhead + diskOverhead
}

// Examine reads the artifact at path once: it has the digest want ("sha256:<hex>"), and Install would take it. program is the
// relative name of a file of it that is looked for, or empty. It writes nothing. Errors are those of Install.
func Examine(ctx context.Context, path, want, program string, limits Limits) (Contents, error) {
	f, err := open(path)
	if err != nil {
		return Contents{}, fmt.Errorf("examine artifact: %w", err)
	}
	defer func() { _ = f.Close() }()
	source := newSource(ctx, f)
	count := &counter{}
	if program != "" {
		count.contents = &contents{files: map[string]packed{}, links: map[string]string{}}
	}
	format, err := read(ctx, source, filepath.Base(path), limits, count)
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
	if program != "" {
		count.Program = count.contents.program(program)
	}
	return count.Contents, nil
}

// counter is a sink that keeps no file.
type counter struct {
	Contents
	// contents is nil where no program is looked for.
	contents *contents
}

func (c *counter) directory(string, fs.FileMode) error { c.Entries++; return nil }

func (c *counter) symlink(name, target string) error {
	c.Entries++
	if c.contents != nil {
		c.contents.links[name] = target
	}
	return nil
}

func (c *counter) link(name, target string) error {
	c.Entries++
	if c.contents != nil {
		c.contents.files[name] = c.contents.files[target]
	}
	return nil
}

func (c *counter) file(name string, mode fs.FileMode, _ time.Time, content io.Reader) error {
	c.Entries++
	if c.contents != nil {
		head := make([]byte, headSize)
		n, err := io.ReadFull(content, head)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		c.contents.add(name, mode, head[:n])
		c.Bytes += int64(n)
	}
	n, err := io.Copy(io.Discard, content)
	c.Bytes += n
	return err
}
