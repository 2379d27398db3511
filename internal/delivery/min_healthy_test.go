package delivery_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
)

// A release waits for min_healthy_time, and not for the turn after it.
func TestNoTurnIsWaitedForAfterMinHealthyTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const minHealthy = 7 * time.Millisecond // Turns come after 5 and 10.
		w, objects := newWorld(), newMemoryStore()
		p := newProvider(t, w, objects)
		defer p.close()
		p.minHealthy = minHealthy
		if err := p.apply(t.Context(), "1"); err != nil {
			t.Fatal(err)
		}
		_, events := told(t, objects)
		var started time.Time
		for _, e := range events {
			switch {
			case e.Type == ledger.ChangeMade && e.Change.Action == "start":
				started = e.Time
			case e.Type == ledger.ChangeIntended && e.Change.Action == ledger.ActionWeights && !started.IsZero():
				if took := e.Time.Sub(started); took != minHealthy {
					t.Errorf("it was waited for %s", took)
				}
				return
			}
		}
		t.Errorf("it got no traffic in %d events", len(events))
	})
}
