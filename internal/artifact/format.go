package artifact

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// maxWindow bounds the memory that a zstd archive may ask for, in bytes; "zstd --ultra -22" needs this much.
const maxWindow = 128 << 20

// format is what a file is by its first bytes; its name says nothing.
type format int

const (
	formatUnknown format = iota
	formatGzip
	formatZstd
	formatExecutable
)

var errFormat = errors.New("it is no artifact: use a .tar.gz, a .tar.zst or a single executable (an ELF program, or a script that begins with #!)")

// recognise looks at the first bytes without taking them.
func recognise(r *bufio.Reader) (format, error) {
	head, err := r.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return formatUnknown, err
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return formatGzip, nil
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return formatZstd, nil
	case bytes.HasPrefix(head, []byte("\x7fELF")), bytes.HasPrefix(head, []byte("#!")):
		return formatExecutable, nil
	case len(head) == 0:
		return formatUnknown, fmt.Errorf("the file is empty; %w", errFormat)
	case machO(string(head)):
		return formatUnknown, fmt.Errorf("the file is a program for macOS: build it for linux (for one of Go: GOOS=linux); %w", errFormat)
	case bytes.HasPrefix(head, []byte("MZ")):
		return formatUnknown, fmt.Errorf("the file is a program for Windows: build it for linux (for one of Go: GOOS=linux); %w", errFormat)
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return formatUnknown, fmt.Errorf("the file is a zip archive; %w", errFormat)
	case len(head) >= 262 && string(head[257:262]) == "ustar":
		return formatUnknown, fmt.Errorf("the file is a tar archive that is not compressed; %w", errFormat)
	}
	return formatUnknown, errFormat
}

// decompress opens the stream of a compressed archive; close releases what it holds.
func (f format) decompress(r io.Reader) (stream io.Reader, closeStream func(), err error) {
	if f == formatGzip {
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, nil, fmt.Errorf("read gzip: %w", err)
		}
		return z, func() { _ = z.Close() }, nil
	}
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(maxWindow))
	if err != nil {
		return nil, nil, fmt.Errorf("read zstd: %w", err)
	}
	return z, z.Close, nil
}
