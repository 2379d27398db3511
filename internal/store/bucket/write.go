package bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
	"gocloud.dev/blob"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// ErrNotExclusive says that a server cannot create an object exactly once.
var ErrNotExclusive = errors.New("its server took two creations of one object, where the second must be refused (If-None-Match): " +
	"two runs could both believe to have the lock. Use a server or a version that does conditional writes")

// Create writes a new object. The first of a process makes sure that the server refuses a second one.
func (s *Store) Create(ctx context.Context, key string, data []byte) error {
	if err := store.CheckKey(key); err != nil {
		return s.failed("create", "", err)
	}
	if err := s.probe(ctx); err != nil {
		return fmt.Errorf("the store %s cannot be used: %w", s.URL(), err)
	}
	return s.failed("create", key, s.create(ctx, key, data))
}

func (s *Store) create(ctx context.Context, key string, data []byte) error {
	for {
		err := s.write(ctx, key, bytes.NewReader(data), true)
		switch {
		case err == nil:
			return nil
		case exists(err):
			return store.ErrExists
		case s.options.Busy == nil || !s.options.Busy(err):
			return err
		}
		// Two creations met, and neither may have come through: who is first is decided by the next try.
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(conflictPause):
		}
	}
}

const (
	// probes is how often a creation is tried before the server is given up: answers may be lost.
	probes = 4
	// probeGrace is how long it may take to remove what a probe has left.
	probeGrace = 2 * time.Second
)

// probe creates one object twice, once a process: a server that ignores the condition would lose updates without a word.
func (s *Store) probe(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.exclusive {
		return nil
	}
	key := "_probe/" + uuid.NewString()
	err := s.createTwice(ctx, key)
	removing, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeGrace)
	defer cancel()
	if left := s.bucket.Delete(removing, s.prefix+key); left != nil && !s.options.Absent(left) && err == nil {
		err = left
	}
	s.exclusive = err == nil
	return err
}

// createTwice is nil once a creation of what is there was refused. A try without an answer may have arrived or not.
func (s *Store) createTwice(ctx context.Context, key string) error {
	created := false
	var last error
	for range probes {
		err := s.create(ctx, key, []byte("{}"))
		switch {
		case errors.Is(err, store.ErrExists):
			return nil
		case err == nil && created:
			return ErrNotExclusive
		case err == nil:
			created = true
		default:
			last = s.failed("create", key, err)
		}
	}
	return last
}

// Put writes or replaces an object.
func (s *Store) Put(ctx context.Context, key string, data []byte) error {
	if err := store.CheckKey(key); err != nil {
		return s.failed("write", "", err)
	}
	return s.failed("write", key, s.write(ctx, key, bytes.NewReader(data), false))
}

// abortGrace is how long a stream that was cancelled may take to remove the parts that it has sent.
const abortGrace = 10 * time.Second

// Upload writes or replaces an object from a stream, in parts where it is large. A process that is killed may leave parts
// behind that only the cloud's own rules for unfinished uploads remove.
func (s *Store) Upload(ctx context.Context, key string, r io.Reader) error {
	if err := store.CheckKey(key); err != nil {
		return s.failed("write", "", err)
	}
	if err := ctx.Err(); err != nil {
		return s.failed("write", key, err)
	}
	// The requests outlive ctx for a moment: the source ends with it, and the library then takes back what it sent.
	sending, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(abortGrace):
			cancel()
		case <-sending.Done():
		}
	})
	defer stop()
	from := &source{ctx: ctx, from: r, failed: func() {}}
	if s.options.Finishes {
		from.failed = cancel
	}
	if err := s.write(sending, key, from, false); err != nil {
		return s.failed("write", key, errors.Join(from.failure, err))
	}
	return nil
}

// source is a reader that ends with its context, and remembers how it failed.
type source struct {
	ctx     context.Context //nolint:containedctx // it lives as long as one upload
	from    io.Reader
	failure error
	// failed is called before the failure is returned.
	failed func()
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (n int, err error) {
	if err = s.ctx.Err(); err == nil {
		n, err = s.from.Read(p)
	}
	// The end counts only if it was not the context that brought it about.
	if errors.Is(err, io.EOF) && s.ctx.Err() != nil {
		err = s.ctx.Err()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		s.failure = err
		s.failed()
	}
	return n, err
}

// write sends all of r. Where r fails, no object is made.
func (s *Store) write(ctx context.Context, key string, r io.Reader, onlyNew bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.bucket.Upload(ctx, s.prefix+key, r, &blob.WriterOptions{
		ContentType: "application/octet-stream", CacheControl: "no-store", IfNotExist: onlyNew, BeforeWrite: s.options.BeforeWrite,
	})
}
