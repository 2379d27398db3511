package storetest

import (
	"bytes"
	"context"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// Memory is a store without a disk, for tests of what stands on one. Its clock is the process's, or that of a test's bubble: there, what is written
// grows old by what is done alone, and not because the machine paused.
type Memory struct {
	mu      sync.Mutex
	objects map[string]remembered
}

type remembered struct {
	data []byte
	at   time.Time
}

// NewMemory is one that holds nothing.
func NewMemory() *Memory { return &Memory{objects: map[string]remembered{}} }

// Copied is another one, with what lies in this one now.
func (m *Memory) Copied() *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &Memory{objects: maps.Clone(m.objects)} // What lies there is replaced, and never changed.
}

// URL implements store.Store.
func (m *Memory) URL() string { return "memory://test" }

// Create implements store.Store.
func (m *Memory) Create(_ context.Context, key string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.objects[key]; there {
		return store.ErrExists
	}
	m.objects[key] = remembered{slices.Clone(data), time.Now()}
	return nil
}

// Put implements store.Store.
func (m *Memory) Put(_ context.Context, key string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.objects[key] = remembered{slices.Clone(data), time.Now()}
	return nil
}

// Get implements store.Store.
func (m *Memory) Get(_ context.Context, key string) (store.Object, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o, there := m.objects[key]
	if !there {
		return store.Object{}, store.ErrNotFound
	}
	return store.Object{Data: slices.Clone(o.data), Age: time.Since(o.at), Now: time.Now().UTC()}, nil
}

// List implements store.Store.
func (m *Memory) List(_ context.Context, prefix string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	keys := slices.Sorted(maps.Keys(m.objects))
	return slices.DeleteFunc(keys, func(k string) bool { return !strings.HasPrefix(k, prefix) }), nil
}

// Delete implements store.Store.
func (m *Memory) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, key)
	return nil
}

// Upload implements store.Store.
func (m *Memory) Upload(ctx context.Context, key string, r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	return m.Put(ctx, key, data)
}

// Open implements store.Store.
func (m *Memory) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	object, err := m.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(object.Data)), nil
}
