package secureshell

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/crypto/ssh"
)

// sessionRetry is the wait where a machine has fewer sessions than we count on, and none of ours has ended since.
const sessionRetry = 100 * time.Millisecond

// Machine is a machine that one logs in to. It is safe for concurrent use.
type Machine struct{ link *link }

// String is the machine as people write it: "deploy@10.0.0.5:22".
func (m *Machine) String() string { return m.link.String() }

// Dial opens a connection from the machine: network is "tcp", with address "host:port" as seen from there, or "unix", with the absolute path of a
// socket there. The connection supports deadlines, and fails with ErrUnreachable when that to the machine is lost.
func (m *Machine) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := m.link.connect(ctx)
	if err != nil {
		return nil, err
	}
	connection, err := c.dial(ctx, network, address)
	if err != nil && c.gone() && ctx.Err() == nil {
		// It was lost before, and nothing has come of it: that nobody had noticed is no error of this call.
		m.link.leave(c)
		if c, err = m.link.connect(ctx); err == nil {
			connection, err = c.dial(ctx, network, address)
		}
	}
	return connection, err
}

// session opens a session, in which nothing runs yet, and returns what gives its place to the next.
func (m *Machine) session(ctx context.Context) (*client, *ssh.Session, error) {
	dials := 0
	for {
		c, err := m.link.connect(ctx)
		if err != nil {
			return nil, nil, err
		}
		select {
		case c.slots <- struct{}{}:
			c.used(1)
		case <-c.lost:
			continue // connect dials anew, or fails
		case <-ctx.Done():
			return nil, nil, fmt.Errorf("wait for one of the %d scripts to end that run on %s: %w", maxSessions, m, ctx.Err())
		}
		session, err := c.session(ctx)
		if err == nil {
			return c, session, nil
		}
		c.release()
		var refused *ssh.OpenChannelError
		switch {
		case ctx.Err() != nil:
			return nil, nil, err
		case c.gone() && dials == 0:
			dials++
			m.link.leave(c)
		case errors.As(err, &refused) && c.abandoned.Load() > 0:
			// Scripts that were given up go on there and hold their places: a new connection has places of its own.
			c.retire()
		case errors.As(err, &refused) && (c.files.yield(c) || len(c.slots) > 0):
			select {
			case <-time.After(sessionRetry):
			case <-ctx.Done():
				return nil, nil, fmt.Errorf("wait for a session on %s, which allows fewer than %d (MaxSessions of its sshd): %w", m, maxSessions, ctx.Err())
			}
		case errors.As(err, &refused):
			return nil, nil, notReached("open a session on %s: its sshd refuses (%s): see MaxSessions in its sshd_config", m, refused.Message)
		default:
			return nil, nil, err
		}
	}
}

// session opens a session over the connection.
func (c *client) session(ctx context.Context) (*ssh.Session, error) {
	return opened(ctx, c, "open a session on "+c.link.String(), c.shell.NewSession, func(s *ssh.Session) { _ = s.Close() })
}

// opened calls open, which knows no context, and leaves it when ctx ends or the connection is lost; discard gets what it opens then.
func opened[T any](ctx context.Context, c *client, what string, open func() (T, error), discard func(T)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	var none T
	if ctx.Err() != nil {
		return none, left(ctx, "%s", what)
	}
	done := make(chan outcome, 1)
	if !c.link.connections.start(func() {
		value, err := open()
		done <- outcome{value, err}
	}) {
		return none, notReached("%s: %w", what, errClosed)
	}
	leave := func() {
		c.link.connections.start(func() {
			if o := <-done; o.err == nil {
				discard(o.value)
			}
		})
	}
	select {
	case o := <-done:
		var refused *ssh.OpenChannelError
		if o.err != nil && !errors.As(o.err, &refused) {
			// The library has no other error here than that the connection has ended, in words that do not say so.
			c.end(errCutOff)
			return none, c.why()
		}
		return o.value, o.err
	case <-c.lost:
		leave()
		return none, c.why()
	case <-ctx.Done():
		leave()
		return none, left(ctx, "%s", what)
	}
}
