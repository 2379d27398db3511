package delivery_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
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
