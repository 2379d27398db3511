package transfer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/machines/transfer"
)

func TestUploadGoesOn(t *testing.T) {
	const size = 1 << 20
	for _, at := range [][]int64{{0}, {1}, {4096, 100_000}, {size - 1}, {size + 17}, {300_000, 0, 0, 300_000, 1}} {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			m := &wrapped{local: &local{}}
			r := request(t, script(t, size), awkward(t))
			var want []string
			var offset, total int64 = 0, size + 17
			for _, n := range at {
				m.uploads = append(m.uploads, cut(m.local, n))
				want = append(want, fmt.Sprint(offset))
				offset += n
			}
			if offset < total {
				want = append(want, fmt.Sprint(offset))
			}
			report := install(t, m, r)
			if !slices.Equal(m.offsets, want) {
				t.Errorf("uploads began at %q, want %q", m.offsets, want)
			}
			if report.Uploaded != total {
				t.Errorf("%d bytes were sent, want each of the %d once", report.Uploaded, total)
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

// A run that was killed in the middle, and its connection with it, is gone on with by the next.
func TestKilledRunIsGoneOnWith(t *testing.T) {
	m := &wrapped{local: &local{}}
	r := request(t, script(t, 1<<20), awkward(t))
	ctx, kill := context.WithCancel(t.Context())
	m.uploads = append(m.uploads, func(ctx context.Context, script string, stdin io.Reader) ([]byte, error) {
		defer kill()
		return cut(m.local, 700_000)(ctx, script, stdin)
	})
	if _, err := transfer.Install(ctx, m, r); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if n, err := transfer.Missing(t.Context(), m, r); n != 1<<20+17-700_000 || err != nil {
		t.Errorf("missing: %d, %v", n, err)
	}
	if report := install(t, m, r); report.Uploaded != 1<<20+17-700_000 || report.Resumed != 1 {
		t.Errorf("got %+v", report)
	}
}

// The machine does not always hear that a connection is gone. What waits there for more does not keep the next one out.
func TestUploadWhoseConnectionDiedInSilence(t *testing.T) {
	t.Parallel() // It waits most of the time.
	m := &wrapped{local: &local{}}
	r := request(t, script(t, 1<<20), awkward(t))
	ended := make(chan error, 1)
	silent, end := io.Pipe()
	defer func() { _ = end.Close() }()
	m.uploads = append(m.uploads, func(_ context.Context, script string, stdin io.Reader) ([]byte, error) {
		first := make([]byte, 500_000)
		if _, err := io.ReadFull(stdin, first); err != nil {
			return nil, err
		}
		go func() {
			_, err := m.local.Run(context.WithoutCancel(t.Context()), script, io.MultiReader(bytes.NewReader(first), silent))
			ended <- err
		}()
		waitFor(t, func() bool {
			info, err := os.Stat(filepath.Join(kept(r), "artifact.partial"))
			return err == nil && info.Size() == 500_000
		})
		return nil, errLost
	})
	if report := install(t, m, r); report.Resumed != 1 || !slices.Equal(m.offsets, []string{"0", "500000"}) {
		t.Errorf("got %+v, uploads from %q", report, m.offsets)
	}
	if got := digestOf(t, filepath.Join(files(r), "web")); got != r.Artifact.Digest {
		t.Errorf("the release holds %s", got)
	}
	_ = end.Close()
	if err := <-ended; err != nil {
		t.Errorf("the first upload: %v", err)
	}
}

func waitFor(t testing.TB, what func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !what(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen within a minute")
		}
	}
}

// spoil writes other bytes over what is there, as a bad disk would.
func spoil(m *local, r transfer.Request) func(context.Context, string, io.Reader) ([]byte, error) {
	return func(ctx context.Context, script string, stdin io.Reader) ([]byte, error) {
		if _, err := m.Run(ctx, script, io.LimitReader(stdin, 500)); err != nil {
			return nil, err
		}
		f, err := os.OpenFile(filepath.Join(kept(r), "artifact.partial"), os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		_, err = f.WriteAt([]byte("spoilt"), 100)
		return nil, errors.Join(errLost, err, f.Close())
	}
}

func TestWrongBytesOnArrival(t *testing.T) {
	t.Run("once", func(t *testing.T) {
		m := &wrapped{local: &local{}}
		r := request(t, script(t, 1000), awkward(t))
		m.uploads = append(m.uploads, spoil(m.local, r))
		install(t, m, r)
		if want := []string{"0", "500", "0"}; !slices.Equal(m.offsets, want) {
			t.Errorf("uploads began at %q, want %q", m.offsets, want)
		}
		if got := digestOf(t, filepath.Join(files(r), "web")); got != r.Artifact.Digest {
			t.Errorf("the release holds %s", got)
		}
	})
	t.Run("always", func(t *testing.T) {
		m := &wrapped{local: &local{}}
		r := request(t, script(t, 1000), awkward(t))
		other := func(ctx context.Context, script string, stdin io.Reader) ([]byte, error) {
			data, err := io.ReadAll(stdin)
			if err != nil {
				return nil, err
			}
			data[100] ^= 1
			return m.local.Run(ctx, script, bytes.NewReader(data))
		}
		m.uploads = append(m.uploads, other, other, other)
		_, err := transfer.Install(t.Context(), m, r)
		if err == nil || !strings.Contains(err.Error(), "what arrives is not the artifact") || len(m.uploads) != 1 {
			t.Errorf("got %v, with %d uploads left of 3", err, len(m.uploads))
		}
		if _, err := os.Stat(files(r)); err == nil || leftovers(t, r.Directory) != nil {
			t.Errorf("left behind: %v, %q", err, leftovers(t, r.Directory))
		}
	})
}

// A machine that never answered is not waited for, and what its scripts say is not asked again.
func TestWhatIsNotWaitedFor(t *testing.T) {
	r := request(t, script(t, 1000), awkward(t))
	if _, err := transfer.Install(t.Context(), unreachable{}, r); !errors.Is(err, errLost) {
		t.Errorf("got %v", err)
	}
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.Directory = filepath.Join(blocked, "web")
	var exit *exec.ExitError
	if _, err := transfer.Install(t.Context(), &local{}, r); !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(err.Error(), "Not a directory") {
		t.Errorf("got %v", err)
	}
}

type unreachable struct{}

func (unreachable) String() string { return "b" }
func (unreachable) Run(context.Context, string, io.Reader) ([]byte, error) {
	return nil, errLost
}

func TestManyAtOnce(t *testing.T) {
	r := request(t, script(t, 8<<20), awkward(t))
	errs := make([]error, 6)
	var uploaded int64
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			r := r
			if i%2 == 1 {
				r.Release = "production/web/1.0-bbbbbbbb"
			}
			report, err := transfer.Install(t.Context(), &local{}, r)
			mu.Lock()
			defer mu.Unlock()
			errs[i] = err
			uploaded += report.Uploaded
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for _, label := range []string{"1.0-aaaaaaaa", "1.0-bbbbbbbb"} {
		if got := digestOf(t, filepath.Join(r.Directory, "releases", label, "web")); got != r.Artifact.Digest {
			t.Errorf("%s holds %s", label, got)
		}
	}
	if left := leftovers(t, r.Directory); left != nil {
		t.Errorf("left behind: %q", left)
	}
	t.Logf("%d bytes were offered for a file of %d", uploaded, 8<<20+17)
}

// The memory of an upload does not grow with the file.
func TestMemoryIsFlat(t *testing.T) {
	const size = 256 << 20
	file := filepath.Join(t.TempDir(), "web")
	err := os.WriteFile(file, []byte("#!/bin/sh\n"), 0o600)
	if err == nil {
		err = os.Truncate(file, size)
	}
	if err != nil {
		t.Fatal(err)
	}
	r := request(t, file, awkward(t))
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if report := install(t, &local{}, r); report.Uploaded != size {
		t.Errorf("got %+v", report)
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
		t.Errorf("%d MiB were allocated in all for a file of %d MiB", grown>>20, size>>20)
	}
}
