package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// farewell is how long connections that are kept alive may take to be told that they end.
	farewell = 500 * time.Millisecond
	// shutdownLimit bounds the wait for requests in flight.
	shutdownLimit = 10 * time.Second
)

// Serve answers on listener until ctx ends, then ends without losing a request: every further answer says that its
// connection closes, so that clients leave by themselves; only then are the listener and what is idle closed, and
// requests in flight waited for.
func Serve(ctx context.Context, listener net.Listener, h http.Handler) error {
	connections := &openConnections{}
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if ctx.Err() != nil {
				w.Header().Set("Connection", "close")
			}
			h.ServeHTTP(w, r)
		}),
		ReadHeaderTimeout: 10 * time.Second,
		ConnState:         connections.changed,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	connections.waitForNone(farewell)
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownLimit)
	defer cancel()
	if err := server.Shutdown(limited); err != nil {
		return fmt.Errorf("wait %s for requests in flight: %w", shutdownLimit, err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve on %s: %w", listener.Addr(), err)
	}
	return nil
}

// openConnections knows which connections a server has.
type openConnections struct {
	mu   sync.Mutex
	open map[net.Conn]struct{}
}

func (o *openConnections) changed(c net.Conn, state http.ConnState) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch state {
	case http.StateNew:
		if o.open == nil {
			o.open = map[net.Conn]struct{}{}
		}
		o.open[c] = struct{}{}
	case http.StateClosed, http.StateHijacked:
		delete(o.open, c)
	case http.StateActive, http.StateIdle:
	}
}

func (o *openConnections) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.open)
}

// waitForNone returns when no connection is open, or after limit.
func (o *openConnections) waitForNone(limit time.Duration) {
	deadline := time.Now().Add(limit)
	for o.count() > 0 && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
}
