package ledger_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/local"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/storetest"
)

const web = service.ID("production/web")

func open(t *testing.T, dir string) *local.Store {
	t.Helper()
	s, err := local.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func terms(length, wait time.Duration) ledger.Terms {
	return ledger.Terms{Length: length, Wait: wait, Poll: 10 * time.Millisecond}
}

func release(t *testing.T, l *ledger.Lease) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := l.Release(ctx, false); err != nil {
		t.Error(err)
	}
}

// Many want the lease: one has it at a time, all get it, and the ledger has no gap.
func TestLeaseIsOnesAtATime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var holders, most atomic.Int32
	var group sync.WaitGroup
	const runs = 12
	for range runs {
		group.Go(func() {
			l := ledger.Open(open(t, dir), web)
			lease, err := l.Acquire(context.Background(), "run", ledger.Holder{Name: "test"}, terms(time.Minute, time.Minute))
			if err != nil {
				t.Error(err)
				return
			}
			if n := holders.Add(1); n > most.Load() {
				most.Store(n)
			}
			if err := lease.Append(context.Background(), ledger.Event{Type: ledger.Recovered}); err != nil {
				t.Error(err)
			}
			holders.Add(-1)
			release(t, lease)
		})
	}
	group.Wait()
	if most.Load() != 1 {
		t.Errorf("%d held the lease at once", most.Load())
	}
	events, err := ledger.Open(open(t, dir), web).Events(context.Background(), 1)
	if err != nil || len(events) != 3*runs {
		t.Errorf("%d events, want %d (%v)", len(events), 3*runs, err)
	}
}

// A holder that shows itself is waited for; one that does not is taken over, and can then write nothing.
func TestSilentHolderIsTakenOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		objects := storetest.NewMemory()
		silent := &muted{Store: objects}
		first, err := ledger.Open(silent, web).Acquire(context.Background(), "first", ledger.Holder{Name: "first"}, terms(time.Second, time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		defer release(t, first)
		second := ledger.Open(objects, web)
		early, err := second.Acquire(context.Background(), "second", ledger.Holder{Name: "second"}, terms(time.Second, 3*time.Second))
		var held *ledger.HeldError
		if !errors.As(err, &held) || held.Holder.Name != "first" {
			if early != nil {
				release(t, early)
			}
			t.Fatalf("got %v, want that first holds it", err)
		}
		silent.mute.Store(true)
		taken, err := second.Acquire(context.Background(), "second", ledger.Holder{Name: "second"}, terms(time.Second, time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		defer release(t, taken)
		if first.Valid() {
			t.Error("the lease was taken over while its owner may still touch the world")
		}
		if err := first.Append(context.Background(), ledger.Event{Type: ledger.Recovered}); !errors.Is(err, ledger.ErrLost) {
			t.Errorf("the old owner appended: %v", err)
		}
		if state := taken.State(); !slices.Contains(state.LostRuns, "first") {
			t.Error("the ledger does not say that first's last answers may be lost")
		}
	})
}

// muted is a store whose heartbeats do not arrive any more.
type muted struct {
	store.Store
	mute atomic.Bool
}

func (m *muted) Put(ctx context.Context, key string, data []byte) error {
	if m.mute.Load() {
		return errors.New("muted")
	}
	return m.Store.Put(ctx, key, data)
}

// forgetful is a store that writes and then says that it did not.
type forgetful struct {
	store.Store
	forget atomic.Bool
}

var errNoAnswer = errors.New("no answer came")

func (f *forgetful) Create(ctx context.Context, key string, data []byte) error {
	err := f.Store.Create(ctx, key, data)
	if f.forget.Load() && err == nil {
		return errNoAnswer
	}
	return err
}

func TestLostAcknowledgementIsRecognised(t *testing.T) {
	t.Parallel()
	s := &forgetful{Store: open(t, t.TempDir())}
	l := ledger.Open(s, web)
	lease, err := l.Acquire(context.Background(), "run", ledger.Holder{Name: "test"}, terms(20*time.Second, time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer release(t, lease)
	s.forget.Store(true)
	if err := lease.Append(context.Background(), ledger.Event{Type: ledger.Recovered}); err != nil {
		t.Fatalf("an append that arrived is said to have failed: %v", err)
	}
	s.forget.Store(false)
	events, err := l.Events(context.Background(), 1)
	if err != nil || len(events) != 2 {
		t.Errorf("%d events, want 2: it was written twice or not at all (%v)", len(events), err)
	}
}

func TestEndedProcessIsKnownToBeGone(t *testing.T) {
	t.Parallel()
	holder := ledger.ThisProcess("test")
	if holder.Gone() {
		t.Error("this process is said to be gone")
	}
	holder.Started = "1"
	if holder.Machine != "" && !holder.Gone() {
		t.Error("a process that is not the one with that start time is said to live")
	}
}

// Damage is named and never overwritten.
func TestDamagedEventIsNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := ledger.Open(open(t, dir), web)
	lease, err := l.Acquire(context.Background(), "run", ledger.Holder{Name: "test"}, terms(20*time.Second, time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if err := lease.Append(context.Background(), ledger.Event{Type: ledger.Recovered}); err != nil {
		t.Fatal(err)
	}
	release(t, lease)
	path := filepath.Join(dir, string(web), "ledger", "00000003.json")
	for name, spoil := range map[string]func() error{
		"garbage": func() error { return os.WriteFile(path, []byte("{"), 0o600) },
		"missing": func() error { return os.Remove(path) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := spoil(); err != nil {
				t.Fatal(err)
			}
			_, err := l.Read(context.Background())
			var damaged *ledger.DamagedError
			if !errors.As(err, &damaged) || !strings.Contains(damaged.Location, "00000003.json") {
				t.Errorf("got %v, want that 00000003.json is damaged", err)
			}
		})
	}
}

// A snapshot that is garbage is only a cache: the events have the say.
func TestGarbageSnapshotIsPassedOver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := ledger.Open(open(t, dir), web)
	lease, err := l.Acquire(context.Background(), "run", ledger.Holder{Name: "test"}, terms(20*time.Second, time.Second))
	if err != nil {
		t.Fatal(err)
	}
	release(t, lease)
	want, err := l.Read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, string(web), "state.json"), []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := l.Read(context.Background())
	if err != nil || got.State.Number != want.State.Number {
		t.Errorf("got event %d, %v; want %d", got.State.Number, err, want.State.Number)
	}
}
