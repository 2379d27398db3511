package cloudtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// terms of the leases that the tests take; long, since the machines are slow.
var terms = ledger.Terms{Length: time.Minute, Wait: time.Minute, Poll: 100 * time.Millisecond}

// LostAnswersCountOnce has a ledger written through a network that loses every other answer to a write: each event is
// there exactly once, in order.
func LostAnswersCountOnce(t *testing.T, s store.Store, p *Proxy) {
	t.Helper()
	const appended = 6
	p.LoseAnswers.Store(true)
	t.Cleanup(func() { p.LoseAnswers.Store(false) })
	l := ledger.Open(s, "production/lost")
	lease, err := l.Acquire(t.Context(), "run", ledger.Holder{Name: "somebody"}, terms)
	if err != nil {
		t.Fatal(err)
	}
	for i := range appended {
		release := service.ReleaseID(fmt.Sprintf("production/lost/%d-00000000", i))
		if err := lease.Append(t.Context(), ledger.Event{Type: ledger.Unheld, Release: release}); err != nil {
			t.Fatalf("append %d: %v", i, err)
		}
	}
	if err := lease.Release(context.WithoutCancel(t.Context()), false); err != nil {
		t.Fatal(err)
	}
	if p.Lost.Load() < appended {
		t.Fatalf("only %d answers were lost: the test shows nothing", p.Lost.Load())
	}
	events, err := l.Events(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(events) != appended+2 || events[0].Type != ledger.LeaseAcquired || events[appended+1].Type != ledger.LeaseReleased {
		t.Fatalf("%d events, want %d between the lease's two: %v", len(events), appended, events)
	}
	for i := range appended {
		if want := fmt.Sprintf("production/lost/%d-00000000", i); string(events[i+1].Release) != want {
			t.Errorf("event %d is of %s, want %s", i+2, events[i+1].Release, want)
		}
	}
}
