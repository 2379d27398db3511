// Package artifact reads file artifacts: it digests them, looks them through, and installs them into directories that
// nothing in them escapes from.
package artifact

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
)

// DigestError says that a file is not the one that was wanted.
type DigestError struct {
	Path string
	// Want and Got are "sha256:<hex>".
	Want, Got string
}

// Error implements error.
func (e *DigestError) Error() string {
	return fmt.Sprintf("%s has the digest %s, not %s: it is another file than the one that was named", e.Path, e.Got, e.Want)
}

// Digest reads the file at path and returns "sha256:<64 hex digits>" of its bytes.
func Digest(ctx context.Context, path string) (string, error) {
	f, err := open(path)
	if err != nil {
		return "", fmt.Errorf("digest artifact: %w", err)
	}
	defer func() { _ = f.Close() }()
	source := newSource(ctx, f)
	if err := source.finish(); err != nil {
		return "", fmt.Errorf("digest artifact %s: %w", path, err)
	}
	return source.digest(), nil
}

// Verify sees to it that the file at path has the digest want, "sha256:<hex>"; otherwise the error is a *DigestError.
func Verify(ctx context.Context, path, want string) error {
	got, err := Digest(ctx, path)
	if err != nil {
		return err
	}
	if got != want {
		return &DigestError{Path: path, Want: want, Got: got}
	}
	return nil
}

// open opens a regular file; anything else (a directory, a pipe that never ends) is an error.
func open(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	return os.Open(path) //nolint:gosec // reading the file that the user names is what it is for
}

// source digests what is read from a file, and stops at the end of a context.
type source struct {
	ctx    context.Context //nolint:containedctx // a reader has no other way to be cancelled
	reader io.Reader
	sum    interface {
		io.Writer
		Sum([]byte) []byte
	}
}

func newSource(ctx context.Context, r io.Reader) *source {
	return &source{ctx: ctx, reader: r, sum: sha256.New()}
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := s.reader.Read(p)
	_, _ = s.sum.Write(p[:n]) // a hash never fails
	return n, err
}

// finish reads what is left, so that the digest is that of the whole file.
func (s *source) finish() error {
	_, err := io.CopyBuffer(io.Discard, onlyReader{s}, make([]byte, 1<<20))
	return err
}

// onlyReader hides other methods, so that the buffer is used.
type onlyReader struct{ io.Reader }

func (s *source) digest() string { return "sha256:" + hex.EncodeToString(s.sum.Sum(nil)) }
