// Package haproxy is a client of HAProxy's Runtime API, the line protocol of a stats socket.
//
// Each call has a connection of its own. A kept one would save some microseconds on a Unix socket and one round trip on an SSH channel, and
// would go on talking to the old process after a reload: HAProxy keeps a process alive as long as it has connections, and those of
// the stats socket are connections. What one sets there is lost, and what one reads there is of the past.
//
// On the connection all commands are written at once, a line each, behind `prompt`. With it each answer ends with an empty line and
// the prompt. Without it the end of an answer is an empty line alone, and that cannot be relied on: some answers have
// empty lines of their own, and some ("Only servers in maintenance mode can be deleted.") end their last line with the one that should
// have been empty. So commands are not joined with semicolons either.
package haproxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

var (
	// ErrUnreachable is in every error that says that no connection came about: no command was sent.
	ErrUnreachable = errors.New("HAProxy cannot be reached")
	// ErrBroken is in every error that says that the connection ended before all answers were there: commands without an answer may
	// have had their effect, or not.
	ErrBroken = errors.New("the connection ended before HAProxy had answered")
)

// queueInterval is how long to wait before the next try where a socket's queue is full.
const queueInterval = 2 * time.Millisecond

// Dialer opens a connection to a stats socket. It is bounded by ctx.
type Dialer func(ctx context.Context) (net.Conn, error)

// Client talks to one HAProxy process, or to the one that took its place. It is safe for concurrent use, and holds no connection.
type Client struct {
	name    string
	dial    Dialer
	timeout time.Duration
}

// New returns a client of the process that dial connects to. name says in errors which one it is: "node lb1 (/run/haproxy/admin.sock)".
// timeout bounds each call, the connection's way included.
func New(name string, dial Dialer, timeout time.Duration) *Client {
	return &Client{name: name, dial: dial, timeout: timeout}
}

// String is the name.
func (c *Client) String() string { return c.name }

// Command runs commands in order, over one connection, and returns the answer of each, without the empty line at its end. HAProxy goes on
// after a command that fails: the error joins an *AnswerError for each of those, and the answers are all there. Where the connection
// breaks (ErrBroken), the answers are those that arrived, and nothing is sent again.
func (c *Client) Command(ctx context.Context, commands ...string) ([]string, error) {
	for _, command := range commands {
		if err := check(command); err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
	}
	answers, err := c.exchange(ctx, commands)
	texts := make([]string, len(answers))
	var failed []error
	for i, a := range answers {
		texts[i] = a.text
		if a.failed() {
			failed = append(failed, &AnswerError{Name: c.name, Command: commands[i], Answer: a.text})
		}
	}
	if err != nil {
		failed = append(failed, fmt.Errorf("%s: %q: %w", c.name, commands[min(len(answers), len(commands)-1)], err))
	}
	return texts, errors.Join(failed...)
}

// Query is Command for commands that only read: where the connection breaks, as it may while HAProxy reloads, they are sent once more.
func (c *Client) Query(ctx context.Context, commands ...string) ([]string, error) {
	answers, err := c.Command(ctx, commands...)
	if errors.Is(err, ErrBroken) && !errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return c.Command(ctx, commands...)
	}
	return answers, err
}

// exchange sends commands and returns the answers that arrived; fewer than commands only with an error.
func (c *Client) exchange(ctx context.Context, commands []string) ([]answer, error) {
	if len(commands) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	connection, err := c.connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	defer func() { _ = connection.Close() }()                         // all was read, or something else is wrong
	stop := context.AfterFunc(ctx, func() { _ = connection.Close() }) // ends what is being read and written
	defer stop()
	answers, err := converse(connection, commands)
	if errors.Is(err, ErrBroken) && ctx.Err() != nil {
		return answers, fmt.Errorf("%w, which has up to %s: %w", ErrBroken, c.timeout, ctx.Err())
	}
	return answers, err
}

// connect dials, and waits where the socket's queue is full, which Linux tells at once of a Unix socket: HAProxy takes no more than `stats
// maxconn` connections at a time, 10 by default, and queues as many.
func (c *Client) connect(ctx context.Context) (net.Conn, error) {
	for {
		connection, err := c.dial(ctx)
		if !errors.Is(err, syscall.EAGAIN) {
			return connection, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(queueInterval):
		}
	}
}
