package routertest

import (
	"context"
	"sync"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// leavesOut: an instance that the split has no more, and that is still there, gets no request, while the slot keeps its weight. Draining it
// ends, whatever goes on at the others, and it can be ended then. One that comes back gets requests again.
func leavesOut(t *testing.T, d dataPlane) {
	d.green++
	w := newWorld(t, d, 10*deadline)
	if !w.Follows && !w.LeavesOut {
		t.Skip("what is in the data plane's own configuration gets requests")
	}
	all := w.green.placement()
	last := len(all.Instances) - 1
	stays, goes := all, all
	stays.Instances, goes.Instances = all.Instances[:last], all.Instances[last:]
	set := func(green service.Placement, weight int) error {
		return w.Router.SetWeights(t.Context(), delivery.Split{
			Weights: map[string]int{Blue: 100 - weight, Green: weight}, Placements: []service.Placement{w.blue.placement(), green},
		})
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	drained := func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), deadline)
		defer cancel()
		must(w.Router.Drain(ctx, goes))
	}
	asked := func() int64 { return w.green.asked[last].Load() }
	must(set(all, 25))
	if w.wantShare(t, 25); asked() == 0 {
		t.Error("an instance of the split gets no request")
	}

	// Requests of the others that never cease. Each worker has one in flight, nearly always.
	ctx, stop := context.WithCancel(t.Context())
	var load sync.WaitGroup
	for range 8 {
		c := newClient(t, w.URL, true)
		load.Go(func() {
			for ctx.Err() == nil {
				if _, err := c.ask(t.Context(), "/"); err != nil {
					t.Errorf("lost: %v", err)
					return
				}
			}
		})
	}
	defer load.Wait()
	defer stop()
	must(set(stays, 25))
	w.wantWeights(t, 25)
	drained()
	before := asked()
	w.wantShare(t, 25)
	if got := asked(); got != before {
		t.Errorf("the instance that is left out gets %d requests", got-before)
	}
	must(set(all, 50))
	w.wantWeights(t, 50)
	if w.wantShare(t, 50); asked() == before {
		t.Error("the instance that came back gets no request")
	}

	must(set(stays, 100))
	drained()
	w.green.servers[last].Close()
	w.wantShare(t, 100)
	if !w.LeavesOut {
		return
	}
	// None of the slot's addresses is an instance's: nothing is sent nowhere.
	if err := set(service.Placement{Release: all.Release, Slot: Green, Instances: newBackend(t, Green, 1).placement().Instances}, 50); err == nil {
		t.Error("a slot gets traffic, and none of its addresses is an instance's")
	}
	w.wantWeights(t, 100)
	w.wantShare(t, 100)
}
