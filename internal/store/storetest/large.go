package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

const (
	// many is more keys than a page of any cloud's list.
	many = 1100
	// large is an object that must not be held in memory, in bytes; held is what a store may hold of it.
	large = 256 << 20
	held  = 96 << 20
)

func listsMany(t *testing.T, open func() store.Store, folder string, _ Options) {
	s := open()
	keys := make([]string, many)
	work := make(chan string)
	failed := make(chan error, 16)
	for range cap(failed) {
		go func() {
			var failure error
			for key := range work {
				failure = errors.Join(failure, s.Put(t.Context(), key, nil))
			}
			failed <- failure
		}()
	}
	for i := range keys {
		keys[i] = fmt.Sprintf("%s/%08d", folder, i)
		work <- keys[i]
	}
	close(work)
	for range cap(failed) {
		must(t, <-failed)
	}
	list(t, open(), folder+"/", keys...)
}

// endless is a stream of bytes that cannot be compressed, the same for the same seed, which notes the most memory in use.
func endless(peak *atomic.Uint64) io.Reader {
	return watched{rand.NewChaCha8([32]byte{1}), peak}
}

type watched struct {
	io.Reader
	peak *atomic.Uint64
}

func (w watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p[:min(len(p), 1<<20)])
	var memory runtime.MemStats
	if n > 64<<10 || rand.IntN(64) == 0 {
		runtime.ReadMemStats(&memory)
		w.peak.Store(max(w.peak.Load(), memory.HeapAlloc))
	}
	return n, err
}

func streamsLarge(t *testing.T, open func() store.Store, folder string, _ Options) {
	ctx, s, key := t.Context(), open(), folder+"/large"
	var peak atomic.Uint64
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	sent, got := sha256.New(), sha256.New()
	must(t, s.Upload(ctx, key, io.TeeReader(io.LimitReader(endless(&peak), large), sent)))
	stream, err := open().Open(ctx, key)
	must(t, err)
	n, err := io.Copy(io.MultiWriter(got, memoryOf(&peak)), stream)
	must(t, errors.Join(err, stream.Close()))
	if n != large || fmt.Sprintf("%x", got.Sum(nil)) != fmt.Sprintf("%x", sent.Sum(nil)) {
		t.Errorf("%d bytes came back of %d, or others", n, large)
	}
	if used := peak.Load() - min(peak.Load(), before.HeapAlloc); used > held {
		t.Errorf("streaming %d MiB took %d MiB of memory", large>>20, used>>20)
	}
	must(t, s.Upload(ctx, key, io.LimitReader(endless(&peak), 10)))
	if object, err := s.Get(ctx, key); err != nil || len(object.Data) != 10 {
		t.Errorf("replaced by a small one: %d bytes, %v", len(object.Data), err)
	}
	must(t, s.Delete(ctx, key))
	if _, err := s.Open(ctx, key); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Open of what is not there: %v, want ErrNotFound", err)
	}
}

// memoryOf notes the memory in use while one writes to it.
func memoryOf(peak *atomic.Uint64) io.Writer { return noting{peak} }

type noting struct{ peak *atomic.Uint64 }

func (n noting) Write(p []byte) (int, error) {
	if rand.IntN(256) == 0 {
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		n.peak.Store(max(n.peak.Load(), memory.HeapAlloc))
	}
	return len(p), nil
}

var errCut = errors.New("the source broke off")

// cut gives some bytes and then fails, or ends its context.
type cut struct {
	left int
	end  func()
}

func (c *cut) Read(p []byte) (int, error) {
	if c.left <= 0 {
		if c.end != nil {
			c.end()
			return 0, io.EOF
		}
		return 0, errCut
	}
	n := min(len(p), c.left)
	c.left -= n
	return n, nil
}

func cutOffUploadLeavesNothing(t *testing.T, open func() store.Store, folder string, _ Options) {
	s := open()
	must(t, s.Put(t.Context(), folder+"/old", []byte("old")))
	for _, size := range []int{0, 100, 20 << 20} {
		for _, key := range []string{folder + "/new", folder + "/old"} {
			if err := s.Upload(t.Context(), key, &cut{left: size}); !errors.Is(err, errCut) {
				t.Errorf("upload from a source that fails after %d bytes: %v", size, err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			if err := s.Upload(ctx, key, &cut{left: size, end: cancel}); !errors.Is(err, context.Canceled) {
				t.Errorf("upload that is cancelled after %d bytes: %v", size, err)
			}
		}
	}
	list(t, open(), folder, folder+"/old")
	expect(t, open(), folder+"/old", []byte("old"))
}
