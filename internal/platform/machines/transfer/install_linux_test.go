package transfer_test

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/artifact"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/machines/transfer"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func TestInstallArchive(t *testing.T) {
	plain := tarOf(t,
		entry{name: "./", kind: tar.TypeDir, mode: 0o700},
		entry{name: "./bin/web", content: "#!/bin/sh\n", mode: 0o6777},
		entry{name: "sealed", kind: tar.TypeDir, mode: 0o500},
		entry{name: "sealed/data", content: "old", mode: 0o400},
		entry{name: "shared", kind: tar.TypeDir, mode: 0o3777},
		entry{name: "hard", link: "sealed/data", kind: tar.TypeLink},
		entry{name: "sealed/data", content: "new"},
		entry{name: "lib/current", link: "../bin", kind: tar.TypeSymlink},
		entry{name: "dangling", link: "made-later", kind: tar.TypeSymlink},
		entry{name: "a 'b' \"c\" $d *", content: "odd"},
	)
	for name, data := range map[string][]byte{"gzip": gzipped(t, plain), "zstd": zstandard(t, plain)} {
		t.Run(name, func(t *testing.T) {
			if name == "zstd" {
				needs(t, "zstd")
			}
			m := &local{}
			r := request(t, write(t, "web.tar", data), awkward(t))
			r.Program = "./bin/web"
			// What a killed installation left behind is in nobody's way.
			stale := filepath.Join(r.Directory, "releases", "."+r.Release.Label()+".unpacking", "sealed")
			if err := errors.Join(os.MkdirAll(filepath.Join(stale, "x"), 0o750), os.Chmod(stale, 0o500)); err != nil { //nolint:gosec // a directory
				t.Fatal(err)
			}
			missing, err := transfer.Missing(t.Context(), m, r)
			if err != nil || missing != int64(len(data)) {
				t.Errorf("missing before: %d, %v; want %d", missing, err, len(data))
			}
			m.trips.Store(0)
			report := install(t, m, r)
			if report.Uploaded != int64(len(data)) || report.Upload <= 0 || report.Resumed != 0 || m.trips.Load() != 2 {
				t.Errorf("got %+v in %d round trips, want %d bytes in 2", report, m.trips.Load(), len(data))
			}
			dir := files(r)
			for file, want := range map[string]string{"bin/web": "#!/bin/sh\n", "sealed/data": "new", "hard": "old", "lib/current/web": "#!/bin/sh\n", "a 'b' \"c\" $d *": "odd"} {
				if got := read(t, filepath.Join(dir, file)); got != want {
					t.Errorf("%s holds %q, want %q", file, got, want)
				}
			}
			for file, want := range map[string]fs.FileMode{".": fs.ModeDir | 0o755, "bin/web": 0o755, "bin": fs.ModeDir | 0o755, "shared": fs.ModeDir | 0o755, "sealed": fs.ModeDir | 0o700, "sealed/data": 0o644, "hard": 0o600} {
				info, err := os.Stat(filepath.Join(dir, file))
				if err != nil || info.Mode() != want {
					t.Errorf("%s has the mode %v, want %v (%v)", file, info.Mode(), want, err)
				}
			}
			if info, err := os.Stat(filepath.Join(dir, "bin/web")); err != nil || info.ModTime().UTC().Year() != 2020 {
				t.Errorf("bin/web is from %v, want the archive's time (%v)", info.ModTime(), err)
			}
			if info, err := os.Stat(dir); err != nil || time.Since(info.ModTime()) > time.Hour {
				t.Errorf("the release is from %v, want the time it was installed (%v)", info.ModTime(), err)
			}
			if owned, err := exec.CommandContext(t.Context(), "find", dir, "-uid", "4711").Output(); err != nil || len(owned) > 0 {
				t.Errorf("of the archive's user: %s (%v)", owned, err)
			}
			if read(t, filepath.Join(kept(r), "used-by", r.Release.Label())) != "" || digestOf(t, filepath.Join(kept(r), "artifact")) != r.Artifact.Digest {
				t.Error("the artifact is not kept as it is")
			}
			if left := leftovers(t, r.Directory); left != nil {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

// An archive that was packed under a strict umask is opened to all where another user runs it, and to nobody else where not.
func TestInstallForAll(t *testing.T) {
	data := gzipped(t, tarOf(t,
		entry{name: "bin", kind: tar.TypeDir, mode: 0o700},
		entry{name: "bin/web", content: "#!/bin/sh\n", mode: 0o700},
		entry{name: "data", content: "x", mode: 0o600},
		entry{name: "shared", content: "x", mode: 0o4666},
	))
	for _, all := range []bool{true, false} {
		r := request(t, write(t, "web.tar.gz", data), awkward(t))
		r.Program, r.ForAll = "./bin/web", all
		install(t, &local{}, r)
		want := map[string]fs.FileMode{"bin": fs.ModeDir | 0o700, "bin/web": 0o700, "data": 0o600, "shared": 0o644}
		if all {
			want = map[string]fs.FileMode{"bin": fs.ModeDir | 0o755, "bin/web": 0o755, "data": 0o644, "shared": 0o644}
		}
		for file, mode := range want {
			if info, err := os.Stat(filepath.Join(files(r), file)); err != nil || info.Mode() != mode {
				t.Errorf("for all %v: %s has the mode %v, want %v (%v)", all, file, info.Mode(), mode, err)
			}
		}
		if info, err := os.Stat(filepath.Join(kept(r), "artifact")); err != nil || info.Mode() != 0o600 {
			t.Errorf("the artifact has the mode %v (%v)", info.Mode(), err)
		}
	}
}

// needs skips a test where a program is missing, or fails it in CI.
func needs(t testing.TB, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing: apt-get install %s", program, program)
	}
	t.Skipf("%s is missing: apt-get install %s", program, program)
}

func TestInstallExecutable(t *testing.T) {
	m := &local{}
	r := request(t, script(t, 100), awkward(t))
	r.Program = "web"
	install(t, m, r)
	info, err := os.Stat(filepath.Join(files(r), "web"))
	if err != nil || info.Mode() != 0o755 {
		t.Errorf("got the mode %v, %v", info.Mode(), err)
	}
	if got := digestOf(t, filepath.Join(files(r), "web")); got != r.Artifact.Digest {
		t.Errorf("the executable has the digest %s", got)
	}
}

func TestWhatIsThereIsNotSentAgain(t *testing.T) {
	m := &local{}
	r := request(t, script(t, 1000), awkward(t))
	install(t, m, r)
	if err := os.Remove(r.Artifact.Path); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		do   func(*transfer.Request)
	}{
		{"release", func(*transfer.Request) {}},
		{"artifact", func(r *transfer.Request) { r.Release = "production/web/1.0-bbbbbbbb" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			m.trips.Store(0)
			c.do(&r)
			if n, err := transfer.Missing(t.Context(), m, r); n != 0 || err != nil {
				t.Errorf("missing: %d, %v", n, err)
			}
			if report := install(t, m, r); report.Uploaded != 0 || m.trips.Load() != 2 {
				t.Errorf("got %+v in %d round trips, with that of Missing", report, m.trips.Load())
			}
			if got := digestOf(t, filepath.Join(files(r), "web")); got != r.Artifact.Digest {
				t.Errorf("the release holds %s", got)
			}
		})
	}
	// A file that is gone here and not there is told as that.
	r.Artifact.Digest = "sha256:" + strings.Repeat("0", 64)
	r.Release = "production/web/1.1-cccccccc"
	for name, err := range map[string]error{"missing": second(transfer.Missing(t.Context(), m, r)), "install": second(transfer.Install(t.Context(), m, r))} {
		if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "keeps no artifact") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestSpoiltArtifactComesAgain(t *testing.T) {
	m := &local{}
	r := request(t, script(t, 1000), awkward(t))
	install(t, m, r)
	if err := os.WriteFile(filepath.Join(kept(r), "artifact"), []byte("#!/bin/sh\nrm -rf /\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.Release = "production/web/1.0-bbbbbbbb"
	if report := install(t, m, r); report.Uploaded == 0 {
		t.Error("the spoilt artifact was used")
	}
	if got := digestOf(t, filepath.Join(files(r), "web")); got != r.Artifact.Digest {
		t.Errorf("the release holds %s", got)
	}
}

func TestRefusedBeforeUpload(t *testing.T) {
	outside := gzipped(t, tarOf(t, entry{name: "../../evil", content: "x"}))
	good := gzipped(t, tarOf(t, entry{name: "web", content: strings.Repeat("x", 5000)}))
	for name, c := range map[string]struct {
		data   []byte
		change func(*transfer.Request)
		want   string
	}{
		"outside":       {outside, nil, "../../evil"},
		"other digest":  {good, func(r *transfer.Request) { r.Artifact.Digest = "sha256:" + strings.Repeat("0", 64) }, "another file than the one that was named"},
		"too much":      {good, func(r *transfer.Request) { r.Limits = artifact.Limits{Bytes: 100} }, "more than 100 bytes"},
		"no artifact":   {[]byte("hello"), nil, "it is no artifact"},
		"no digest":     {good, func(r *transfer.Request) { r.Artifact.Digest = "" }, "no digest"},
		"relative":      {good, func(r *transfer.Request) { r.Directory = "srv/web" }, "no absolute path"},
		"other program": {good, func(r *transfer.Request) { r.Program = "../web" }, "none of the release's files"},
	} {
		t.Run(name, func(t *testing.T) {
			r := request(t, write(t, "web", c.data), awkward(t))
			if c.change != nil {
				c.change(&r)
			}
			report, err := transfer.Install(t.Context(), &local{}, r)
			if err == nil || !strings.Contains(err.Error(), c.want) || report.Uploaded != 0 {
				t.Errorf("got %v, %+v", err, report)
			}
			if _, err := os.Stat(r.Directory); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("something was made on the machine: %v", err)
			}
		})
	}
}

func TestProgram(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	elf := []byte(read(t, self)[:64])
	foreign := append([]byte(nil), elf...)
	foreign[18], foreign[19] = 0xb7, 0 // aarch64
	if elf[18] == 0xb7 {
		foreign[18] = 0x3e // x86_64
	}
	unknown := append([]byte(nil), elf...)
	unknown[18] = 0xfe
	var wrong *transfer.ArchitectureError
	for name, c := range map[string]struct {
		program []byte
		mode    int64
		named   string
		want    string
	}{
		"own":            {elf, 0o755, "./bin/web", ""},
		"script":         {[]byte("#!/bin/sh\n"), 0o755, "bin/web", ""},
		"unknown":        {unknown, 0o755, "bin/web", ""},
		"not looked at":  {foreign, 0o755, "", ""},
		"foreign":        {foreign, 0o755, "./bin/web", "build it for linux/"},
		"not executable": {elf, 0o644, "./bin/web", "the program ./bin/web is not executable"},
		"missing":        {elf, 0o755, "./web", "the program ./web is not among the release's files: the artifact has bin/web; write ./bin/web"},
		"by a link":      {elf, 0o755, "current/web", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := request(t, write(t, "web.tar.gz", gzipped(t, tarOf(t,
				entry{name: "current", link: "bin", kind: tar.TypeSymlink}, entry{name: "bin/web", content: string(c.program), mode: c.mode}))), awkward(t))
			r.Program = c.named
			if err := transfer.Room(t.Context(), &local{}, r); (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("room: %v", err)
			}
			report, err := transfer.Install(t.Context(), &local{}, r)
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var program *artifact.ProgramError
			if err == nil || !strings.Contains(err.Error(), c.want) || report.Uploaded > 0 || !errors.As(err, &wrong) && !errors.As(err, &program) {
				t.Errorf("got %v, %+v, want %q before anything is sent", err, report, c.want)
			}
			// The machine itself looks too: it may have the artifact already, and this one not.
			r.Program = ""
			install(t, &local{}, r)
			r.Program, r.Release = c.named, "production/web/1.0-bbbbbbbb"
			if err := os.Remove(r.Artifact.Path); err != nil {
				t.Fatal(err)
			}
			said, _, _ := strings.Cut(c.want, ": the artifact has")
			if _, err := transfer.Install(t.Context(), &local{}, r); err == nil || !strings.Contains(err.Error(), said) {
				t.Errorf("got %v from the machine, want %q", err, said)
			}
			if _, err := os.Stat(files(r)); !errors.Is(err, fs.ErrNotExist) || leftovers(t, r.Directory) != nil {
				t.Errorf("the release is there: %v, %q", err, leftovers(t, r.Directory))
			}
		})
	}
	t.Log(wrong)
}

func TestNoZstd(t *testing.T) {
	needs(t, "zstd")
	bin := t.TempDir()
	for _, name := range []string{"sh", "cat", "chmod", "df", "dirname", "flock", "gzip", "head", "mkdir", "mv", "od", "rm", "rmdir", "sha256sum", "stat", "sync", "tail", "tar", "touch", "tr", "uname"} {
		path, err := exec.LookPath(name)
		if err == nil {
			err = os.Symlink(path, filepath.Join(bin, name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	plain := tarOf(t, entry{name: "web", content: "#!/bin/sh\n", mode: 0o755})
	m := &local{path: bin}
	r := request(t, write(t, "web.tar.zst", zstandard(t, plain)), awkward(t))
	for range 2 {
		if report, err := transfer.Install(t.Context(), m, r); err == nil || !strings.Contains(err.Error(), "install zstd there") || report.Uploaded != 0 {
			t.Errorf("got %v, %+v", err, report)
		}
		// The second time the machine has the artifact already.
		install(t, &local{}, r)
		r.Release = "production/web/1.0-bbbbbbbb"
	}
	// These programs are all that it takes.
	install(t, m, request(t, write(t, "web.tar.gz", gzipped(t, plain)), awkward(t)))
}

func TestGuard(t *testing.T) {
	m := &local{}
	r := request(t, script(t, 1000), awkward(t))
	log := filepath.Join(t.TempDir(), "asked")
	refuse := func(from int) string {
		return `echo >>"` + log + `"; cat; echo asked; [ $(wc -l <"` + log + `") -lt ` + string(rune('0'+from)) + ` ] || exit 75`
	}
	// It is asked before each effect, and each time what it says holds.
	for n := 1; ; n++ {
		if n > 9 {
			t.Fatal("it is never permitted")
		}
		_ = os.Remove(log)
		r.Directory, r.Guard = awkward(t), refuse(n)
		_, err := transfer.Install(t.Context(), m, r)
		if err == nil {
			if n != 5 {
				t.Errorf("it was asked %d times in all, want 4: to upload, put in place, unpack, put in place", n-1)
			}
			break
		}
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 75 {
			t.Fatalf("refused the %d. time: got %v, want the guard's status", n, err)
		}
		if _, err := os.Stat(files(r)); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("refused the %d. time, and the release is there: %v", n, err)
		}
		if _, err := os.Stat(r.Directory); n == 1 && !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("refused from the beginning, and something is there: %v", err)
		}
	}
}

// Whoever may read a file that is locked could keep its lock, and nobody would get a release any more.
func TestArtifactIsNobodyElses(t *testing.T) {
	m := &local{}
	r := request(t, script(t, 100), awkward(t))
	for _, label := range []string{"1.0-aaaaaaaa", "1.0-bbbbbbbb"} {
		r.Release = service.ReleaseID("production/web/" + label)
		install(t, m, r)
		path := filepath.Join(kept(r), "artifact")
		info, err := os.Stat(path)
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v", label, info.Mode(), err)
		}
		if err := os.Chmod(path, 0o644); err != nil { //nolint:gosec // as it was kept once
			t.Fatal(err)
		}
	}
}

// What has arrived is not taken away by a run that lost its lease meanwhile: it may be another one's by now.
func TestGuardBeforeWhatArrivedIsRemoved(t *testing.T) {
	for name, c := range map[string]struct {
		arrives, there string
	}{
		"wrong":    {arrives: strings.Repeat("x", 1017)},
		"too much": {there: strings.Repeat("x", 2000)},
	} {
		t.Run(name, func(t *testing.T) {
			m := &wrapped{local: &local{}}
			r := request(t, script(t, 1000), awkward(t))
			partial := filepath.Join(kept(r), "artifact.partial")
			asked := filepath.Join(t.TempDir(), "asked")
			r.Guard = `[ ! -e "` + asked + `" ] || exit 75; touch "` + asked + `"`
			m.uploads = append(m.uploads, func(ctx context.Context, script string, stdin io.Reader) ([]byte, error) {
				if c.there != "" {
					if err := errors.Join(os.MkdirAll(kept(r), 0o750), os.WriteFile(partial, []byte(c.there), 0o600)); err != nil {
						return nil, err
					}
					return m.local.Run(ctx, script, stdin)
				}
				return m.local.Run(ctx, script, strings.NewReader(c.arrives))
			})
			_, err := transfer.Install(t.Context(), m, r)
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 75 {
				t.Errorf("got %v, want the guard's status", err)
			}
			if got, err := os.ReadFile(partial); err != nil || string(got) != c.arrives+c.there {
				t.Errorf("%d bytes are there, %v", len(got), err)
			}
		})
	}
}
