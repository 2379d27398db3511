package transfer_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/component"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/machines/transfer"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func label(i int) string { return fmt.Sprintf("1.%d-aaaaaaaa", i) }

// releases installs n releases, the first one first, each with its own artifact, and returns the requests.
func releases(t *testing.T, n int) []transfer.Request {
	t.Helper()
	dir := awkward(t)
	var all []transfer.Request
	for i := range n {
		r := request(t, script(t, 100+i), dir)
		r.Release = service.ReleaseID("production/web/" + label(i))
		install(t, &local{}, r)
		at := time.Now().Add(time.Duration(i-n) * time.Hour)
		if err := os.Chtimes(files(r), at, at); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestPrune(t *testing.T) {
	for name, c := range map[string]struct {
		keep   int
		needed []int
		want   []int
	}{
		"newest":                {2, nil, []int{3, 4}},
		"needed among them":     {3, []int{0}, []int{0, 3, 4}},
		"more needed":           {1, []int{0, 1, 2}, []int{0, 1, 2}},
		"needed, not there":     {2, []int{9}, []int{3, 4}},
		"needed and the latest": {2, []int{4}, []int{3, 4}},
		"enough":                {5, nil, []int{0, 1, 2, 3, 4}},
		"none":                  {0, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			all := releases(t, 5)
			dir := all[0].Directory
			// What Install did not make is none of its business.
			for _, other := range []string{"releases/backup", "releases/a b", "artifacts/mine"} {
				if err := os.Mkdir(filepath.Join(dir, other), 0o750); err != nil {
					t.Fatal(err)
				}
			}
			var needed []string
			for _, i := range c.needed {
				needed = append(needed, label(i))
			}
			if err := transfer.Prune(t.Context(), &local{}, dir, c.keep, needed, ""); err != nil {
				t.Fatal(err)
			}
			wantReleases, wantArtifacts := []string{"a b", "backup"}, []string{"mine"}
			for _, i := range c.want {
				wantReleases = append(wantReleases, label(i))
				wantArtifacts = append(wantArtifacts, strings.TrimPrefix(all[i].Artifact.Digest, "sha256:"))
			}
			slices.Sort(wantReleases)
			slices.Sort(wantArtifacts)
			if got := names(t, filepath.Join(dir, "releases")); !slices.Equal(got, wantReleases) {
				t.Errorf("releases: %q, want %q", got, wantReleases)
			}
			if got := names(t, filepath.Join(dir, "artifacts")); !slices.Equal(got, wantArtifacts) {
				t.Errorf("artifacts: %q, want %q", got, wantArtifacts)
			}
		})
	}
}

func TestPruneKeepsAnArtifactThatIsUsed(t *testing.T) {
	r := releases(t, 1)[0]
	other := r
	other.Release = "production/web/2.0-bbbbbbbb"
	install(t, &local{}, other)
	if err := transfer.Prune(t.Context(), &local{}, r.Directory, 1, nil, ""); err != nil {
		t.Fatal(err)
	}
	if got := names(t, filepath.Join(r.Directory, "releases")); !slices.Equal(got, []string{"2.0-bbbbbbbb"}) {
		t.Errorf("releases: %q", got)
	}
	if got := names(t, filepath.Join(kept(r), "used-by")); !slices.Equal(got, []string{"2.0-bbbbbbbb"}) {
		t.Errorf("used by %q", got)
	}
}

func TestPruneNothing(t *testing.T) {
	if err := transfer.Prune(t.Context(), &local{}, awkward(t), 3, []string{label(1)}, "exit 75"); err != nil {
		t.Error(err)
	}
	r := releases(t, 2)
	if err := transfer.Prune(t.Context(), &local{}, r[0].Directory, 3, nil, "exit 75"); err != nil {
		t.Errorf("nothing was to be removed, and the guard was asked: %v", err)
	}
}

// leave leaves behind what a killed run would: an upload and an unpacking that did not end.
func leave(t *testing.T, dir, digest, label string) (partial string) {
	t.Helper()
	hex := filepath.Join(dir, "artifacts", digest)
	partial = filepath.Join(hex, "artifact.partial")
	err := errors.Join(
		os.MkdirAll(filepath.Join(hex, "used-by"), 0o750),
		os.WriteFile(filepath.Join(hex, "used-by", label), nil, 0o600),
		os.WriteFile(partial, []byte("#!/b"), 0o600),
		os.MkdirAll(filepath.Join(dir, "releases", "."+label+".unpacking", "x"), 0o750),
	)
	if err != nil {
		t.Fatal(err)
	}
	return partial
}

func TestPruneLeftovers(t *testing.T) {
	r := releases(t, 1)[0]
	dir := r.Directory
	leave(t, dir, strings.Repeat("a", 64), "3.0-aaaaaaaa")
	needed := leave(t, dir, strings.Repeat("b", 64), "3.0-bbbbbbbb")
	busy := leave(t, dir, strings.Repeat("c", 64), "3.0-cccccccc")
	err := errors.Join(
		os.MkdirAll(filepath.Join(dir, "releases", ".2.0-aaaaaaaa.unpacking", "x"), 0o750),
		os.MkdirAll(filepath.Join(dir, "releases", ".2.0-aaaaaaaa.removing.17", "x"), 0o750),
		os.Chmod(filepath.Join(dir, "releases", ".2.0-aaaaaaaa.removing.17", "x"), 0o500), //nolint:gosec // a directory
		os.MkdirAll(filepath.Join(dir, "artifacts", "."+strings.Repeat("d", 64)+".removing.17"), 0o750),
		os.WriteFile(filepath.Join(kept(r), "artifact.partial"), nil, 0o600),
	)
	if err != nil {
		t.Fatal(err)
	}
	working, err := os.OpenFile(busy, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		err = unix.Flock(int(working.Fd()), unix.LOCK_EX) //nolint:gosec // a descriptor is small
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = working.Close() }()
	if err := transfer.Prune(t.Context(), &local{}, dir, 3, []string{"3.0-bbbbbbbb"}, ""); err != nil {
		t.Fatal(err)
	}
	want := []string{busy, needed, filepath.Join(dir, "releases", ".3.0-cccccccc.unpacking")}
	got := leftovers(t, dir)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("left: %q, want %q: what is being uploaded, and what is needed as far as it came", got, want)
	}
	if got := names(t, filepath.Join(dir, "artifacts")); len(got) != 3 {
		t.Errorf("artifacts: %q", got)
	}
}

