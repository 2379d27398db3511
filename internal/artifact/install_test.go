package artifact_test

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/artifact"
)

func content(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path) //nolint:gosec // a file of the test
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode()
}

func TestInstallArchive(t *testing.T) {
	plain := tarOf(t,
		entry{name: "./", kind: tar.TypeDir, mode: 0o755},
		entry{name: "./bin/web", content: "program", mode: 0o4777},
		entry{name: "sealed", kind: tar.TypeDir, mode: 0o500},
		entry{name: "sealed/data", content: "old", mode: 0o400},
		entry{name: "hard", link: "sealed/data", kind: tar.TypeLink},
		entry{name: "sealed/data", content: "new"},
		entry{name: "lib/current", link: "../bin", kind: tar.TypeSymlink},
		entry{name: "dangling", link: "made-later", kind: tar.TypeSymlink},
	)
	for name, data := range map[string][]byte{"gzip": gzipped(t, plain), "zstd": zstandard(t, plain)} {
		t.Run(name, func(t *testing.T) {
			path, digest := written(t, data)
			if err := artifact.Inspect(t.Context(), path); err != nil {
				t.Fatal(err)
			}
			parent := t.TempDir()
			dir := filepath.Join(parent, "release")
			// What a killed installation left behind is in nobody's way.
			if err := os.MkdirAll(filepath.Join(parent, ".release.unpacking", "bin", "web"), 0o750); err != nil {
				t.Fatal(err)
			}
			if err := artifact.Install(t.Context(), path, "web", digest, dir, artifact.Limits{}); err != nil {
				t.Fatal(err)
			}
			for file, want := range map[string]string{"bin/web": "program", "sealed/data": "new", "hard": "old", "lib/current/web": "program"} {
				if got := content(t, filepath.Join(dir, file)); got != want {
					t.Errorf("%s holds %q, want %q", file, got, want)
				}
			}
			if got := mode(t, filepath.Join(dir, "bin/web")); got != 0o755 {
				t.Errorf("bin/web has the mode %v: set-user-id and others' write permission do not come with an artifact", got)
			}
			if got := names(t, parent); strings.Contains(got, "unpacking") {
				t.Errorf("left behind: %s", got)
			}
			if err := artifact.Install(t.Context(), path, "web", digest, dir, artifact.Limits{}); !errors.Is(err, fs.ErrExist) {
				t.Errorf("installing over a directory: got %v", err)
			}
		})
	}
}

func TestInstallExecutable(t *testing.T) {
	for name, data := range map[string]string{"script": "#!/bin/sh\nexit 0\n", "program": "\x7fELF\x02\x01\x01 and so on"} {
		t.Run(name, func(t *testing.T) {
			path, digest := written(t, []byte(data))
			dir := filepath.Join(t.TempDir(), "release")
			if err := artifact.Install(t.Context(), path, "web", digest, dir, artifact.Limits{}); err != nil {
				t.Fatal(err)
			}
			if got := content(t, filepath.Join(dir, "web")); got != data {
				t.Errorf("got %q", got)
			}
			if got := mode(t, filepath.Join(dir, "web")); got != 0o755 {
				t.Errorf("mode %v", got)
			}
			for _, bad := range []string{"", ".", "..", "a/b"} {
				if err := artifact.Install(t.Context(), path, bad, digest, filepath.Join(t.TempDir(), "r"), artifact.Limits{}); err == nil {
					t.Errorf("the name %q was taken", bad)
				}
			}
		})
	}
}

func TestNoArtifact(t *testing.T) {
	good := gzipped(t, tarOf(t, entry{name: "web", content: strings.Repeat("program", 1000)}))
	flipped := append([]byte{}, good...)
	flipped[len(flipped)-6] ^= 1 // in the checksum at the end
	cases := map[string]struct {
		data []byte
		want string
	}{
		"empty":            {nil, "empty"},
		"text":             {[]byte("hello"), "use a .tar.gz"},
		"zip":              {[]byte("PK\x03\x04 and so on"), "zip"},
		"plain tar":        {tarOf(t, entry{name: "web"}), "not compressed"},
		"gzip of no tar":   {gzipped(t, []byte(strings.Repeat("hello ", 200))), "tar"},
		"gzip of nothing":  {gzipped(t, nil), "no file"},
		"only directories": {gzipped(t, tarOf(t, entry{name: "d", kind: tar.TypeDir})), "no file"},
		"cut short":        {good[:len(good)-10], "unexpected EOF"},
		"damaged":          {flipped, "checksum"},
		"zstd, damaged":    {[]byte("\x28\xb5\x2f\xfd and so on"), "tar archive"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			path, digest := written(t, c.data)
			if err := artifact.Inspect(t.Context(), path); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Inspect: got %v, want %q", err, c.want)
			}
			dir := t.TempDir()
			if err := artifact.Install(t.Context(), path, "web", digest, filepath.Join(dir, "r"), artifact.Limits{}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Install: got %v, want %q", err, c.want)
			}
			if left := names(t, dir); left != "" {
				t.Errorf("left behind: %s", left)
			}
		})
	}
}

func TestDigest(t *testing.T) {
	data := []byte(strings.Repeat("0123456789", 300_000))
	path, digest := written(t, data)
	sum := sha256.Sum256(data)
	if want := "sha256:" + hex.EncodeToString(sum[:]); digest != want {
		t.Errorf("got %s, want %s", digest, want)
	}
	if err := artifact.Verify(t.Context(), path, digest); err != nil {
		t.Error(err)
	}
	other := "sha256:" + strings.Repeat("0", 64)
	var mismatch *artifact.DigestError
	if err := artifact.Verify(t.Context(), path, other); !errors.As(err, &mismatch) || mismatch.Got != digest || mismatch.Want != other {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := artifact.Digest(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
	for _, bad := range []string{t.TempDir(), filepath.Join(t.TempDir(), "missing")} {
		if _, err := artifact.Digest(t.Context(), bad); err == nil {
			t.Errorf("%s has a digest", bad)
		}
	}
}

func TestInstallVerifiesWhatItUnpacks(t *testing.T) {
	other := "sha256:" + strings.Repeat("0", 64)
	archive := gzipped(t, tarOf(t, entry{name: "web"}))
	for name, data := range map[string][]byte{
		"archive": archive, "executable": []byte("#!/bin/sh\n"), "no artifact": []byte("text"),
		"bytes behind the archive": append(append([]byte{}, zstandard(t, tarOf(t, entry{name: "web"}))...), 0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0),
	} {
		t.Run(name, func(t *testing.T) {
			path, _ := written(t, data)
			dir := t.TempDir()
			var mismatch *artifact.DigestError
			err := artifact.Install(t.Context(), path, "web", other, filepath.Join(dir, "r"), artifact.Limits{})
			if !errors.As(err, &mismatch) || mismatch.Want != other {
				t.Errorf("got %v", err)
			}
			if left := names(t, dir); left != "" {
				t.Errorf("left behind: %s", left)
			}
		})
	}
}
