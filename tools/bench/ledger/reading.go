//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/local"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/bench/result"
)

const web = service.ID("production/web")

// readings is how often a ledger is read; the median counts.
const readings = 51

// reading measures what it costs to read a service's state after a short and after a long history, on the local store.
func reading(ctx context.Context, dir string, short, long int) ([]result.Result, error) {
	var results []result.Result
	requests := map[int]float64{}
	for _, events := range []int{short, long} {
		root := filepath.Join(dir, fmt.Sprintf("history-%d", events))
		written, err := history(ctx, root, events)
		if err != nil {
			return nil, fmt.Errorf("write a history of %d events: %w", events, err)
		}
		cost, err := measure(ctx, root)
		if err != nil {
			return nil, fmt.Errorf("read a history of %d events: %w", events, err)
		}
		requests[events] = cost.requests
		name := fmt.Sprintf("read a service's state after %d events: ", written)
		results = append(results,
			result.Lower(name+"requests to the store", cost.requests, "requests"),
			result.Lower(name+"time", cost.time.Seconds()*1000, "ms"),
			result.Lower(name+"memory allocated", cost.bytes/1024, "KiB"))
	}
	ratio := requests[long] / requests[short]
	return append(results, result.Lower("requests after the long history over those after the short one", ratio, "times").AtMost(1)), nil
}

type cost struct {
	requests, bytes float64
	time            time.Duration
}

func measure(ctx context.Context, root string) (cost, error) {
	s, err := local.Open(root)
	if err != nil {
		return cost{}, err
	}
	counted := &counting{Store: s}
	times := make([]time.Duration, readings)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range times {
		began := time.Now()
		if _, err := ledger.Open(counted, web).Read(ctx); err != nil {
			return cost{}, err
		}
		times[i] = time.Since(began)
	}
	runtime.ReadMemStats(&after)
	slices.Sort(times)
	return cost{
		requests: float64(counted.requests.Load()) / readings, time: times[len(times)/2],
		bytes: float64(after.TotalAlloc-before.TotalAlloc) / readings,
	}, nil
}

// counting counts the requests to a store.
type counting struct {
	store.Store
	requests atomic.Int64
}

func (c *counting) Get(ctx context.Context, key string) (store.Object, error) {
	c.requests.Add(1)
	return c.Store.Get(ctx, key)
}

func (c *counting) List(ctx context.Context, prefix string) ([]string, error) {
	c.requests.Add(1)
	return c.Store.List(ctx, prefix)
}

// history writes a ledger of at least so many events as releases write it, by a lease, and returns how many there are. The events go
// through memory first: syncing each to disk would take the benchmark an hour.
func history(ctx context.Context, root string, events int) (int, error) {
	objects := &memory{objects: map[string][]byte{}}
	lease, err := ledger.Open(objects, web).Acquire(ctx, "run", ledger.ThisProcess("benchmark"), ledger.DefaultTerms)
	if err != nil {
		return 0, err
	}
	if err := lease.Append(ctx, ledger.Event{Type: ledger.ServiceDefined, Definition: &service.Definition{ID: web}, Owner: "owner"}); err != nil {
		return 0, err
	}
	const atTheEnd = 1 // the lease is released
	for n := 1; lease.State().Number < events-atTheEnd; n++ {
		for _, e := range releaseEvents(lease.State(), n) {
			if lease.State().Number >= events-atTheEnd {
				break
			}
			if err := lease.Append(ctx, e); err != nil {
				return 0, err
			}
		}
	}
	if err := lease.Release(ctx, false); err != nil {
		return 0, err
	}
	return lease.State().Number, objects.writeTo(root)
}

// releaseEvents are what a release writes that goes through, with the passages of all stages.
func releaseEvents(state ledger.State, n int) []ledger.Event {
	id := service.ReleaseID(fmt.Sprintf("%s/1.%d.0-%08x", web, n, n))
	number := state.LastAttempt + 1
	slot := []string{"blue", "green"}[n%2]
	release := service.Release{ID: id, Content: service.Content{Version: fmt.Sprintf("1.%d.0", n)}, Placement: service.Placement{
		Release: id, Slot: slot, Instances: []service.Instance{{Name: slot + "/0", Address: "127.0.0.1:8080"}},
	}}
	events := []ledger.Event{{Type: ledger.AttemptOpened, Attempt: number, Release: id, Opening: &ledger.Opening{Mode: state.Wanted(id), Replaces: state.Stable}}}
	change := state.LastChange
	for _, stage := range service.Stages {
		events = append(events, ledger.Event{Type: ledger.StageOpened, Attempt: number, Release: id, Stage: stage})
		if stage == service.StageRelease {
			events = append(events, ledger.Event{Type: ledger.ReleaseRecorded, Attempt: number, Release: id, Record: &release})
			for _, action := range []string{"place", "start", "weights"} {
				change++
				made := ledger.Change{ID: change, Action: action, Target: string(id)}
				events = append(events, ledger.Event{Type: ledger.ChangeIntended, Attempt: number, Change: &made}, ledger.Event{Type: ledger.ChangeMade, Attempt: number, Change: &made})
			}
		}
		if stage == service.StageFinalization {
			break
		}
		events = append(events, ledger.Event{Type: ledger.StagePassed, Attempt: number, Release: id, Stage: stage, Passage: passage(number, id)})
	}
	kept := []service.ReleaseID{}
	if state.Stable != "" {
		kept = append(kept, state.Stable)
	}
	closed := ledger.Event{Type: ledger.AttemptClosed, Attempt: number, Release: id, Stage: service.StageFinalization, Passage: passage(number, id),
		Closing: &ledger.Closing{End: service.EndFinalized, Kept: kept}}
	events = append(events, closed)
	for _, old := range state.Kept {
		events = append(events, ledger.Event{Type: ledger.ReleaseRemoved, Attempt: number, Release: old})
	}
	return events
}

func passage(attempt int, id service.ReleaseID) *ledger.Passage {
	return &ledger.Passage{Attempt: attempt, Release: id, Run: "run", Owner: "owner", Arguments: []byte(`{"weight":100}`), Exports: []byte(`{}`)}
}

// memory is a store that forgets.
type memory struct {
	store.Store
	mu      sync.Mutex
	objects map[string][]byte
}

func (*memory) URL() string { return "memory://benchmark" }

func (m *memory) Create(_ context.Context, key string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, found := m.objects[key]; found {
		return store.ErrExists
	}
	m.objects[key] = data
	return nil
}

func (m *memory) Put(_ context.Context, key string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.objects[key] = data
	return nil
}

func (m *memory) Get(_ context.Context, key string) (store.Object, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	data, found := m.objects[key]
	if !found {
		return store.Object{}, store.ErrNotFound
	}
	return store.Object{Data: data, Now: time.Now()}, nil
}

// writeTo leaves the objects as the local store keeps them.
func (m *memory) writeTo(root string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, data := range m.objects {
		if err := writeFile(filepath.Join(root, filepath.FromSlash(key)), data); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
