package delivery_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// A restore that used up its time says so: its end is in the ledger, and somebody is told.
func TestRestoreThatUsesUpItsTimeIsRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld()
	objects, p := overTheNetwork(t, w, leaseLength)
	defer p.close()
	p.run.RestoreWithin(300 * time.Millisecond)
	w.set(func() {
		w.failing[releaseOf("2")] = true
		w.draining = func(ctx context.Context) error {
			<-ctx.Done()
			return errors.New("requests are in flight")
		}
	})
	e := wantSummary(t, p.apply(t.Context(), "2"), "Restore Failed")
	state, events := told(t, objects.memoryStore)
	if state.Broken == nil || state.OpenAttempt() != nil || state.Broken.Attempt != 2 || e.Record == "" {
		t.Errorf("broken %v, record %q: %s", state.Broken, e.Record, e.Detail())
	}
	if last := events[len(events)-1]; last.Type != ledger.AttemptClosed || last.Notify == nil {
		t.Errorf("the last entry is %s", last.Type)
	}
}

// An interrupted rollback that uses up its time again before it moved the traffic is left unfinished, and not without a word: it is recorded,
// told once, and finished by the next recovery.
func TestFinishedRollbackThatUsesUpItsTimeIsToldOf(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	w, objects := newWorld(), newMemoryStore()
	chat := &channel{take: func(context.Context, service.Message) error { return nil }}
	channels := map[string]delivery.Notifier{"chat": chat}
	p := telling(t, w, objects, channels)
	p.probeTimeout = time.Minute // Its health is waited for longer than that.
	for _, version := range []string{"1", "2"} {
		if err := p.apply(ctx, version); err != nil {
			t.Fatal(err)
		}
	}
	p.close()
	killedWhen(t, w, objects, func(what string) bool { return what == "start" }, func(p *provider) { _ = p.rollBack() })
	w.set(func() { w.stuck = func(i service.Instance) bool { return strings.HasPrefix(i.Name, "blue") } })
	p = telling(t, w, objects, channels)
	defer p.close()
	p.run.RestoreWithin(time.Second)
	for range 2 {
		_, err := p.service().Recover(ctx)
		e := wantSummary(t, err, "Rollback Unfinished")
		wantSaid(t, e.Detail(), string(releaseOf("1"))+" was not finished within 1s", "green 100 %", "recover production/web", "Another release can be rolled back to, or introduced, after that")
		s := p.state()
		if a := s.OpenAttempt(); a == nil || !a.Busy() || a.Failure != nil || !strings.Contains(a.Unfinished, "was not finished within") || s.Broken != nil {
			t.Fatalf("the ledger says: %+v, broken %v", a, s.Broken)
		}
	}
	if n := len(slices.DeleteFunc(chat.events(), func(e string) bool { return e != "restore_failed" })); n != 1 {
		t.Errorf("it was told %d times: %v", n, chat.events())
	}
	w.set(func() { w.stuck = nil })
	p.run.RestoreWithin(time.Minute)
	if _, err := p.service().Recover(ctx); err != nil {
		t.Fatal(err)
	}
	stands(t, w, p, "1")
}
