package delivery_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// memoryStore is a store without a disk: the tests of the engine write a hundred thousand objects, and what a disk adds
// has tests of its own (internal/store/storetest).
type memoryStore struct {
	mu      sync.Mutex
	failing bool
	objects map[string]memoryObject
}

type memoryObject struct {
	data []byte
	at   time.Time
}

func newMemoryStore() *memoryStore { return &memoryStore{objects: map[string]memoryObject{}} }

func (m *memoryStore) URL() string { return "memory://test" }

func (m *memoryStore) Create(_ context.Context, key string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failing {
		return errStore
	}
	if _, there := m.objects[key]; there {
		return store.ErrExists
	}
	m.objects[key] = memoryObject{slices.Clone(data), time.Now()}
	return nil
}

func (m *memoryStore) Put(_ context.Context, key string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failing {
		return errStore
	}
	m.objects[key] = memoryObject{slices.Clone(data), time.Now()}
	return nil
}

func (m *memoryStore) Get(_ context.Context, key string) (store.Object, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failing {
		return store.Object{}, errStore
	}
	o, there := m.objects[key]
	if !there {
		return store.Object{}, store.ErrNotFound
	}
	return store.Object{Data: slices.Clone(o.data), Age: time.Since(o.at), Now: time.Now().UTC()}, nil
}

func (m *memoryStore) List(_ context.Context, prefix string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	keys := slices.Sorted(maps.Keys(m.objects))
	return slices.DeleteFunc(keys, func(k string) bool { return !strings.HasPrefix(k, prefix) }), nil
}

func (m *memoryStore) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, key)
	return nil
}

var errStore = errors.New("the store does not answer")

// fail has every request fail, or none.
func (m *memoryStore) fail(failing bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failing = failing
}

func (m *memoryStore) Upload(ctx context.Context, key string, r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	return m.Put(ctx, key, data)
}

func (m *memoryStore) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	object, err := m.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(object.Data)), nil
}
