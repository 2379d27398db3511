package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Limits of a bounded store's patience.
type Limits struct {
	// Request is how long the reading, writing, creating or deleting of an object may take, with all that is tried again.
	Request time.Duration
	// Idle is how long a list or a stream may go on without anything that comes or goes.
	Idle time.Duration
}

// DefaultLimits are far beyond what a store takes that answers at all.
var DefaultLimits = Limits{Request: 30 * time.Second, Idle: 2 * time.Minute}

// ErrNoAnswer says that a store did not answer in time. Whether a write has arrived is not known.
var ErrNoAnswer = errors.New("the store does not answer")

// errLate is why a bounded context ends.
var errLate = errors.New("the limit is over")

// Bounded is a store with an end to each wait: networks swallow packets, and libraries try again for ever. Nothing changes for
// callers whose context ends earlier.
func Bounded(s Store, l Limits) Store { return &bounded{Store: s, limits: l} }

type bounded struct {
	Store
	limits Limits
}

// failed gives a failure that comes of the limit its name.
func (b *bounded) failed(ctx context.Context, doing, key string, limit time.Duration, err error) error {
	if err == nil || !errors.Is(context.Cause(ctx), errLate) || errors.Is(err, ErrNotFound) || errors.Is(err, ErrExists) {
		return err
	}
	// What the library says may be why: an earlier answer. That its context ended is nobody's cancellation.
	return fmt.Errorf("%s %s: %w: nothing came within %s (%v)", doing, Location(b.Store, key), ErrNoAnswer, limit, err) //nolint:errorlint // see above
}

// request runs a request on a small object.
func (b *bounded) request(ctx context.Context, doing, key string, do func(context.Context) error) error {
	limit := b.limits.Request
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errLate)
	defer cancel()
	return b.failed(ctx, doing, key, limit, do(ctx))
}

// Create implements Store.
func (b *bounded) Create(ctx context.Context, key string, data []byte) error {
	return b.request(ctx, "create", key, func(ctx context.Context) error { return b.Store.Create(ctx, key, data) })
}

// Put implements Store.
func (b *bounded) Put(ctx context.Context, key string, data []byte) error {
	return b.request(ctx, "write", key, func(ctx context.Context) error { return b.Store.Put(ctx, key, data) })
}

// Get implements Store.
func (b *bounded) Get(ctx context.Context, key string) (object Object, err error) {
	err = b.request(ctx, "read", key, func(ctx context.Context) (err error) {
		object, err = b.Store.Get(ctx, key)
		return err
	})
	return object, err
}

// Delete implements Store.
func (b *bounded) Delete(ctx context.Context, key string) error {
	return b.request(ctx, "delete", key, func(ctx context.Context) error { return b.Store.Delete(ctx, key) })
}

// List implements Store. Each page has its own limit.
func (b *bounded) List(ctx context.Context, prefix string) ([]string, error) {
	ctx, idle := withIdle(ctx, b.limits.Request)
	defer idle.end()
	keys, err := b.Store.List(ctx, prefix)
	return keys, b.failed(ctx, "list", prefix, b.limits.Request, err)
}

// Upload implements Store. The time that r takes is not the store's.
func (b *bounded) Upload(ctx context.Context, key string, r io.Reader) error {
	ctx, idle := withIdle(ctx, b.limits.Idle)
	defer idle.end()
	return b.failed(ctx, "write", key, b.limits.Idle, b.Store.Upload(ctx, key, paused{r, idle}))
}

// Open implements Store. The time between two reads is not the store's.
func (b *bounded) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	ctx, idle := withIdle(ctx, b.limits.Request)
	from, err := b.Store.Open(ctx, key)
	if err != nil {
		idle.end()
		return nil, b.failed(ctx, "read", key, b.limits.Request, err)
	}
	idle.pause()
	return &stream{from: from, idle: idle, limit: b.limits.Idle, failed: func(err error) error {
		return b.failed(ctx, "read", key, b.limits.Idle, err)
	}}, nil
}

// paused is a source whose reading does not count as waiting for the store.
type paused struct {
	from io.Reader
	idle *idle
}

// Read implements io.Reader.
func (p paused) Read(data []byte) (int, error) {
	p.idle.pause()
	defer p.idle.resume()
	return p.from.Read(data)
}

// stream is an object that is being read.
type stream struct {
	from   io.ReadCloser
	idle   *idle
	limit  time.Duration
	failed func(error) error
}

// Read implements io.Reader.
func (s *stream) Read(data []byte) (int, error) {
	s.idle.limitTo(s.limit)
	defer s.idle.pause()
	n, err := s.from.Read(data)
	if errors.Is(err, io.EOF) {
		return n, err
	}
	return n, s.failed(err)
}

// Close implements io.Closer.
func (s *stream) Close() error {
	defer s.idle.end()
	return s.from.Close()
}
