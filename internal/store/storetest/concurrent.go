package storetest

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// ageGrowsAndIsReset bounds each age by this process's monotonic clock, read before and after: no load can break that.
func ageGrowsAndIsReset(t *testing.T, open func() store.Store, folder string, o Options) {
	ctx, s, key := t.Context(), open(), folder+"/object"
	writing := time.Now()
	must(t, s.Create(ctx, key, []byte("first")))
	written := time.Now()
	look := func() time.Duration {
		t.Helper()
		asking := time.Now()
		object, err := open().Get(ctx, key)
		must(t, err)
		least, most := asking.Sub(written)-o.Resolution, time.Since(writing)+o.Resolution
		if object.Age < 0 || object.Age < least || object.Age > most {
			t.Fatalf("age %v of an object that was written between %v and %v ago", object.Age, least, most)
		}
		if object.Now.IsZero() || object.Now.Location() != time.UTC {
			t.Fatalf("the store's clock shows %v, want a time in UTC", object.Now)
		}
		return object.Age
	}
	deadline := time.Now().Add(time.Minute)
	for look() < 4*o.Resolution {
		if time.Now().After(deadline) {
			t.Fatal("the age does not grow")
		}
		time.Sleep(o.Resolution / 4)
	}
	writing = time.Now()
	must(t, s.Put(ctx, key, []byte("second")))
	written = time.Now()
	look()
}

// readersSeeWhole replaces an object with ones of other lengths, each of one repeated byte, while others read it, until the
// readers have met enough replacements.
func readersSeeWhole(t *testing.T, open func() store.Store, folder string, _ Options) {
	const writing, reading, lengths, unit, enough = 4, 4, 12, 16 << 10, 40
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	key := folder + "/object"
	content := func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, i*unit) }
	must(t, open().Put(ctx, key, content(1)))
	var all sync.WaitGroup
	var met atomic.Int64
	for range reading {
		handle := open()
		all.Go(func() {
			for last := byte(0); met.Load() < enough; {
				object, err := handle.Get(ctx, key)
				if err != nil {
					t.Errorf("read while others write: %v", err)
					cancel()
					return
				}
				if len(object.Data) == 0 || !bytes.Equal(object.Data, content(int(object.Data[0]))) {
					t.Errorf("a torn read of %d bytes", len(object.Data))
					cancel()
					return
				}
				if object.Data[0] != last {
					last = object.Data[0]
					met.Add(1)
				}
			}
		})
	}
	for w := range writing {
		handle := open()
		all.Go(func() {
			for i := w; met.Load() < enough; i++ {
				if err := handle.Put(ctx, key, content(1+i%lengths)); err != nil {
					t.Errorf("write while others write: %v", err)
					cancel()
					return
				}
			}
		})
	}
	all.Wait()
	list(t, open(), folder, key)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, s store.Store, key string, want []byte) {
	t.Helper()
	object, err := s.Get(t.Context(), key)
	if err != nil || !bytes.Equal(object.Data, want) {
		t.Errorf("Get of %s: %.100q (%d bytes), %v, want %q", key, object.Data, len(object.Data), err, want)
	}
}

func list(t *testing.T, s store.Store, prefix string, want ...string) {
	t.Helper()
	keys, err := s.List(t.Context(), prefix)
	if err != nil || fmt.Sprintf("%q", keys) != fmt.Sprintf("%q", want) {
		t.Errorf("List of %q: %q, %v, want %q", prefix, keys, err, want)
	}
}
