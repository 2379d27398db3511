package transfer_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/machines/transfer"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/secureshell"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/secureshell/sshtest"
)

// logIn starts an sshd, and closes the connections to it with the test.
func logIn(t testing.TB) (*sshtest.Server, *secureshell.Machine) {
	t.Helper()
	server := sshtest.Start(t)
	connections := secureshell.New(server.Credentials(), secureshell.Options{})
	t.Cleanup(func() { _ = connections.Close() })
	return server, connections.Machine(server.SSH())
}

func TestOverSSH(t *testing.T) {
	_, m := logIn(t)
	plain := tarOf(t, entry{name: "bin/web", content: "#!/bin/sh\n", mode: 0o755}, entry{name: "a 'b'", content: "odd"})
	r := request(t, write(t, "web.tar.gz", gzipped(t, plain)), awkward(t))
	r.Program = "./bin/web"
	r.Guard = "exit 75"
	var exit *secureshell.ExitError
	if _, err := transfer.Install(t.Context(), m, r); !errors.As(err, &exit) || exit.Status != 75 {
		t.Fatalf("got %v, want the guard's status", err)
	}
	r.Guard = "true"
	install(t, m, r)
	if got := read(t, filepath.Join(files(r), "a 'b'")); got != "odd" {
		t.Errorf("got %q", got)
	}
	if report := install(t, m, r); report.Uploaded != 0 {
		t.Errorf("got %+v", report)
	}
	if err := transfer.Prune(t.Context(), m, r.Directory, 0, nil, "true"); err != nil {
		t.Fatal(err)
	}
	if got := names(t, filepath.Join(r.Directory, "releases")); got != nil {
		t.Errorf("releases: %q", got)
	}
}

// disturbed has something happen when n bytes of an upload have arrived, once.
type disturbed struct {
	*secureshell.Machine
	partial string
	n       int64
	happen  func()
	// after is called when the upload has ended, one way or another.
	after func()
	done  bool
}

func (d *disturbed) Run(ctx context.Context, script string, stdin io.Reader) ([]byte, error) {
	if stdin == nil || d.done {
		return d.Machine.Run(ctx, script, stdin)
	}
	d.done = true
	if d.after != nil {
		defer d.after()
	}
	return d.Machine.Run(ctx, script, &disturbance{Reader: stdin, d: d})
}

type disturbance struct {
	io.Reader
	d *disturbed
}

func (r *disturbance) Read(p []byte) (int, error) {
	info, err := os.Stat(r.d.partial)
	if err == nil && info.Size() >= r.d.n && r.d.happen != nil {
		r.d.happen()
		r.d.happen = nil
	}
	return r.Reader.Read(p)
}

func TestConnectionLostInTheMiddle(t *testing.T) {
	t.Parallel() // It waits most of the time.
	const size = 64 << 20
	for name, disturb := range map[string]func(*sshtest.Server){
		"connections killed": func(s *sshtest.Server) { s.Disconnect() },
		"sshd restarted":     func(s *sshtest.Server) { s.Stop(); s.Start() },
	} {
		t.Run(name, func(t *testing.T) {
			server, m := logIn(t)
			r := request(t, script(t, size), awkward(t))
			d := &disturbed{Machine: m, partial: filepath.Join(kept(r), "artifact.partial"), n: size / 4, happen: func() { disturb(server) }}
			report := install(t, d, r)
			if d.happen != nil {
				t.Fatal("nothing happened")
			}
			if report.Resumed < 1 || report.Uploaded >= size*3/2 {
				t.Errorf("got %+v, want it to go on from what had arrived", report)
			}
			if got := digestOf(t, filepath.Join(files(r), "web")); got != r.Artifact.Digest {
				t.Errorf("the release holds %s", got)
			}
			if left := leftovers(t, r.Directory); left != nil {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

// A suspended sshd takes nothing more and says nothing. The connection is given up, and another one goes on.
func TestSuspendedUntilGivenUp(t *testing.T) {
	t.Parallel() // It waits most of the time.
	const size = 64 << 20
	server := sshtest.Start(t)
	connections := secureshell.New(server.Credentials(), secureshell.Options{KeepAlive: 200 * time.Millisecond, Silence: 2 * time.Second})
	t.Cleanup(func() { _ = connections.Close() })
	r := request(t, script(t, size), awkward(t))
	d := &disturbed{Machine: connections.Machine(server.SSH()), partial: filepath.Join(kept(r), "artifact.partial"), n: size / 4, happen: server.Suspend, after: server.Resume}
	report := install(t, d, r)
	if d.happen != nil || report.Resumed < 1 || report.Uploaded >= size*3/2 {
		t.Errorf("got %+v, want it to go on from what had arrived", report)
	}
	if got := digestOf(t, filepath.Join(files(r), "web")); got != r.Artifact.Digest {
		t.Errorf("the release holds %s", got)
	}
}

// So it is for a run that is killed meanwhile.
func TestSuspendedInTheMiddle(t *testing.T) {
	t.Parallel() // It waits most of the time.
	const size = 64 << 20
	server, m := logIn(t)
	r := request(t, script(t, size), awkward(t))
	ctx, kill := context.WithCancel(t.Context())
	d := &disturbed{Machine: m, partial: filepath.Join(kept(r), "artifact.partial"), n: size / 4, happen: func() {
		server.Suspend()
		kill()
	}}
	if _, err := transfer.Install(ctx, d, r); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	server.Resume()
	if report := install(t, m, r); report.Resumed != 1 || report.Uploaded >= size {
		t.Errorf("got %+v, want it to go on from what had arrived", report)
	}
	if got := digestOf(t, filepath.Join(files(r), "web")); got != r.Artifact.Digest {
		t.Errorf("the release holds %s", got)
	}
}

func TestMemoryIsFlatOverSSH(t *testing.T) {
	const size = 256 << 20
	file := filepath.Join(t.TempDir(), "web")
	err := os.WriteFile(file, []byte("#!/bin/sh\n"), 0o600)
	if err == nil {
		err = os.Truncate(file, size)
	}
	if err != nil {
		t.Fatal(err)
	}
	_, m := logIn(t)
	r := request(t, file, awkward(t))
	var most uint64
	watched := &watching{Machine: m, look: func() {
		var now runtime.MemStats
		runtime.ReadMemStats(&now)
		most = max(most, now.HeapInuse)
	}}
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	install(t, watched, r)
	if most == 0 || most > before.HeapInuse+48<<20 {
		t.Errorf("the heap grew from %d to %d MiB for a file of %d MiB", before.HeapInuse>>20, most>>20, size>>20)
	}
	t.Logf("the heap grew from %d to %d KiB", before.HeapInuse>>10, most>>10)
}

// watching looks at something now and then during an upload.
type watching struct {
	*secureshell.Machine
	look func()
}

func (w *watching) Run(ctx context.Context, script string, stdin io.Reader) ([]byte, error) {
	if stdin != nil {
		stdin = io.TeeReader(stdin, &looking{look: w.look})
	}
	return w.Machine.Run(ctx, script, stdin)
}

type looking struct {
	look func()
	seen int
}

func (l *looking) Write(p []byte) (int, error) {
	if l.seen += len(p); l.seen > 16<<20 {
		l.seen = 0
		l.look()
	}
	return len(p), nil
}
