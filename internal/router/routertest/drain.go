package routertest

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// inFlight sends a slow request to green and returns, once green has it, how it ends.
func (w *world) inFlight(t *testing.T) <-chan error {
	t.Helper()
	w.set(t, 100)
	c := newClient(t, w.URL, true)
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	go func() {
		_, err := c.ask(ctx, slowPath)
		ended <- err
	}()
	eventually(t, "the slow request's arrival", func() bool { return w.green.slow.Load() == 1 })
	w.set(t, 0)
	return ended
}

func drainWaits(t *testing.T, d dataPlane) {
	w := newWorld(t, d, deadline)
	ended := w.inFlight(t)
	if err := w.Router.Drain(t.Context(), w.blue.placement()); err != nil {
		t.Fatalf("nothing is in flight to blue: %v", err)
	}
	var released, early atomic.Bool
	drained := make(chan error, 1)
	go func() {
		err := w.Router.Drain(t.Context(), w.green.placement())
		early.Store(!released.Load())
		drained <- err
	}()
	// Time for a Drain that does not wait to come back; one that waits passes however long this is.
	select {
	case err := <-drained:
		t.Fatalf("Drain came back with a request in flight: %v", err)
	case <-time.After(500 * time.Millisecond):
	}
	released.Store(true)
	close(w.green.release)
	select {
	case err := <-drained:
		if err != nil || early.Load() {
			t.Errorf("Drain came back early (%t): %v", early.Load(), err)
		}
	case <-time.After(deadline):
		t.Fatal("Drain does not come back although nothing is in flight")
	}
	if err := <-ended; err != nil {
		t.Errorf("the request in flight is lost: %v", err)
	}
}

func drainTimesOut(t *testing.T, d dataPlane) {
	w := newWorld(t, d, 200*time.Millisecond)
	ended := w.inFlight(t)
	if err := w.Router.Drain(t.Context(), w.green.placement()); err == nil || !strings.Contains(err.Error(), "1 request") {
		t.Errorf("a request is in flight at the end of the drain timeout, and Drain says %v", err)
	}
	if err := w.Router.Drain(t.Context(), w.blue.placement()); err != nil {
		t.Errorf("nothing is in flight to blue: %v", err)
	}
	if w.green.slow.Load() != 1 {
		t.Error("the request in flight is gone")
	}
	close(w.green.release)
	if err := <-ended; err != nil {
		t.Errorf("the request in flight is lost: %v", err)
	}
}

func drainIsCancelled(t *testing.T, d dataPlane) {
	w := newWorld(t, d, deadline)
	ended := w.inFlight(t)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := w.Router.Drain(ctx, w.green.placement()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Drain under a context that ends: %v", err)
	}
	close(w.green.release)
	if err := <-ended; err != nil {
		t.Errorf("the request in flight is lost: %v", err)
	}
}

func drainUnreachable(t *testing.T, d dataPlane) {
	w := newWorld(t, d, deadline)
	w.Stop(t)
	if err := w.Router.Drain(t.Context(), w.green.placement()); err == nil {
		t.Error("Drain knows of nothing in flight in a data plane that is gone")
	}
}
