package transfer_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/machines/transfer"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// local is this machine. It counts the round trips.
type local struct {
	path  string // PATH, where it is another one
	trips atomic.Int32
}

func (*local) String() string { return "a (deploy@local)" }

func (l *local) Run(ctx context.Context, script string, stdin io.Reader) ([]byte, error) {
	l.trips.Add(1)
	command := exec.CommandContext(ctx, "/bin/sh", "-c", script)
	command.WaitDelay = 10 * time.Second
	if l.path != "" {
		command.Env = []string{"PATH=" + l.path}
	}
	command.Stdin = stdin
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, stderr.String())
	}
	return output, nil
}

var errLost = errors.New("the connection was lost")

// wrapped is a machine whose next calls with something on standard input go another way.
type wrapped struct {
	*local
	uploads []func(ctx context.Context, script string, stdin io.Reader) ([]byte, error)
	// offsets are from where each upload went on.
	offsets []string
}

func (w *wrapped) Run(ctx context.Context, script string, stdin io.Reader) ([]byte, error) {
	if stdin == nil {
		return w.local.Run(ctx, script, stdin)
	}
	for line := range strings.Lines(script) {
		if offset, found := strings.CutPrefix(line, "offset="); found {
			w.offsets = append(w.offsets, strings.Trim(offset, "'\n"))
		}
	}
	if len(w.uploads) == 0 {
		return w.local.Run(ctx, script, stdin)
	}
	next := w.uploads[0]
	w.uploads = w.uploads[1:]
	return next(ctx, script, stdin)
}

// cut loses the connection after n bytes: there the input ends, here it is an error.
func cut(m *local, n int64) func(context.Context, string, io.Reader) ([]byte, error) {
	return func(ctx context.Context, script string, stdin io.Reader) ([]byte, error) {
		_, _ = m.Run(ctx, script, io.LimitReader(stdin, n))
		return nil, errLost
	}
}

// request asks for a release of the file, made below dir.
func request(t testing.TB, file string, dir string) transfer.Request {
	t.Helper()
	return transfer.Request{
		Artifact:  service.Reference{Path: file, Digest: digestOf(t, file)},
		Directory: dir, Release: "production/web/1.0-aaaaaaaa",
	}
}

// awkward is a directory with a name that a shell would take apart.
func awkward(t testing.TB) string {
	return filepath.Join(t.TempDir(), `it's a "web" [a-z]* $HOME`)
}

func digestOf(t testing.TB, file string) string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		t.Fatal(err)
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil))
}

func kept(r transfer.Request) string {
	return filepath.Join(r.Directory, "artifacts", strings.TrimPrefix(r.Artifact.Digest, "sha256:"))
}

func files(r transfer.Request) string {
	return filepath.Join(r.Directory, "releases", r.Release.Label())
}

// script is a single executable with n bytes that do not compress.
func script(t testing.TB, n int) string {
	t.Helper()
	random := rand.NewChaCha8([32]byte{byte(n)})
	data := make([]byte, n)
	_, _ = random.Read(data)
	return write(t, "web", append([]byte("#!/bin/sh\nexit 0\n"), data...))
}

func write(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

type entry struct {
	name, link, content string
	kind                byte
	mode                int64
}

func tarOf(t testing.TB, entries ...entry) []byte {
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
		modified := time.Date(2020, 2, 2, 2, 2, 2, 0, time.UTC)
		if err := w.WriteHeader(&tar.Header{Name: e.name, Linkname: e.link, Typeflag: e.kind, Mode: e.mode, Size: int64(len(e.content)), ModTime: modified, Uid: 4711, Gid: 4711}); err != nil {
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

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zstandard(t testing.TB, data []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(data, nil)
}

// install installs, and fails the test where that fails.
func install(t testing.TB, m transfer.Machine, r transfer.Request) transfer.Report {
	t.Helper()
	report, err := transfer.Install(t.Context(), m, r)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// leftovers are all names below the service's directory that begin with a dot or are partial.
func leftovers(t testing.TB, dir string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && path != dir && (strings.HasPrefix(e.Name(), ".") || strings.HasSuffix(e.Name(), ".partial")) {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
