package artifact_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/artifact"
)

// entry of an archive that a test makes; the zero type is a file.
type entry struct {
	name, link, content string
	kind                byte
	mode                int64
}

func tarOf(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		if e.kind == 0 {
			e.kind = tar.TypeReg
		}
		if e.mode == 0 {
			e.mode = 0o644
		}
		header := &tar.Header{Name: e.name, Linkname: e.link, Typeflag: e.kind, Mode: e.mode, Size: int64(len(e.content))}
		if err := w.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func compressed(t *testing.T, w io.WriteCloser, b *bytes.Buffer, data []byte) []byte {
	t.Helper()
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	return compressed(t, gzip.NewWriter(&b), &b, data)
}

func zstandard(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	return compressed(t, w, &b, data)
}

// written puts data into a file, and gives its path and digest.
func written(t *testing.T, data []byte) (path, digest string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "artifact")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	digest, err := artifact.Digest(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return path, digest
}

// names of all that is below dir.
func names(t *testing.T, dir string) string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if rel, _ := filepath.Rel(dir, path); rel != "." {
			all = append(all, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

func TestArchiveEscapes(t *testing.T) {
	cases := map[string]struct {
		entries []entry
		// refused is the entry that the error names, reason a part of it.
		refused, reason string
	}{
		"absolute path":                   {[]entry{{name: "/etc/cron.d/x"}}, "/etc/cron.d/x", "absolute"},
		"parent":                          {[]entry{{name: "../x"}}, "../x", ".."},
		"parent in the middle":            {[]entry{{name: "a/../../x"}}, "a/../../x", ".."},
		"parent that stays inside":        {[]entry{{name: "a/../x"}}, "a/../x", ".."},
		"backslashes":                     {[]entry{{name: `..\x`}}, `..\x`, "character"},
		"symlink to an absolute path":     {[]entry{{name: "l", link: "/etc/passwd", kind: tar.TypeSymlink}}, "l", "absolute"},
		"symlink outside":                 {[]entry{{name: "a/l", link: "../../x", kind: tar.TypeSymlink}}, "a/l", "outside"},
		"symlink outside and back":        {[]entry{{name: "l", link: "../dir/x", kind: tar.TypeSymlink}}, "l", "outside"},
		"symlink through another, upward": {[]entry{{name: "a/up", link: "..", kind: tar.TypeSymlink}, {name: "l", link: "a/up/../x", kind: tar.TypeSymlink}}, "l", ".. behind"},
		"symlink to nowhere":              {[]entry{{name: "l", kind: tar.TypeSymlink}}, "l", "nowhere"},
		"hard link outside":               {[]entry{{name: "l", link: "../x", kind: tar.TypeLink}}, "l", ".."},
		"hard link to an absolute path":   {[]entry{{name: "l", link: "/etc/passwd", kind: tar.TypeLink}}, "l", "absolute"},
		"hard link to what is not there":  {[]entry{{name: "l", link: "x", kind: tar.TypeLink}}, "l", "no file before it"},
		"hard link to a symlink":          {[]entry{{name: "s", link: "x", kind: tar.TypeSymlink}, {name: "l", link: "s", kind: tar.TypeLink}}, "l", "no file before it"},
		"hard link through a symlink":     {[]entry{{name: "d/x"}, {name: "s", link: "d", kind: tar.TypeSymlink}, {name: "l", link: "s/x", kind: tar.TypeLink}}, "l", "through"},
		"written through a symlink":       {[]entry{{name: "d", kind: tar.TypeDir}, {name: "s", link: "d", kind: tar.TypeSymlink}, {name: "s/x"}}, "s/x", "through the link"},
		"directory through a symlink":     {[]entry{{name: "s", link: "d", kind: tar.TypeSymlink}, {name: "s/x", kind: tar.TypeDir}}, "s/x", "through the link"},
		"file over a symlink":             {[]entry{{name: "s", link: "x", kind: tar.TypeSymlink}, {name: "s"}}, "s", "something else"},
		"symlink over a directory":        {[]entry{{name: "d/x"}, {name: "d", link: "y", kind: tar.TypeSymlink}}, "d", "something else"},
		"file below a file":               {[]entry{{name: "f"}, {name: "f/x"}}, "f/x", "not a directory"},
		"character device":                {[]entry{{name: "null", kind: tar.TypeChar}}, "null", "neither"},
		"block device":                    {[]entry{{name: "sda", kind: tar.TypeBlock}}, "sda", "neither"},
		"pipe":                            {[]entry{{name: "p", kind: tar.TypeFifo}}, "p", "neither"},
		"a name that is too long":         {[]entry{{name: strings.Repeat("a/", 2050) + "f"}}, strings.Repeat("a/", 127) + "a…", "longer than 4096 bytes"},
		"a name that is too deep":         {[]entry{{name: strings.Repeat("a/", 50_000) + "f"}}, strings.Repeat("a/", 127) + "a…", "longer than 4096 bytes"},
		"an element that is too long":     {[]entry{{name: "d/" + strings.Repeat("x", 256)}}, "d/" + strings.Repeat("x", 253) + "…", "an element of more than 255 bytes"},
		"a symlink that is too long":      {[]entry{{name: "l", link: strings.Repeat("a/", 2050), kind: tar.TypeSymlink}}, "l", "longer than 4096 bytes"},
		"a hard link that is too long":    {[]entry{{name: "l", link: strings.Repeat("a/", 2050), kind: tar.TypeLink}}, "l", "longer than 4096 bytes"},
		"the directory itself":            {[]entry{{name: ".", link: "x", kind: tar.TypeSymlink}}, ".", "something else"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			outside := t.TempDir()
			// Good entries before it: they must not stay either.
			data := gzipped(t, tarOf(t, append([]entry{{name: "good", content: "good"}}, c.entries...)...))
			path, digest := written(t, data)
			for what, err := range map[string]error{
				"Install": artifact.Install(t.Context(), path, "web", digest, filepath.Join(outside, "releases"), artifact.Limits{}),
				"Inspect": artifact.Inspect(t.Context(), path),
			} {
				var refused *artifact.EntryError
				if !errors.As(err, &refused) || refused.Name != c.refused || !strings.Contains(refused.Reason, c.reason) {
					t.Errorf("%s: got %v, want a refusal of %q because of %q", what, err, c.refused, c.reason)
				}
			}
			if left := names(t, outside); left != "" {
				t.Errorf("left behind: %s", left)
			}
		})
	}
}

// A tar archive ends with two blocks of zeros. One that was cut at the end of a block looks whole otherwise, and a stream
// that was compressed after that is whole.
func TestArchiveThatIsCutOff(t *testing.T) {
	whole := tarOf(t, entry{name: "web", content: "hello"}, entry{name: "other", content: "hello"})
	for name, c := range map[string]struct {
		data []byte
		cut  bool
	}{
		"whole":                {whole, false},
		"more behind it":       {append(whole[:len(whole):len(whole)], make([]byte, 10240)...), false},
		"no end":               {whole[:len(whole)-1024], true},
		"after the first file": {whole[:1024], true},
	} {
		for format, data := range map[string][]byte{"gzip": gzipped(t, c.data), "zstd": zstandard(t, c.data)} {
			path, _ := written(t, data)
			err := artifact.Inspect(t.Context(), path)
			if (err != nil) != c.cut || (c.cut && !strings.Contains(err.Error(), "cut off")) {
				t.Errorf("%s in %s: %v", name, format, err)
			}
		}
	}
}

func TestWhatIsNoArtifact(t *testing.T) {
	script := []byte("#!/bin/sh\nexit 0\n")
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"empty":                        {nil, "the file is empty; it is no artifact"},
		"an archive of nothing":        {gzipped(t, tarOf(t)), "holds no file"},
		"zip":                          {[]byte("PK\x03\x04xxxx"), "a zip archive"},
		"not compressed":               {tarOf(t, entry{name: "web"}), "not compressed"},
		"a program of macOS":           {[]byte("\xcf\xfa\xed\xfe\x0c\x00\x00\x01"), "a program for macOS: build it for linux"},
		"a program of Windows":         {[]byte("MZ\x90\x00"), "a program for Windows: build it for linux"},
		"one file, compressed":         {gzipped(t, script), "no tar archive"},
		"one large file, compressed":   {gzipped(t, bytes.Repeat(script, 100)), "no tar archive"},
		"one large file, with zstd":    {zstandard(t, bytes.Repeat(script, 100)), "no tar archive"},
		"one file, with zstd":          {zstandard(t, script), "no tar archive"},
		"an archive that is cut off":   {gzipped(t, tarOf(t, entry{name: "web", content: "hello"}, entry{name: "other"})[:1300]), "after 1 entries"},
		"compressed, and then cut off": {gzipped(t, tarOf(t, entry{name: "web", content: "hello"}))[:30], "after 0 entries: unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			path, _ := written(t, c.data)
			if err := artifact.Inspect(t.Context(), path); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// An archive of many entries is read from memory for the most part: it ends with its context all the same.
func TestInspectEndsWithItsContext(t *testing.T) {
	path, _ := written(t, gzipped(t, tarOf(t, entry{name: "web"})))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := artifact.Inspect(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestLimits(t *testing.T) {
	bomb := gzipped(t, tarOf(t, entry{name: "a", content: strings.Repeat("0", 600)}, entry{name: "b", content: strings.Repeat("0", 600)}))
	script := []byte("#!/bin/sh\n" + strings.Repeat("#", 2000))
	// What follows the archive in the compressed stream is not unpacked, but has to be read.
	trailing := gzipped(t, append(tarOf(t, entry{name: "a"}), make([]byte, 1<<20)...))
	cases := map[string]struct {
		data   []byte
		limits artifact.Limits
		want   string
	}{
		"bytes":      {bomb, artifact.Limits{Bytes: 1000}, `entry "b"`},
		"entries":    {bomb, artifact.Limits{Entries: 1}, `entry "b"`},
		"executable": {script, artifact.Limits{Bytes: 1000}, "more than 1000 bytes"},
		"trailing":   {trailing, artifact.Limits{Bytes: 1000, Entries: 10}, "more than 1000 bytes"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			path, digest := written(t, c.data)
			dir := t.TempDir()
			err := artifact.Install(t.Context(), path, "web", digest, filepath.Join(dir, "r"), c.limits)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if left := names(t, dir); left != "" {
				t.Errorf("left behind: %s", left)
			}
			if err := artifact.Install(t.Context(), path, "web", digest, filepath.Join(dir, "r"), artifact.Limits{}); err != nil {
				t.Errorf("within the default limits: %v", err)
			}
		})
	}
}
