package ledger_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/storetest"
)

// slow answers questions for heartbeats late, from the nth on: what it says was true when it was asked.
type slow struct {
	store.Store
	nth   int32
	delay time.Duration
	asked atomic.Int32
}

func (s *slow) Get(ctx context.Context, key string) (store.Object, error) {
	object, err := s.Store.Get(ctx, key)
	if strings.HasSuffix(key, "heartbeat.json") && s.asked.Add(1) >= s.nth {
		select {
		case <-ctx.Done():
		case <-time.After(s.delay):
		}
	}
	return object, err
}

// An observer whose answers come late, or that is suspended for longer than a lease, sees a heartbeat that seems not to have changed:
// it does not take over from a holder who lives.
func TestSlowObserverTakesNothingOver(t *testing.T) {
	t.Parallel()
	const length = 2 * time.Second
	for _, nth := range []int32{3, 4} {
		t.Run(fmt.Sprint(nth), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				objects := storetest.NewMemory()
				first, err := ledger.Open(objects, web).Acquire(context.Background(), "first", ledger.Holder{Name: "first"}, terms(length, time.Minute))
				if err != nil {
					t.Fatal(err)
				}
				defer release(t, first)
				observer := &slow{Store: objects, nth: nth, delay: length * 3 / 2}
				second, err := ledger.Open(observer, web).Acquire(context.Background(), "second", ledger.Holder{Name: "second"}, terms(length, 2*length))
				var held *ledger.HeldError
				if !errors.As(err, &held) || held.Holder.Name != "first" {
					t.Errorf("got %v, want that first holds it", err)
				}
				if second != nil {
					release(t, second)
				}
				if !first.Valid() {
					t.Error("first lost its lease")
				}
			})
		})
	}
}

// A holder that another run has overtaken all the same finds out by itself, with the next heartbeat, and touches nothing more.
func TestOvertakenHolderFindsOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := storetest.NewMemory()
		lease, err := ledger.Open(s, web).Acquire(context.Background(), "first", ledger.Holder{Name: "first"}, terms(2*time.Second, time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		defer release(t, lease)
		state := lease.State()
		write(t, s, ledger.Event{
			Number: state.Number + 1, MinVersion: 1, Time: time.Now(), Epoch: state.Epoch + 1, Run: "second", Nonce: "second",
			Type: ledger.LeaseAcquired, Lease: &ledger.LeaseTerms{Holder: ledger.Holder{Name: "second"}, Length: time.Minute},
		})
		select {
		case <-lease.Lost():
		case <-time.After(30 * time.Second):
			t.Fatal("it goes on as if it had the lease")
		}
		if lease.Valid() || lease.MayGiveBack() {
			t.Errorf("it may touch the world: valid %t, may give back %t", lease.Valid(), lease.MayGiveBack())
		}
	})
}

// write puts an event into the ledger, past any lease.
func write(t *testing.T, s store.Store, e ledger.Event) {
	t.Helper()
	data, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	writeRaw(t, s, e.Number, data)
}

func writeRaw(t *testing.T, s store.Store, number int, data []byte) {
	t.Helper()
	if err := s.Create(context.Background(), fmt.Sprintf("%s/ledger/%08d.json", web, number), data); err != nil {
		t.Fatal(err)
	}
}

// A process that may be hidden (another user's, in a /proc that hides them) is there: nothing is known of when it started. It is not
// gone, so that its heartbeat decides.
func TestHiddenHolderIsNotKnownToBeGone(t *testing.T) {
	t.Parallel()
	holder := ledger.ThisProcess("test")
	if holder.Machine == "" {
		t.Skip("this system does not tell processes apart: /proc is missing")
	}
	ledger.HideProcesses(t)
	if holder.Gone() {
		t.Error("a living process whose /proc entry is hidden is said to be gone")
	}
	holder.PID = 1 << 30 // beyond what the kernel gives
	if !holder.Gone() {
		t.Error("a process that is not there is not known to be gone, though the kernel says so")
	}
}
