package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// terms of the leases that the tests take; long, since the machines are slow.
var terms = ledger.Terms{Length: time.Minute, Wait: time.Minute, Poll: 100 * time.Millisecond}

// appended is how many events LostAnswersCountOnce writes between those of the lease.
const appended = 6

// LostAnswersCountOnce has a ledger written on a store that loses every other answer to a write: each event is there exactly once, in
// order. lost counts the answers that were lost so far.
func LostAnswersCountOnce(t *testing.T, s store.Store, id service.ID, lost func() int64) {
	t.Helper()
	l := ledger.Open(s, id)
	lease, err := l.Acquire(t.Context(), "run", ledger.Holder{Name: "somebody"}, terms)
	if err != nil {
		t.Fatal(err)
	}
	for i := range appended {
		if err := lease.Append(t.Context(), ledger.Event{Type: ledger.Unheld, Release: numbered(id, i)}); err != nil {
			t.Fatalf("append %d: %v", i, err)
		}
	}
	if err := lease.Release(context.WithoutCancel(t.Context()), false); err != nil {
		t.Fatal(err)
	}
	if n := lost(); n < appended/2 {
		t.Fatalf("only %d answers were lost: the test shows nothing", n)
	}
	events, err := l.Events(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(events) != appended+2 || events[0].Type != ledger.LeaseAcquired || events[appended+1].Type != ledger.LeaseReleased {
		t.Fatalf("%d events, want %d between the lease's two: %v", len(events), appended, events)
	}
	for i := range appended {
		if want := numbered(id, i); events[i+1].Release != want {
			t.Errorf("event %d is of %s, want %s", i+2, events[i+1].Release, want)
		}
	}
}

func numbered(id service.ID, i int) service.ReleaseID {
	return service.ReleaseID(fmt.Sprintf("%s/%d-00000000", id, i))
}

// lostAnswersCountOnce is LostAnswersCountOnce where the answers are lost in this process.
func lostAnswersCountOnce(t *testing.T, open func() store.Store, folder string, _ Options) {
	s := &forgetful{Store: open()}
	LostAnswersCountOnce(t, s, service.ID(folder), func() int64 { return s.lost })
}

// forgetful does what is asked, and loses every other answer to a creation.
type forgetful struct {
	store.Store
	creations, lost int64
}

// Create implements store.Store.
func (s *forgetful) Create(ctx context.Context, key string, data []byte) error {
	err := s.Store.Create(ctx, key, data)
	if s.creations++; err == nil && s.creations%2 == 1 {
		s.lost++
		return errors.Join(errors.New("the answer is lost"), io.ErrUnexpectedEOF)
	}
	return err
}
