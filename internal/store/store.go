// Package store is object storage as the ledger needs it: small objects, created only if they do not exist.
package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
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
}

// Object is what Get read.
type Object struct {
	Data []byte
	// Age since it was written, on the store's clock.
	Age time.Duration
	// Now is the store's clock at the time of reading.
	Now time.Time
}

// Location is the full name of an object, for people.
func Location(s Store, key string) string { return s.URL() + "/" + key }

// ParseURL checks a store's URL and returns its scheme.
func ParseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("read the store's URL %q: %w", raw, err)
	}
	if u.Scheme != "file" {
		return nil, fmt.Errorf("store %q: scheme %q is not known; use file:///absolute/path or file://./relative/path", raw, u.Scheme)
	}
	return u, nil
}
