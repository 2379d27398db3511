package routertest

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
)

// nothingIsLost changes the weights as fast as it goes under load, then drains and stops an instance under it. The load
// has connections that are kept and fresh ones; exactly no request may be lost.
func nothingIsLost(t *testing.T, d dataPlane) {
	w := newWorld(t, d, deadline)
	if w.Follows {
		w.set(t, 0) // before it there is nobody to answer
	}
	const wanted, workers = 3000, 4
	var requests, lost atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var load sync.WaitGroup
	for worker := range workers {
		c := newClient(t, w.URL, worker%2 == 0)
		load.Go(func() {
			for ctx.Err() == nil {
				// Under the test's context: the end of the load is no loss.
				if _, err := c.ask(t.Context(), "/"); err != nil {
					lost.Add(1)
					t.Logf("lost: %v", err)
				}
				requests.Add(1)
			}
		})
	}
	changes := 0
	eventually(t, "the load", func() bool {
		for _, green := range []int{0, 5, 25, 50, 75, 100, 50} {
			w.set(t, green)
			changes++
		}
		return requests.Load() >= wanted
	})
	w.set(t, 100)
	if err := w.Router.Drain(t.Context(), w.blue.placement()); err != nil {
		t.Fatal(err)
	}
	w.blue.close()
	before := requests.Load()
	eventually(t, "more load", func() bool { return requests.Load() >= before+wanted/10 })
	stop()
	load.Wait()
	t.Logf("%d requests over %d changes of the weights", requests.Load(), changes)
	if lost.Load() != 0 {
		t.Errorf("of %d requests over %d changes of the weights %d are lost", requests.Load(), changes, lost.Load())
	}
}
