package artifact_test

import (
	"archive/tar"
	"errors"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/artifact"
)

func TestExamine(t *testing.T) {
	plain := tarOf(t,
		entry{name: "bin", kind: tar.TypeDir},
		entry{name: "./bin/web", content: "#!/bin/sh\necho a long program\n", mode: 0o755},
		entry{name: "short", content: "x"},
		entry{name: "link", link: "short", kind: tar.TypeSymlink},
	)
	executable := []byte("#!/bin/sh\necho a long program\n")
	long := artifact.Program{Found: true, Executable: true, Head: "#!/bin/sh\n"}
	for name, c := range map[string]struct {
		data    []byte
		program string
		want    artifact.Contents
	}{
		"gzip":       {gzipped(t, plain), "bin/web", artifact.Contents{Bytes: 31, Entries: 4, Program: long}},
		"zstd":       {zstandard(t, plain), "short", artifact.Contents{Bytes: 31, Entries: 4, Program: artifact.Program{Found: true}, Zstd: true}},
		"missing":    {gzipped(t, plain), "web", artifact.Contents{Bytes: 31, Entries: 4, Program: artifact.Program{Instead: "bin/web"}}},
		"not asked":  {gzipped(t, plain), "", artifact.Contents{Bytes: 31, Entries: 4}},
		"executable": {executable, "artifact", artifact.Contents{Bytes: 30, Entries: 1, Program: long}},
	} {
		t.Run(name, func(t *testing.T) {
			path, digest := written(t, c.data)
			c.want.Size = int64(len(c.data))
			if got, err := artifact.Examine(t.Context(), path, digest, c.program, artifact.Limits{}); err != nil || got != c.want {
				t.Errorf("got %+v, %v, want %+v", got, err, c.want)
			}
		})
	}
}

func TestExamineRefuses(t *testing.T) {
	evil, evilDigest := written(t, gzipped(t, tarOf(t, entry{name: "../evil", content: "x"})))
	var entryError *artifact.EntryError
	if _, err := artifact.Examine(t.Context(), evil, evilDigest, "", artifact.Limits{}); !errors.As(err, &entryError) {
		t.Errorf("got %v", err)
	}
	// That it is another file is said first.
	var digestError *artifact.DigestError
	for _, data := range [][]byte{gzipped(t, tarOf(t, entry{name: "web", content: "x"})), []byte("nothing")} {
		path, _ := written(t, data)
		if _, err := artifact.Examine(t.Context(), path, evilDigest, "", artifact.Limits{}); !errors.As(err, &digestError) {
			t.Errorf("got %v", err)
		}
	}
	path, digest := written(t, gzipped(t, tarOf(t, entry{name: "web", content: strings.Repeat("x", 100)})))
	if _, err := artifact.Examine(t.Context(), path, digest, "", artifact.Limits{Bytes: 99}); err == nil {
		t.Error("the limit is not kept")
	}
}
