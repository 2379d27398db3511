package artifact

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"
)

// Limits bound what an archive may unpack to, so that a small file cannot fill a disk.
type Limits struct {
	// Bytes of all that is unpacked together, 0: 8 GiB.
	Bytes int64
	// Entries of the archive, 0: one million.
	Entries int
}

func (l Limits) orDefault() Limits {
	if l.Bytes <= 0 {
		l.Bytes = 8 << 30
	}
	if l.Entries <= 0 {
		l.Entries = 1_000_000
	}
	return l
}

// sink takes the entries of an archive. Names are clean, relative, slash-separated and stay inside; no parent is a link.
type sink interface {
	directory(name string, mode fs.FileMode) error
	file(name string, mode fs.FileMode, modified time.Time, content io.Reader) error
	symlink(name, target string) error
	link(name, target string) error
}

// kind is what the archive has put under a name so far.
type kind int

const (
	kindDirectory kind = iota + 1
	kindFile
	kindSymlink
)

// archive walks through a tar stream and refuses what would lead outside the directory that it is unpacked into.
type archive struct {
	limits  Limits
	left    int64
	entries int
	files   int
	seen    map[string]kind
}

// EntryError names the entry that an archive was refused for.
type EntryError struct {
	Name   string
	Reason string
}

// Error implements error.
func (e *EntryError) Error() string {
	return fmt.Sprintf("entry %q of the archive is refused: %s", e.Name, e.Reason)
}

func refuse(header *tar.Header, format string, args ...any) error {
	name := header.Name
	if len(name) > maxElement {
		name = strings.ToValidUTF8(name[:maxElement], "") + "…"
	}
	return &EntryError{Name: name, Reason: fmt.Sprintf(format, args...)}
}

// The longest name of a file, and of each element of it, that Linux takes, in bytes. Longer ones cost time that grows with
// the square of their depth.
const (
	maxName    = 4096
	maxElement = 255
)

func walk(ctx context.Context, stream io.Reader, limits Limits, to sink) error {
	a := &archive{limits: limits.orDefault(), seen: map[string]kind{}}
	a.left = a.limits.Bytes
	// The stream as a whole is bounded too: headers, padding and what follows the archive are bytes as well.
	bounded := &boundedReader{reader: stream, left: a.limits.Bytes + 2048*int64(a.limits.Entries), limit: a.limits.Bytes}
	reader := tar.NewReader(bounded)
	for {
		// What is decompressed already is read without asking.
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("read the archive: %w", err)
		}
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if a.entries == 0 && (errors.Is(err, tar.ErrHeader) || errors.Is(err, io.ErrUnexpectedEOF) && atEnd(bounded)) {
			return fmt.Errorf("what is compressed there is no tar archive (%w): pack it with tar -czf, or give a single executable as it is", err)
		}
		if err != nil {
			return fmt.Errorf("read the tar archive after %d entries: %w", a.entries, err)
		}
		if a.entries++; a.entries > a.limits.Entries {
			return refuse(header, "the archive has more than %d entries", a.limits.Entries)
		}
		if err := a.entry(header, reader, to); err != nil {
			return err
		}
	}
	if a.files == 0 {
		return errors.New("the archive holds no file")
	}
	// The reader takes the end of the stream for the end of the archive, which has two blocks of its own for that.
	if bounded.ended {
		return fmt.Errorf("the tar archive is cut off after %d entries: it has no end", a.entries)
	}
	// To the end, where the compressed stream has its checksum.
	if _, err := io.Copy(io.Discard, bounded); err != nil {
		return fmt.Errorf("read the archive to its end: %w", err)
	}
	return nil
}

func (a *archive) entry(header *tar.Header, content io.Reader, to sink) error {
	if header.Typeflag == tar.TypeXGlobalHeader {
		return nil // A comment, as git writes it.
	}
	name, err := a.place(header)
	if err != nil {
		return err
	}
	mode := fs.FileMode(header.Mode).Perm() &^ 0o022 //nolint:gosec // nine bits are left of it
	switch header.Typeflag {
	case tar.TypeDir:
		if name == "." {
			return nil
		}
		if err := a.claim(header, name, kindDirectory); err != nil {
			return err
		}
		return to.directory(name, mode|0o700)
	case tar.TypeReg, tar.TypeGNUSparse:
		if header.Size > a.left {
			return refuse(header, "the archive unpacks to more than %d bytes", a.limits.Bytes)
		}
		a.left -= header.Size
		if err := a.claim(header, name, kindFile); err != nil {
			return err
		}
		a.files++
		if err := to.file(name, mode|0o600, header.ModTime, content); err != nil {
			return fmt.Errorf("unpack %q: %w", header.Name, err)
		}
		return nil
	case tar.TypeSymlink:
		return a.symlink(header, name, to)
	case tar.TypeLink:
		return a.link(header, name, to)
	}
	return refuse(header, "it is neither a file, a directory nor a link (tar type %q): devices, pipes and the like have no place in an artifact", header.Typeflag)
}

