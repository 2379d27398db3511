package artifact_test

import (
	"archive/tar"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/artifact"
)

// What no Linux runs is told before it is tried. Of what is not known nothing is said.
func TestProgramThatNoLinuxRuns(t *testing.T) {
	for name, c := range map[string]struct{ begins, want string }{
		"a script":                      {"#!/bin/sh\necho x\r\n", ""},
		"one line":                      {"#!/bin/sh", ""},
		"with line ends of Windows":     {"#!/usr/bin/env bash\r\necho x\r\n", "the program ./web cannot be run: its first line ends as lines of Windows do"},
		"of macOS":                      {"\xcf\xfa\xed\xfe\x0c\x00\x00\x01", "it is a program for macOS: build it for linux"},
		"of macOS, for two processors":  {"\xca\xfe\xba\xbe\x00\x00\x00\x02", "it is a program for macOS: build it for linux"},
		"a class of Java":               {"\xca\xfe\xba\xbe\x00\x00\x00\x41", ""},
		"of Windows, which wine may do": {"MZ\x90\x00", ""},
	} {
		t.Run(name, func(t *testing.T) {
			path, digest := written(t, gzipped(t, tarOf(t, entry{name: "web", content: c.begins + strings.Repeat("x", 1000), mode: 0o755})))
			contents, err := artifact.Examine(t.Context(), path, digest, "web", artifact.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			err = contents.Program.Runs("./web")
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// What is said of a program is what comes of it when the artifact is installed.
func TestProgram(t *testing.T) {
	plain := tarOf(t,
		entry{name: "first", link: "app/./current/web", kind: tar.TypeSymlink}, // which comes later
		entry{name: "./app/v2/web", content: "#!/bin/sh\n", mode: 0o755},
		entry{name: "app/v2/group", content: "#!/bin/sh\n", mode: 0o750},
		entry{name: "app/current", link: "v2", kind: tar.TypeSymlink},
		entry{name: "app/v2/data", content: "x", mode: 0o644},
		entry{name: "hard", link: "app/v2/web", kind: tar.TypeLink},
		entry{name: "deep/er/up", link: "../../hard", kind: tar.TypeSymlink},
		entry{name: "whole", link: ".", kind: tar.TypeSymlink},
		entry{name: "here", link: "here", kind: tar.TypeSymlink},
		entry{name: "dangling", link: "nothing", kind: tar.TypeSymlink},
		entry{name: "replaced", content: "#!/bin/sh\n", mode: 0o755},
		entry{name: "kept", link: "replaced", kind: tar.TypeLink},
		entry{name: "replaced", content: "x", mode: 0o644},
	)
	path, digest := written(t, gzipped(t, plain))
	dir := filepath.Join(t.TempDir(), "files")
	if err := artifact.Install(t.Context(), path, "web", digest, dir, artifact.Limits{}); err != nil {
		t.Fatal(err)
	}
	for program, want := range map[string]string{
		"app/v2/web": "", "./app/v2/web": "", "app//current/../current/web": "", "app/v2/group": "", "first": "", "app/current/web": "",
		"hard": "", "deep/er/up": "", "whole/whole/app/current/web": "", "kept": "",
		"app/v2/data": "not executable: pack it with its mode, 0755", "replaced": "not executable: pack it with its mode, 0755",
		"web":         "not among the release's files: the artifact has app/v2/web; write ./app/v2/web as the first of content.host.command, or pack it where it is looked for",
		"dangling":    "not among the release's files: is content.host.command[0] written as it is in the artifact?",
		"here":        "not among the release's files: is content.host.command[0] written as it is in the artifact?",
		"app/v2":      "not among the release's files: is content.host.command[0] written as it is in the artifact?",
		"app/v2/web/": "", "else": "not among the release's files: is content.host.command[0] written as it is in the artifact?",
	} {
		t.Run(program, func(t *testing.T) {
			contents, err := artifact.Examine(t.Context(), path, digest, program, artifact.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			err = contents.Program.Runs(program)
			if want == "" && err != nil || want != "" && (err == nil || err.Error() != "the program "+program+" is "+want) {
				t.Errorf("got %v, want %q", err, want)
			}
			if started := exec.CommandContext(t.Context(), filepath.Join(dir, program)).Run(); (started == nil) != (err == nil) {
				t.Errorf("it is said %v of a program of which the system says %v", err, started)
			}
		})
	}
}

func TestProgramThatMayBeMeant(t *testing.T) {
	for name, c := range map[string]struct {
		entries []entry
		want    string
	}{
		"the nearest of that name":  {[]entry{{name: "a/b/web"}, {name: "b/web"}, {name: "a/web", mode: 0o755}}, "a/web"},
		"the only one that is any":  {[]entry{{name: "README"}, {name: "bin/server", mode: 0o755}}, "bin/server"},
		"one of several":            {[]entry{{name: "one", mode: 0o755}, {name: "two", mode: 0o755}, {name: "three", mode: 0o755}}, ""},
		"one that is not seen":      {[]entry{{name: "a\nb\x1b[2J/web", mode: 0o755}}, ""},
		"none that can be executed": {[]entry{{name: "README"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			path, digest := written(t, gzipped(t, tarOf(t, c.entries...)))
			contents, err := artifact.Examine(t.Context(), path, digest, "./web", artifact.Limits{})
			if err != nil || contents.Program != (artifact.Program{Instead: c.want}) {
				t.Errorf("got %+v, %v", contents.Program, err)
			}
		})
	}
	// A single executable is called as its file.
	path, digest := written(t, []byte("#!/bin/sh\n"))
	contents, err := artifact.Examine(t.Context(), path, digest, "web", artifact.Limits{})
	if err != nil || contents.Program.Instead != "artifact" {
		t.Errorf("got %+v, %v", contents.Program, err)
	}
}

func TestExaminedOnce(t *testing.T) {
	data := gzipped(t, tarOf(t, entry{name: "web", content: "x", mode: 0o755}))
	path, digest := written(t, data)
	times := time.Unix(1e9, 0)
	examined := func() error {
		if err := os.Chtimes(path, times, times); err != nil {
			t.Fatal(err)
		}
		contents, err := artifact.Examined(t.Context(), path, digest, "web", artifact.Limits{})
		if err == nil && contents.Program != (artifact.Program{Found: true, Executable: true, Head: "x"}) {
			t.Errorf("got %+v", contents)
		}
		return err
	}
	if err := examined(); err != nil {
		t.Fatal(err)
	}
	// As far as a look at the file tells it is the same one, so it is not read again.
	data[len(data)-1] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := examined(); err != nil {
		t.Error(err)
	}
	times = times.Add(time.Second)
	var other *artifact.DigestError
	if err := examined(); !errors.As(err, &other) {
		t.Errorf("got %v of another file", err)
	}
}
