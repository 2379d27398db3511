// Package storetest is the contract that every store keeps, as a test.
//
// An adapter's test calls Main from TestMain, because some of the writers are processes of their own, and Run:
//
//	func TestMain(m *testing.M) { os.Exit(storetest.Main(m, reopen)) }
//
//	func TestContract(t *testing.T) {
//		storetest.Run(t, open, storetest.Options{Recipe: root, Resolution: 50 * time.Millisecond})
//	}
package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// Options is what the contract has to know about a store.
type Options struct {
	// Recipe is what another process needs to open the same store; Main's reopen gets it.
	Recipe string
	// Resolution of the store's clock: how far an age may be from the truth.
	Resolution time.Duration
}

// Run holds a store to the contract. open opens another handle on one and the same store; it need not be empty, and objects
// stay in it.
func Run(t *testing.T, open func() store.Store, o Options) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, open func() store.Store, folder string, o Options)
	}{
		{"CreateIsExclusive", createIsExclusive},
		{"PutReplaces", putReplaces},
		{"DeleteRemoves", deleteRemoves},
		{"ListSorts", listSorts},
		{"KeysRefused", keysRefused},
		{"ContextEnded", contextEnded},
		{"AgeGrowsAndIsReset", ageGrowsAndIsReset},
		{"ReadersSeeWhole", readersSeeWhole},
		{"OneWinnerANumber", oneWinnerANumber},
		{"LostAnswersCountOnce", lostAnswersCountOnce},
		{"ListsMany", listsMany},
		{"StreamsLarge", streamsLarge},
		{"CutOffUploadLeavesNothing", cutOffUploadLeavesNothing},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open, "storetest/"+rand.Text(), o) })
	}
}

func createIsExclusive(t *testing.T, open func() store.Store, folder string, _ Options) {
	ctx, s, key := t.Context(), open(), folder+"/object"
	if _, err := s.Get(ctx, key); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get of no object: %v, want ErrNotFound", err)
	}
	binary := []byte("first\x00\xff\r\n")
	must(t, s.Create(ctx, key, binary))
	for _, handle := range []store.Store{s, open()} {
		if err := handle.Create(ctx, key, []byte("second")); !errors.Is(err, store.ErrExists) {
			t.Errorf("Create of what is there: %v, want ErrExists", err)
		}
		expect(t, handle, key, binary)
	}
	must(t, s.Create(ctx, folder+"/empty", nil))
	expect(t, s, folder+"/empty", nil)
	if _, err := s.Get(ctx, folder); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get of what is only the beginning of keys: %v, want ErrNotFound", err)
	}
	if _, err := s.Get(ctx, key+"/below"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get below an object: %v, want ErrNotFound", err)
	}
}

func putReplaces(t *testing.T, open func() store.Store, folder string, _ Options) {
	ctx, s, key := t.Context(), open(), folder+"/object"
	for _, data := range []string{"first", "a longer second", "3rd", ""} {
		must(t, s.Put(ctx, key, []byte(data)))
		expect(t, open(), key, []byte(data))
	}
	if err := s.Create(ctx, key, []byte("other")); !errors.Is(err, store.ErrExists) {
		t.Errorf("Create of what was put: %v, want ErrExists", err)
	}
	must(t, s.Create(ctx, folder+"/created", []byte("created")))
	must(t, s.Put(ctx, folder+"/created", []byte("put")))
	expect(t, s, folder+"/created", []byte("put"))
}

func deleteRemoves(t *testing.T, open func() store.Store, folder string, _ Options) {
	ctx, s, key := t.Context(), open(), folder+"/object"
	must(t, s.Delete(ctx, key))
	must(t, s.Create(ctx, key, []byte("first")))
	must(t, s.Delete(ctx, folder))
	expect(t, s, key, []byte("first"))
	must(t, s.Delete(ctx, key))
	if _, err := open().Get(ctx, key); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get of what was deleted: %v, want ErrNotFound", err)
	}
	list(t, s, folder)
	must(t, s.Create(ctx, key, []byte("second")))
	expect(t, s, key, []byte("second"))
}

func listSorts(t *testing.T, open func() store.Store, folder string, _ Options) {
	ctx, s := t.Context(), open()
	list(t, s, folder+"/")
	// By bytes: "-" and "." come before "/", which comes before "0" and the letters.
	keys := []string{"a-b", "a.b", "a/1", "a/10", "a/2/x", "a0", "b/1", "b/2"}
	for i, key := range keys {
		keys[i] = folder + "/" + key
	}
	for _, key := range slices.Backward(keys) {
		must(t, s.Create(ctx, key, []byte(key)))
		found, err := open().List(ctx, key)
		must(t, err)
		if !slices.Contains(found, key) {
			t.Errorf("List of %s right after its creation: %q", key, found)
		}
	}
	list(t, s, folder, keys...)
	list(t, s, folder+"/", keys...)
	list(t, s, folder+"/a", keys[:6]...)
	list(t, s, folder+"/a/", keys[2:5]...)
	list(t, s, folder+"/a/1", keys[2:4]...)
	list(t, s, folder+"/a/2", keys[4])
	list(t, s, folder+"/a/2/x/")
	list(t, s, folder+"/c")
	list(t, s, folder+"/c/d/")
	all, err := s.List(ctx, "")
	must(t, err)
	if !slices.IsSorted(all) {
		t.Errorf("List of everything is not sorted: %q", all)
	}
	for _, key := range keys {
		if !slices.Contains(all, key) {
			t.Errorf("List of everything lacks %s", key)
		}
	}
}

func keysRefused(t *testing.T, open func() store.Store, folder string, _ Options) {
	ctx, s := t.Context(), open()
	for _, key := range []string{
		"", "/", "/etc/object", "..", "../object", folder + "/../object", folder + "//object", folder + "/",
		".", "./object", folder + "/./object", ".object", folder + "/.object", folder + "/.hidden/object", folder + "/...",
	} {
		_, getting := s.Get(ctx, key)
		_, opening := s.Open(ctx, key)
		for method, err := range map[string]error{
			"Create": s.Create(ctx, key, []byte("x")), "Put": s.Put(ctx, key, []byte("x")), "Get": getting, "Delete": s.Delete(ctx, key),
			"Open": opening, "Upload": s.Upload(ctx, key, strings.NewReader("x")),
		} {
			if err == nil || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrExists) {
				t.Errorf("%s of key %q: %v, want an error that refuses it", method, key, err)
			}
		}
	}
	for _, prefix := range []string{"/", "..", "../", "/etc", folder + "//", folder + "/../", folder + "/."} {
		if keys, err := s.List(ctx, prefix); err == nil {
			t.Errorf("List of prefix %q: %q, want an error that refuses it", prefix, keys)
		}
	}
	list(t, s, folder)
}

func contextEnded(t *testing.T, open func() store.Store, folder string, _ Options) {
	s, key := open(), folder+"/object"
	ended, end := context.WithCancel(t.Context())
	end()
	must(t, s.Create(t.Context(), key, []byte("first")))
	_, getting := s.Get(ended, key)
	_, listing := s.List(ended, folder)
	_, opening := s.Open(ended, key)
	for method, err := range map[string]error{
		"Create": s.Create(ended, folder+"/other", nil), "Put": s.Put(ended, key, []byte("second")),
		"Get": getting, "List": listing, "Delete": s.Delete(ended, key),
		"Open": opening, "Upload": s.Upload(ended, key, strings.NewReader("second")),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s under a context that has ended: %v, want context.Canceled", method, err)
		}
	}
	expect(t, s, key, []byte("first"))
	list(t, s, folder, key)
}