// place cleans an entry's name, and refuses one that leads outside or through a link.
func (a *archive) place(header *tar.Header) (string, error) {
	name, reason := local(header.Name)
	if reason != "" {
		return "", refuse(header, "its name %s", reason)
	}
	if through, found := a.throughLink(name); found {
		return "", refuse(header, "it would be written through the link %q", through)
	}
	return name, nil
}

// local cleans a name; reason says why it is not one inside the archive.
func local(name string) (clean, reason string) {
	switch {
	case name == "":
		return "", "is empty"
	case len(name) > maxName:
		return "", fmt.Sprintf("is longer than %d bytes", maxName)
	case strings.ContainsAny(name, "\x00\\"):
		return "", "has a character that paths do not have"
	case path.IsAbs(name):
		return "", "is an absolute path"
	}
	for element := range strings.SplitSeq(name, "/") {
		if element == ".." {
			return "", "has .. in it"
		}
		if len(element) > maxElement {
			return "", fmt.Sprintf("has an element of more than %d bytes", maxElement)
		}
	}
	return path.Clean(name), ""
}

// throughLink finds a parent of name that is a link in the archive.
func (a *archive) throughLink(name string) (string, bool) {
	for parent := path.Dir(name); parent != "."; parent = path.Dir(parent) {
		if a.seen[parent] == kindSymlink {
			return parent, true
		}
	}
	return "", false
}

// claim notes what the archive puts under a name. A file may replace a file, as in an archive that was appended to.
func (a *archive) claim(header *tar.Header, name string, k kind) error {
	before, found := a.seen[name]
	if name == "." || (found && (before != k || k == kindSymlink)) {
		return refuse(header, "something else is there already")
	}
	for parent := path.Dir(name); parent != "."; parent = path.Dir(parent) {
		if before, found := a.seen[parent]; found && before != kindDirectory {
			return refuse(header, "%q, which it would be in, is not a directory", parent)
		} else if found {
			break
		}
		a.seen[parent] = kindDirectory
	}
	a.seen[name] = k
	return nil
}

func (a *archive) symlink(header *tar.Header, name string, to sink) error {
	if reason := leadsOutside(name, header.Linkname); reason != "" {
		return refuse(header, "it is a symbolic link to %q, which %s", header.Linkname[:min(len(header.Linkname), maxElement)], reason)
	}
	if err := a.claim(header, name, kindSymlink); err != nil {
		return err
	}
	return to.symlink(name, header.Linkname)
}

// leadsOutside tells why a link at name must not point to target; empty if it may. Only leading ".." are taken: the
// link's own directory is a real one, so they climb as they are written. Behind another link they would climb from
// wherever that leads. So by induction no link, nor any chain of links, leaves the archive.
func leadsOutside(name, target string) string {
	switch {
	case target == "":
		return "is nowhere"
	case len(target) > maxName:
		return fmt.Sprintf("is longer than %d bytes", maxName)
	case path.IsAbs(target):
		return "is an absolute path"
	case strings.ContainsAny(target, "\x00\\"):
		return "has a character that paths do not have"
	}
	depth := strings.Count(name, "/")
	descending := false
	for element := range strings.SplitSeq(target, "/") {
		switch element {
		case "", ".":
		case "..":
			if depth--; depth < 0 {
				return "leads outside"
			}
			if descending {
				return "has .. behind a name: write it without"
			}
		default:
			descending = true
			depth++
		}
	}
	return ""
}

func (a *archive) link(header *tar.Header, name string, to sink) error {
	target, reason := local(header.Linkname)
	if reason != "" {
		return refuse(header, "it is a hard link to %q, which %s", header.Linkname[:min(len(header.Linkname), maxElement)], reason)
	}
	if through, found := a.throughLink(target); found {
		return refuse(header, "it is a hard link to %q, through the link %q", header.Linkname, through)
	}
	if a.seen[target] != kindFile {
		return refuse(header, "it is a hard link to %q, which is no file before it in the archive", header.Linkname)
	}
	if _, found := a.seen[name]; found {
		return refuse(header, "something else is there already")
	}
	if err := a.claim(header, name, kindFile); err != nil {
		return err
	}
	return to.link(name, target)
}

// atEnd tells whether a stream ends where it is: one that is cut off fails.
func atEnd(r io.Reader) bool {
	_, err := io.ReadFull(r, make([]byte, 1))
	return errors.Is(err, io.EOF)
}

// boundedReader fails where a stream is longer than it may be.
type boundedReader struct {
	reader io.Reader
	left   int64
	limit  int64
	// ended: somebody asked for more than there is.
	ended bool
}

// Read implements io.Reader.
func (b *boundedReader) Read(p []byte) (int, error) {
	n, err := b.reader.Read(p)
	b.ended = b.ended || n == 0 && errors.Is(err, io.EOF)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("the archive unpacks to more than %d bytes", b.limit)
	}
	return n, err
}
