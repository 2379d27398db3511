package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/crashpoint"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// ErrLost says that the lease is another's now, or could not be kept: stop touching the outside world at once.
var ErrLost = errors.New("the lease on the service was lost")

// Lease is the right to change a service and to write its ledger. Safe for concurrent use.
type Lease struct {
	ledger *Ledger
	run    string
	epoch  int
	length time.Duration
	clock  StoreTime

	appending sync.Mutex // held while an event is written: one at a time

	mu       sync.Mutex // guards what follows, and is never held over a request to the store
	state    State
	unsaved  int
	progress *Progress
	beat     int
	beaten   time.Time
	// taken: another run has had the word.
	taken bool

	lostOnce, stopOnce sync.Once
	lost, stop, done   chan struct{}
}

// snapshotEvery is how many events may follow a snapshot: what a reader reads one by one.
const snapshotEvery = 16

// State is what the ledger says now.
func (l *Lease) State() State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state
}

// Now is the store's clock.
func (l *Lease) Now() time.Time { return l.clock.Now() }

// Run names the run that holds the lease.
func (l *Lease) Run() string { return l.run }

// Epoch counts the ledger's leases up to this one.
func (l *Lease) Epoch() int { return l.epoch }

// Lost is closed when the lease is lost.
func (l *Lease) Lost() <-chan struct{} { return l.lost }

// Valid tells whether the owner may touch the outside world: nobody else can have taken the lease yet. It ends well
// before an observer gives the owner up, and also when the process was suspended.
func (l *Lease) Valid() bool {
	select {
	case <-l.lost:
		return false
	default:
	}
	return time.Now().Before(l.deadline())
}

// deadline is until when the owner may act on the lease as it was renewed last.
func (l *Lease) deadline() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.beaten.Add(l.length * 2 / 3)
}

// MayGiveBack tells whether the owner may still move traffic to stable, and nothing else: for a while after it could not
// renew the lease (the store does not answer), but before anybody else can have taken it.
func (l *Lease) MayGiveBack() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.taken && time.Since(l.beaten) < l.length*9/10
}

// Append writes the next event. When it returns nil the event outlives everything. ErrLost: somebody else has
// had the word; any other error: the store's, and it is not known whether the event was written.
func (l *Lease) Append(ctx context.Context, e Event) error {
	if !l.Valid() {
		l.lose()
		return fmt.Errorf("append %s to the ledger of %s: %w", e.Type, l.ledger.id, ErrLost)
	}
	return l.append(ctx, e)
}

func (l *Lease) append(ctx context.Context, e Event) error {
	l.appending.Lock()
	defer l.appending.Unlock()
	// No answer within the lease is no answer: by then it may be another's.
	ctx, cancel := context.WithDeadline(ctx, l.deadline())
	defer cancel()
	state, unsaved := l.State(), 0
	e.MinVersion, e.Epoch, e.Run, e.Nonce = 1, l.epoch, l.run, uuid.NewString()
	for {
		e.Number, e.Time = state.Number+1, l.clock.Now()
		folded, err := Fold(state, e)
		if err != nil {
			return fmt.Errorf("append %s to the ledger of %s: %w", e.Type, l.ledger.id, err)
		}
		earlier, err := l.create(ctx, e)
		if err != nil {
			return err
		}
		unsaved++
		if earlier == nil {
			state = folded
			break
		}
		// An append of ours whose answer never came did arrive: it counts, and this event follows it.
		if state, err = Fold(state, *earlier); err != nil {
			return fmt.Errorf("fold event %d of %s: %w", earlier.Number, l.ledger.id, err)
		}
	}
	l.mu.Lock()
	l.state, l.unsaved = state, l.unsaved+unsaved
	due := l.unsaved >= snapshotEvery || endsSomething(e.Type)
	l.mu.Unlock()
	// Only a cache: a reader without it reads more events.
	if due && l.ledger.writeSnapshot(ctx, state) == nil {
		l.mu.Lock()
		l.unsaved = 0
		l.mu.Unlock()
	}
	return nil
}

// create writes the event, and recognises it as its own where the store's answer was lost. earlier is an event of this
// lease that turned out to have this number.
func (l *Lease) create(ctx context.Context, e Event) (earlier *Event, err error) {
	data, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode %s for the ledger of %s: %w", e.Type, l.ledger.id, err)
	}
	crashpoint.Reach("before " + describe(e))
	err = l.ledger.store.Create(ctx, l.ledger.eventKey(e.Number), data)
	if err == nil {
		crashpoint.Reach("after " + describe(e))
		return nil, nil
	}
	there, _, readErr := l.ledger.readEvent(ctx, e.Number)
	switch {
	case readErr == nil && there.Nonce == e.Nonce:
		return nil, nil
	case readErr == nil && e.Type != LeaseAcquired && there.Run == l.run && there.Epoch == l.epoch:
		return &there, nil
	case readErr == nil || errors.Is(err, store.ErrExists):
		l.mu.Lock()
		l.taken = true
		l.mu.Unlock()
		l.lose()
		return nil, fmt.Errorf("append %s to the ledger of %s: event %d is another's: %w", e.Type, l.ledger.id, e.Number, ErrLost)
	}
	return nil, fmt.Errorf("append %s to the ledger of %s: %w", e.Type, l.ledger.id, err)
}

// describe names an event for the crash matrix.
func describe(e Event) string {
	if e.Change != nil {
		return string(e.Type) + " " + e.Change.Action
	}
	return strings.TrimSpace(string(e.Type) + " " + string(e.Stage))
}

func endsSomething(t Type) bool {
	switch t {
	case StagePassed, StagePaused, AttemptClosed, LeaseReleased, ServiceDefined, ServiceRetired, ServiceStopped:
		return true
	}
	return false
}

// Report says what the owner does right now; it is written with the next heartbeat, at once where wanted.
func (l *Lease) Report(p Progress) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.progress = &p
}

// keepFresh beats until the lease is released or lost.
func (l *Lease) keepFresh(ctx context.Context) {
	defer close(l.done)
	ticker := time.NewTicker(min(l.length/5, 2*time.Second))
	defer ticker.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-l.lost:
			return
		case <-ticker.C:
		}
		if !l.Valid() {
			l.lose()
			return
		}
		l.heartbeat(ctx)
	}
}

func (l *Lease) heartbeat(ctx context.Context) {
	l.mu.Lock()
	progress, beat, sent := l.progress, l.beat+1, time.Now()
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, l.length/3)
	defer cancel()
	if l.ledger.writeHeartbeat(ctx, heartbeat{Epoch: l.epoch, Run: l.run, Beat: beat, Progress: progress}) != nil {
		return // Valid runs out by itself when this goes on.
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	// Counted from before the write: an observer's wait begins when it has arrived.
	l.beat, l.beaten = beat, sent
}

func (l *Lease) lose() { l.lostOnce.Do(func() { close(l.lost) }) }

// Release gives the lease back. orphaned: nobody got the last answers. Releasing a lost lease does nothing.
func (l *Lease) Release(ctx context.Context, orphaned bool) error {
	l.stopOnce.Do(func() { close(l.stop) })
	select {
	case <-l.done:
	case <-ctx.Done():
	}
	if !l.Valid() {
		return nil
	}
	err := l.append(ctx, Event{Type: LeaseReleased, Lease: &LeaseTerms{Orphaned: orphaned}})
	l.lose()
	if errors.Is(err, ErrLost) {
		return nil
	}
	return err
}
