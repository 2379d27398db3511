// Package store is object storage as the ledger needs it: small objects, created only if they do not exist, and
// large ones, streamed.
package store

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"
)

// Errors that callers tell apart with errors.Is.
var (
	ErrExists   = errors.New("object exists")
	ErrNotFound = errors.New("object not found")
)

// Store keeps objects under slash-separated keys. It is safe for concurrent use by many processes.
type Store interface {
	// URL that users know the store by, without secrets.
	URL() string
	// Create writes a new object; ErrExists if there is one. Exactly one of several concurrent writers wins.
	// When it returns without error the object outlives a power failure.
	Create(ctx context.Context, key string, data []byte) error
	// Put writes or replaces an object; readers see the old one or the new one, whole.
	Put(ctx context.Context, key string, data []byte) error
	// Get reads an object; ErrNotFound if there is none.
	Get(ctx context.Context, key string) (Object, error)
	// List names the objects whose keys begin with prefix, sorted.
	List(ctx context.Context, prefix string) ([]string, error)
	// Delete removes an object; none is no error.
	Delete(ctx context.Context, key string) error
	// Upload writes or replaces an object of any size from r, streamed; readers see the old one or the new one, whole.
	// Where r fails or ctx ends before the end of r, what was there before stays.
	Upload(ctx context.Context, key string, r io.Reader) error
	// Open streams an object; ErrNotFound if there is none. The caller closes the stream. An object that is replaced
	// meanwhile comes as it was, or is an error.
	Open(ctx context.Context, key string) (io.ReadCloser, error)
}

// Object is what Get read.
type Object struct {
	Data []byte
	// Age since it was written, on the store's clock.
	Age time.Duration
	// Now is the store's clock at the time of reading.
	Now time.Time
}

// Location is the full name of an object, for people: the store's URL without its parameters, and the key.
func Location(s Store, key string) string {
	place, _, _ := strings.Cut(s.URL(), "?")
	return place + "/" + key
}
