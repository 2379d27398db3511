package secureshell

import (
	"context"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// link is the way to one machine: the connection that is there, or the dial in flight.
type link struct {
	connections *Connections
	definition  service.SSH
	// via is the bastion's; nil: none.
	via *link

	mu      sync.Mutex
	client  *client
	attempt *attempt
}

// attempt is a dial that all share who ask while it is in flight, and for a moment after it has failed.
type attempt struct {
	done   chan struct{}
	client *client
	err    error
	failed time.Time
}

func (l *link) String() string {
	return l.definition.User + "@" + l.address()
}

func (l *link) address() string {
	return net.JoinHostPort(l.definition.Address, strconv.Itoa(l.definition.Port))
}

// connect returns the connection, which it makes where there is none. ctx bounds the caller's wait alone: the dial goes on for the others.
func (l *link) connect(ctx context.Context) (*client, error) {
	l.mu.Lock()
	if l.client != nil && !l.client.gone() {
		defer l.mu.Unlock()
		return l.client, nil
	}
	a := l.attempt
	if a == nil || a.stale() {
		a = &attempt{done: make(chan struct{})}
		if !l.connections.start(func() { l.try(a) }) {
			l.mu.Unlock()
			return nil, notReached("log in to %s: %w", l, errClosed)
		}
		l.attempt = a
	}
	l.mu.Unlock()
	select {
	case <-a.done:
		return a.client, a.err
	case <-ctx.Done():
		return nil, left(ctx, "log in to %s", l)
	}
}

// stale tells whether an attempt failed so long ago that the next caller dials anew.
func (a *attempt) stale() bool {
	select {
	case <-a.done:
		return time.Since(a.failed) > failureShared
	default:
		return false
	}
}

// try dials once and tells all who wait for a.
func (l *link) try(a *attempt) {
	dialled, err := l.dial(l.connections.ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	a.client, a.err = dialled, err
	if err != nil {
		a.failed = time.Now()
	} else {
		l.client, l.attempt = dialled, nil
	}
	close(a.done)
}

// leave has the next caller dial anew; what runs over c goes on.
func (l *link) leave(c *client) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.client == c {
		l.client = nil
	}
}

func (l *link) timeout() time.Duration {
	if t := l.definition.ConnectTimeout.D(); t > 0 {
		return t
	}
	return defaultConnectTimeout
}
