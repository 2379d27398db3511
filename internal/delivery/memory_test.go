package delivery_test

import (
	"context"
	"errors"
	"io"
	"sync/atomic"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/storetest"
)

// memoryStore is a store without a disk: the tests of the engine write a hundred thousand objects, and what a disk adds
// has tests of its own (internal/store/storetest).
type memoryStore struct {
	*storetest.Memory
	failing atomic.Bool
}

func newMemoryStore() *memoryStore { return &memoryStore{Memory: storetest.NewMemory()} }

// copied is what lies in the store now, whether it answers or not, in one that does.
func (m *memoryStore) copied() *memoryStore { return &memoryStore{Memory: m.Copied()} }

var errStore = errors.New("the store does not answer")

// fail has every request fail that reads or writes an object, or none.
func (m *memoryStore) fail(failing bool) { m.failing.Store(failing) }

func (m *memoryStore) failure() error {
	if m.failing.Load() {
		return errStore
	}
	return nil
}

func (m *memoryStore) Create(ctx context.Context, key string, data []byte) error {
	if err := m.failure(); err != nil {
		return err
	}
	return m.Memory.Create(ctx, key, data)
}

func (m *memoryStore) Put(ctx context.Context, key string, data []byte) error {
	if err := m.failure(); err != nil {
		return err
	}
	return m.Memory.Put(ctx, key, data)
}

func (m *memoryStore) Get(ctx context.Context, key string) (store.Object, error) {
	if err := m.failure(); err != nil {
		return store.Object{}, err
	}
	return m.Memory.Get(ctx, key)
}

func (m *memoryStore) Upload(ctx context.Context, key string, r io.Reader) error {
	if err := m.failure(); err != nil {
		return err
	}
	return m.Memory.Upload(ctx, key, r)
}

func (m *memoryStore) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	if err := m.failure(); err != nil {
		return nil, err
	}
	return m.Memory.Open(ctx, key)
}
