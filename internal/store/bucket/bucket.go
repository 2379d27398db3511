// Package bucket is what the cloud stores share: a store.Store over a bucket of gocloud.dev/blob.
package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// Options say what differs between the clouds.
type Options struct {
	// URL of the store as users write it: without secrets, with the parameters that another process needs.
	URL *url.URL
	// Absent tells whether an error says that an object is not there, and nothing else: not that the bucket is missing,
	// nor that one may not look.
	Absent func(error) bool
	// Busy tells whether an error says that another request on the same object was under way, and nothing was decided. May be nil.
	Busy func(error) bool
	// Finishes: the library finishes an object whose source failed, unless the request's context ends; else it takes back
	// what was sent, for which it needs the context.
	Finishes bool
	// BeforeWrite of gocloud's writer options. May be nil.
	BeforeWrite func(asFunc func(any) bool) error
}

// Store implements store.Store. Responses must have passed a Clock on their way, from which ages come.
type Store struct {
	bucket  *blob.Bucket
	options Options
	prefix  string

	mu sync.Mutex
	// there: the bucket has been seen; exclusive: the server has been seen to refuse a second create.
	there, exclusive bool
}

var _ store.Store = (*Store)(nil)

// New makes a store of the bucket, below the path of the options' URL. It asks nothing.
func New(b *blob.Bucket, o Options) (*Store, error) {
	prefix := strings.Trim(o.URL.Path, "/")
	if prefix != "" {
		if err := store.CheckKey(prefix); err != nil {
			return nil, fmt.Errorf("open the store %s: its path: %w", o.URL, err)
		}
		prefix += "/"
	}
	return &Store{bucket: b, options: o, prefix: prefix}, nil
}

// URL is what users write.
func (s *Store) URL() string {
	u := *s.options.URL
	u.Path = strings.TrimSuffix(u.Path, "/")
	return u.String()
}

// failed says what was attempted. The cloud's own error is the cause; its text has no secret.
func (s *Store) failed(doing, key string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", doing, store.Location(s, key), err)
}

// Get reads an object. Its age is the difference between the response's date and the object's, whole seconds both.
func (s *Store) Get(ctx context.Context, key string) (store.Object, error) {
	if err := store.CheckKey(key); err != nil {
		return store.Object{}, s.failed("read", "", err)
	}
	object, err := s.get(ctx, key)
	return object, s.failed("read", key, err)
}

func (s *Store) get(ctx context.Context, key string) (store.Object, error) {
	ctx, dated := withDate(ctx)
	reader, err := s.reader(ctx, key)
	if err != nil {
		return store.Object{}, err
	}
	data, err := io.ReadAll(reader)
	if err = errors.Join(err, reader.Close()); err != nil {
		return store.Object{}, err
	}
	now := dated()
	if now.IsZero() {
		return store.Object{}, errors.New("the answer has no Date, without which nobody can say how old the object is")
	}
	return store.Object{Data: data, Age: max(0, now.Sub(reader.ModTime())), Now: now}, nil
}

// Open streams an object.
func (s *Store) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	if err := store.CheckKey(key); err != nil {
		return nil, s.failed("read", "", err)
	}
	reader, err := s.reader(ctx, key)
	if err != nil {
		return nil, s.failed("read", key, err)
	}
	return reader, nil
}

// reader opens an object. That it is absent counts only in a bucket that is there: some clouds do not tell the difference.
func (s *Store) reader(ctx context.Context, key string) (*blob.Reader, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	reader, err := s.bucket.NewReader(ctx, s.prefix+key, nil)
	if err == nil || !s.options.Absent(err) {
		return reader, err
	}
	if err := s.look(ctx); err != nil {
		return nil, err
	}
	return nil, store.ErrNotFound
}

// look asks once whether the bucket is there.
func (s *Store) look(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.there {
		return nil
	}
	if _, _, err := s.bucket.ListPage(ctx, blob.FirstPageToken, 1, &blob.ListOptions{Prefix: s.prefix}); err != nil {
		return fmt.Errorf("the store's place %s://%s is not there, or may not be listed: %w", s.options.URL.Scheme, s.options.URL.Host, err)
	}
	s.there = true
	return nil
}

// List names the objects whose keys begin with prefix, sorted by bytes.
func (s *Store) List(ctx context.Context, prefix string) ([]string, error) {
	if err := store.CheckPrefix(prefix); err != nil {
		return nil, s.failed("list", "", err)
	}
	keys, err := s.list(ctx, prefix)
	return keys, s.failed("list", prefix, err)
}

func (s *Store) list(ctx context.Context, prefix string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var keys []string
	objects := s.bucket.List(&blob.ListOptions{Prefix: s.prefix + prefix})
	for {
		object, err := objects.Next(ctx)
		if errors.Is(err, io.EOF) {
			slices.Sort(keys)
			return keys, nil
		}
		if err != nil {
			return nil, err
		}
		key := strings.TrimPrefix(object.Key, s.prefix)
		// What people put beside it under other names is not ours.
		if store.CheckKey(key) == nil {
			keys = append(keys, key)
		}
	}
}

// Delete removes an object; none is no error.
func (s *Store) Delete(ctx context.Context, key string) error {
	err := store.CheckKey(key)
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = s.bucket.Delete(ctx, s.prefix+key)
	}
	if err != nil && s.options.Absent(err) {
		return s.failed("delete", key, s.look(ctx))
	}
	return s.failed("delete", key, err)
}

// conflictPause is between two tries where another request on the same object was under way.
const conflictPause = 100 * time.Millisecond

// exists tells whether a conditional create found an object.
func exists(err error) bool { return gcerrors.Code(err) == gcerrors.FailedPrecondition }