func TestPruneGuarded(t *testing.T) {
	all := releases(t, 3)
	dir := all[0].Directory
	err := transfer.Prune(t.Context(), &local{}, dir, 1, nil, "exit 75")
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 75 {
		t.Errorf("got %v, want the guard's status", err)
	}
	for _, r := range all {
		if _, err := os.Stat(files(r)); err != nil {
			t.Errorf("removed all the same: %v", err)
		}
	}
	// Refused in the middle: the next one ends what was begun.
	asked := filepath.Join(t.TempDir(), "asked")
	once := `[ ! -e "` + asked + `" ] || exit 75; touch "` + asked + `"`
	if err := transfer.Prune(t.Context(), &local{}, dir, 1, nil, once); !errors.As(err, &exit) {
		t.Errorf("got %v", err)
	}
	if err := transfer.Prune(t.Context(), &local{}, dir, 1, nil, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(kept(all[0])); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its artifact is still there: %v", err)
	}
	if left := leftovers(t, dir); left != nil {
		t.Errorf("left behind: %q", left)
	}
}

// What cannot be removed is told, and keeps nothing else from being removed.
func TestPruneGoesOn(t *testing.T) {
	all := releases(t, 3)
	dir := all[0].Directory
	programs := t.TempDir()
	component.WriteProgram(t, filepath.Join(programs, "rm"), []byte("#!/bin/sh\ncase $* in *stuck*) echo cannot remove it >&2; exit 1 ;; esac\nexec /bin/rm \"$@\"\n"))
	err := errors.Join(
		os.MkdirAll(filepath.Join(dir, "releases", ".1.0-stuck.unpacking"), 0o750),
		os.MkdirAll(filepath.Join(dir, "releases", ".1.0-stuck.removing.17"), 0o750),
		os.MkdirAll(filepath.Join(dir, "releases", ".2.0-aaaaaaaa.removing.17"), 0o750),
	)
	if err != nil {
		t.Fatal(err)
	}
	m := &local{path: programs + ":" + os.Getenv("PATH")}
	if err := transfer.Prune(t.Context(), m, dir, 1, nil, ""); err == nil || !strings.Contains(err.Error(), "cannot remove it") {
		t.Errorf("got %v", err)
	}
	if got := leftovers(t, dir); len(got) != 2 || !strings.Contains(got[0], "stuck") || !strings.Contains(got[1], "stuck") {
		t.Errorf("left: %q", got)
	}
	if _, err := os.Stat(kept(all[0])); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its artifact is still there: %v", err)
	}
}
