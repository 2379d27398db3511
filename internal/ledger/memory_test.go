package ledger_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// memory is a store of small objects without a disk, whose clock is that of a test's bubble: leases run out there by what is done alone, and
// not because the machine paused.
type memory struct {
	store.Store // streams, which no ledger has
	mu          sync.Mutex
	objects     map[string]remembered
}

type remembered struct {
	data []byte
	at   time.Time
}

func newMemory() *memory { return &memory{objects: map[string]remembered{}} }

func (m *memory) URL() string { return "memory://test" }

func (m *memory) Create(_ context.Context, key string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.objects[key]; there {
		return store.ErrExists
	}
	m.objects[key] = remembered{slices.Clone(data), time.Now()}
	return nil
}

func (m *memory) Put(_ context.Context, key string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.objects[key] = remembered{slices.Clone(data), time.Now()}
	return nil
}

func (m *memory) Get(_ context.Context, key string) (store.Object, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o, there := m.objects[key]
	if !there {
		return store.Object{}, store.ErrNotFound
	}
	return store.Object{Data: slices.Clone(o.data), Age: time.Since(o.at), Now: time.Now().UTC()}, nil
}

func (m *memory) List(_ context.Context, prefix string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	keys := slices.Sorted(maps.Keys(m.objects))
	return slices.DeleteFunc(keys, func(k string) bool { return !strings.HasPrefix(k, prefix) }), nil
}

func (m *memory) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, key)
	return nil
}
