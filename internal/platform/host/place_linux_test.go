package host_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/artifact"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func TestKeptArtifact(t *testing.T) {
	t.Parallel()
	g := newGround(t, 1)
	first := g.placed(g.release("1.0.0"), "blue")
	files := func(r service.Release) string { return filepath.Join(g.definition.Directory, "releases", r.ID.Label()) }
	kept := filepath.Join(g.definition.Directory, "artifacts", strings.TrimPrefix(g.digest, "sha256:"))
	// The user's file has gone on to the next build: what is kept is still there to be placed.
	next := g.release("2.0.0")
	nextDigest := g.write(g.artifact, archive(t, instanceScript(t)+"# another\n"))
	second := g.placed(next, "green")
	g.started(second, nil)
	g.ok(os.Remove(g.artifact))
	_, err := g.Place(g.Context(), first, "blue")
	g.ok(err)
	if problems := g.Room(g.Context(), first, "blue"); len(problems) > 0 {
		t.Errorf("room: %v", problems)
	}
	g.ok(g.Remove(g.Context(), first.Placement))
	if exists(files(first)) || !exists(files(second)) || !exists(kept) {
		t.Error("the first release's files are there, or the second one's or the artifact are not")
	}
	g.ok(g.Remove(g.Context(), second.Placement))
	if exists(files(second)) || exists(kept) {
		t.Error("files are left")
	}
	var missing *fs.PathError
	if _, err := g.Place(g.Context(), first, "blue"); !errors.As(err, &missing) || !strings.Contains(err.Error(), g.digest) {
		t.Errorf("missing: %v", err)
	}
	g.digest = nextDigest
	third := g.release("3.0.0")
	g.write(g.artifact, archive(t, instanceScript(t)+"# yet another\n"))
	var other *artifact.DigestError
	if _, err := g.Place(g.Context(), third, "blue"); !errors.As(err, &other) || other.Want != nextDigest {
		t.Errorf("another file: %v", err)
	}
	if problems := g.Room(g.Context(), third, "blue"); len(problems) != 1 || problems[0].Path[0] != "content" {
		t.Errorf("room: %v", problems)
	}
	if exists(files(third)) {
		t.Error("something was placed")
	}
}

func TestDamagedKeptArtifact(t *testing.T) {
	t.Parallel()
	g := newGround(t, 1)
	kept := filepath.Join(g.definition.Directory, "artifacts", strings.TrimPrefix(g.digest, "sha256:"), "artifact")
	g.write(kept, []byte("damaged"))
	r := g.placed(g.release("1.0.0"), "blue")
	g.started(r, nil)
	if err := artifact.Verify(t.Context(), kept, g.digest); err != nil {
		t.Error(err)
	}
}

func TestSingleExecutable(t *testing.T) {
	t.Parallel()
	g := newGround(t, 1)
	g.artifact = filepath.Join(filepath.Dir(g.artifact), "server")
	g.digest = g.write(g.artifact, []byte(instanceScript(t)))
	r := g.release("1.0.0")
	r.Content.Host.Command = []string{"./server"}
	r.ID = r.Content.ReleaseID(id)
	r = g.placed(r, "blue")
	g.started(r, nil)
}

func TestCommand(t *testing.T) {
	t.Parallel()
	g := newGround(t, 1)
	for name, c := range map[string]struct {
		command []string
		// fails is a part of Start's error; empty: it starts.
		fails string
	}{
		"through PATH":    {[]string{"sh", "bin/web"}, ""},
		"absolute":        {[]string{"/bin/sh", "./bin/web"}, ""},
		"without a dot":   {[]string{"bin/web"}, ""},
		"missing":         {[]string{"./web"}, "no such file"},
		"not in PATH":     {[]string{"no-such-program"}, "not in PATH"},
		"a directory":     {[]string{"./bin"}, "permission denied"},
		"not even a name": {nil, "host.command"},
	} {
		t.Run(name, func(t *testing.T) {
			r := g.release("1.0.0")
			r.Content.Host.Command = c.command
			r.ID = r.Content.ReleaseID(id)
			r = g.placed(r, "blue")
			defer func() { g.ok(g.Remove(t.Context(), r.Placement)) }()
			if c.fails == "" {
				g.started(r, nil)
				return
			}
			if err := g.Start(t.Context(), r, nil); err == nil || !strings.Contains(err.Error(), c.fails) {
				t.Fatalf("got %v, want %q", err, c.fails)
			}
			if s := g.state(r); s.Running || s.Detail == "" {
				t.Errorf("got %+v", s)
			}
		})
	}
}

func TestDirectoryOfAnotherService(t *testing.T) {
	t.Parallel()
	g := newGround(t, 1)
	r := g.placed(g.release("1.0.0"), "blue")
	other, err := host.New(g.definition, "production/api", options)
	g.ok(err)
	if problems := other.Room(t.Context(), service.Release{ID: "production/api/1-00000000"}, "green"); len(problems) != 1 || !strings.Contains(problems[0].Detail, string(id)) {
		t.Errorf("room: %v", problems)
	}
	if _, err := other.Place(t.Context(), r, "green"); err == nil || !strings.Contains(err.Error(), string(id)) {
		t.Errorf("place: %v", err)
	}
}

func TestRoomNeedsADirectory(t *testing.T) {
	t.Parallel()
	g := newGround(t, 1)
	r := service.Release{ID: "production/web/1.0.0-00000000"} // As a preflight knows it: by its id alone.
	if problems := g.Room(t.Context(), r, "blue"); len(problems) > 0 {
		t.Errorf("a directory that is to be made: %v", problems)
	}
	g.write(g.definition.Directory, []byte("a file"))
	if problems := g.Room(t.Context(), r, "blue"); len(problems) != 1 || !strings.Contains(problems[0].Detail, "not a directory") {
		t.Errorf("a file: %v", problems)
	}
	if problems := g.Room(t.Context(), r, "red"); len(problems) != 1 {
		t.Errorf("no such slot: %v", problems)
	}
}

func TestSupervisorProgram(t *testing.T) {
	t.Parallel()
	g := newGround(t, 1)
	bin := filepath.Join(g.definition.Directory, "bin")
	g.write(filepath.Join(bin, "supervisor-0000000000000000"), []byte("an earlier one"))
	r := g.placed(g.release("1.0.0"), "blue")
	g.started(r, nil)
	entries, err := os.ReadDir(bin)
	g.ok(err)
	if len(entries) != 1 || entries[0].Name() == "supervisor-0000000000000000" {
		t.Errorf("programs %v", entries)
	}
	program, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", g.status("blue/0").Supervisor.PID))
	g.ok(err)
	if program != filepath.Join(bin, entries[0].Name()) {
		t.Errorf("the supervisor runs %s", program)
	}
}
