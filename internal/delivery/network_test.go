package delivery_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// network is what lies between a process and its store: a request ends with its context, and answers are lost or do not come.
type network struct {
	*memoryStore
	mu sync.Mutex
	// arrived is asked once an event is written: its error is all that the writer gets to know.
	arrived func(ledger.Event) error
	// hangs is asked before an event is written: one that hangs never is, and its writer waits until it gives up.
	hangs func(ledger.Event) bool
	// refuses is asked before an event is written: one with an error never is, and its writer gets to know.
	refuses func(ledger.Event) error
}

var errNoAnswer = errors.New("no answer came")

// spoil has the network treat events in another way from now on; nil, nil: well.
func (n *network) spoil(arrived func(ledger.Event) error, hangs func(ledger.Event) bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.arrived, n.hangs = arrived, hangs
}

// refuse has the network refuse events from now on; nil: none.
func (n *network) refuse(refuses func(ledger.Event) error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.refuses = refuses
}

func (n *network) Create(ctx context.Context, key string, data []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var e ledger.Event
	event := strings.Contains(key, "/ledger/") && json.Unmarshal(data, &e) == nil
	n.mu.Lock()
	arrived, hangs, refuses := n.arrived, n.hangs, n.refuses
	n.mu.Unlock()
	if event && refuses != nil {
		if err := refuses(e); err != nil {
			return err
		}
	}
	if event && hangs != nil && hangs(e) {
		<-ctx.Done()
		return ctx.Err()
	}
	if err := n.memoryStore.Create(ctx, key, data); err != nil {
		return err
	}
	if event && arrived != nil {
		return arrived(e)
	}
	return nil
}

func (n *network) Put(ctx context.Context, key string, data []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return n.memoryStore.Put(ctx, key, data)
}

func (n *network) Get(ctx context.Context, key string) (store.Object, error) {
	if err := ctx.Err(); err != nil {
		return store.Object{}, err
	}
	return n.memoryStore.Get(ctx, key)
}

// told is the ledger's state and all of its events as they lie in the store, whether it answers or not.
func told(t *testing.T, m *memoryStore) (ledger.State, []ledger.Event) {
	t.Helper()
	l := ledger.Open(m.copied(), web)
	events, err := l.Events(context.Background(), 1)
	if err != nil {
		t.Fatal(err)
	}
	view, err := l.Read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return view.State, events
}

// oneEndEach asserts that each attempt has a number of its own, and exactly one end; the last one may be open.
func oneEndEach(t *testing.T, m *memoryStore) {
	t.Helper()
	state, events := told(t, m)
	opened, ended := map[int]int{}, map[int]int{}
	for _, e := range events {
		switch e.Type { //nolint:exhaustive // the others neither open nor end an attempt
		case ledger.AttemptOpened:
			opened[e.Attempt]++
		case ledger.AttemptClosed:
			ended[e.Attempt]++
		}
	}
	for number, times := range opened {
		if times != 1 {
			t.Errorf("attempt %d was opened %d times", number, times)
		}
		open := number == state.LastAttempt && state.OpenAttempt() != nil
		if ended[number] != 1 && !open || open && ended[number] != 0 {
			t.Errorf("attempt %d has %d ends (open: %t)", number, ended[number], open)
		}
	}
}

// neverCutOff asserts that no release was stopped while it had traffic that another could have answered.
func neverCutOff(t *testing.T, w *world) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.cutOff) > 0 {
		t.Errorf("stopped under traffic: %v", w.cutOff)
	}
}

// lastEnd is how the newest attempt ended.
func (p *provider) lastEnd() service.End {
	p.t.Helper()
	state := p.state()
	return state.Attempts[len(state.Attempts)-1].End
}

// write puts an event into the ledger, past any lease.
func (m *memoryStore) write(t *testing.T, e ledger.Event) {
	t.Helper()
	data, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Create(context.Background(), fmt.Sprintf("%s/ledger/%08d.json", web, e.Number), data); err != nil {
		t.Fatal(err)
	}
}
