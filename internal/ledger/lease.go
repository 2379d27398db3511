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

	appending chan struct{} // holds a token while an event is written: one at a time

	mu       sync.Mutex // guards what follows, and is never held over a request to the store
	state    State
	unsaved  int
	progress *Progress
	beat     int
	beaten   time.Time
	// taken: another run has had the word.
	taken bool
	// trouble is why the last heartbeat could not be written, nil where it was.
	trouble error
	// doubtful: it is not known whether the last append arrived.
	doubtful bool

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

// Epoch counts the ledger's leases up to this one.
func (l *Lease) Epoch() int { return l.epoch }

// Trouble is why the lease could not be renewed the last time it was tried; nil where it was.
func (l *Lease) Trouble() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.trouble
}

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
	by := l.GiveBackBy()
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.taken && time.Now().Before(by)
}

// GiveBackBy is when MayGiveBack ends, unless the lease is renewed until then, or another takes it before.
func (l *Lease) GiveBackBy() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.beaten.Add(l.length * 9 / 10)
}

// Append writes the next event. When it returns nil the event outlives everything. ErrLost: somebody else has
// had the word; any other error: the store's, and it is not known whether the event was written (Settle tells).
func (l *Lease) Append(ctx context.Context, e Event) error {
	if !l.Valid() {
		l.lose()
		return fmt.Errorf("append %s to the ledger of %s: %w", e.Type, l.ledger.id, ErrLost)
	}
	return l.append(ctx, e)
}

func (l *Lease) append(ctx context.Context, e Event) error {
	if err := l.turn(ctx); err != nil {
		return fmt.Errorf("append %s to the ledger of %s: %w", e.Type, l.ledger.id, err)
	}
	defer func() { <-l.appending }()
	// No answer within the lease is no answer: by then it may be another's.
	ctx, cancel := context.WithDeadline(ctx, l.deadline())
	defer cancel()
	if err := l.settle(ctx); err != nil {
		return fmt.Errorf("append %s to the ledger of %s: %w", e.Type, l.ledger.id, err)
	}
	state, unsaved := l.State(), 0
	e.MinVersion, e.Epoch, e.Run, e.Nonce = e.minVersion(), l.epoch, l.run, uuid.NewString()
	for {
		e.Number, e.Time = state.Number+1, l.clock.Now()
		// What the caller knew may be older than an append of ours that did arrive.
		if err := state.admits(e); err != nil {
			return fmt.Errorf("append %s to the ledger of %s: %w", e.Type, l.ledger.id, err)
		}
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
		l.mu.Lock()
		l.state, l.unsaved = state, l.unsaved+1
		l.mu.Unlock()
		unsaved = 0
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

// Settle finds out what became of an append whose answer was lost: State is the ledger's again when it returns nil. An append that
// is still on its way arrives where the next one wants to, which then recognises it.
func (l *Lease) Settle(ctx context.Context) error {
	if err := l.turn(ctx); err != nil {
		return err
	}
	defer func() { <-l.appending }()
	return l.settle(ctx)
}

// turn waits until no other event is being written.
func (l *Lease) turn(ctx context.Context) error {
	select {
	case l.appending <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the event before: %w", ctx.Err())
	}
}

func (l *Lease) settle(ctx context.Context) error {
	l.mu.Lock()
	doubtful, state := l.doubtful, l.state
	l.mu.Unlock()
	for doubtful {
		there, _, err := l.ledger.readEvent(ctx, state.Number+1)
		switch {
		case errors.Is(err, store.ErrNotFound):
			doubtful = false
		case err != nil:
			return fmt.Errorf("find out what became of event %d: %w", state.Number+1, err)
		case !l.ours(there):
			l.overtaken()
			return fmt.Errorf("event %d is another's: %w", there.Number, ErrLost)
		default:
			if state, err = Fold(state, there); err != nil {
				return fmt.Errorf("fold event %d of %s: %w", there.Number, l.ledger.id, err)
			}
		}
		l.mu.Lock()
		l.state, l.doubtful = state, doubtful
		l.mu.Unlock()
	}
	return nil
}

// ours tells whether this lease wrote an event.
func (l *Lease) ours(e Event) bool { return e.Run == l.run && e.Epoch == l.epoch }

// overtaken notes that another run has had the word.
func (l *Lease) overtaken() {
	l.mu.Lock()
	l.taken = true
	l.mu.Unlock()
	l.lose()
}

// rereadTimeout bounds the question what became of an append. It is asked also when the caller has given up meanwhile, who waits
// for the answer no longer than hurriedReread: traffic has to move, and Settle asks again.
const (
	rereadTimeout = 2 * time.Second
	hurriedReread = 300 * time.Millisecond
)

// create writes the event, and recognises it as its own where the store's answer was lost. earlier is an event of this
// lease that turned out to have this number.
func (l *Lease) create(ctx context.Context, e Event) (earlier *Event, err error) {
	data, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode %s for the ledger of %s: %w", e.Type, l.ledger.id, err)
	}
	reach("before ", e)
	err = l.ledger.store.Create(ctx, l.ledger.eventKey(e.Number), data)
	if err == nil {
		reach("after ", e)
		return nil, nil
	}
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), rereadTimeout)
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(hurriedReread, cancel) })()
	there, _, readErr := l.ledger.readEvent(asking, e.Number)
	switch {
	case readErr == nil && there.Nonce == e.Nonce:
		return nil, nil
	case readErr == nil && e.Type != LeaseAcquired && l.ours(there):
		return &there, nil
	case readErr == nil || errors.Is(err, store.ErrExists) && e.Type == LeaseAcquired:
		l.overtaken()
		return nil, fmt.Errorf("append %s to the ledger of %s: event %d is another's: %w", e.Type, l.ledger.id, e.Number, ErrLost)
	}
	l.mu.Lock()
	l.doubtful = true
	l.mu.Unlock()
	return nil, fmt.Errorf("append %s to the ledger of %s: %w", e.Type, l.ledger.id, err)
}

// reach is a point of the crash matrix, which finds each again by its number in a second run. How many looks there are is chance, and nothing
// is done by them.
func reach(when string, e Event) {
	if e.Type != CandidateJudged {
		crashpoint.Reach(when + describe(e))
	}
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
		if l.superseded(ctx) {
			l.overtaken()
			return
		}
		l.heartbeat(ctx)
	}
}

// expire loses the lease when it has run out, also while the store keeps a request waiting: what is to be done then has little time.
func (l *Lease) expire() {
	for {
		left := time.Until(l.deadline())
		if left <= 0 {
			l.lose()
			return
		}
		select {
		case <-l.stop:
			return
		case <-l.lost:
			return
		case <-time.After(left):
		}
	}
}

// superseded tells whether somebody else has written the next event. Heartbeats do not collide, so that an owner whom another one
// has given up would not come across it while it waits.
func (l *Lease) superseded(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, l.length/3)
	defer cancel()
	next, _, err := l.ledger.readEvent(ctx, l.State().Number+1)
	return err == nil && !l.ours(next)
}

func (l *Lease) heartbeat(ctx context.Context) {
	l.mu.Lock()
	progress, beat, sent := l.progress, l.beat+1, time.Now()
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, l.length/3)
	defer cancel()
	err := l.ledger.writeHeartbeat(ctx, heartbeat{Epoch: l.epoch, Run: l.run, Beat: beat, Progress: progress})
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.trouble = err; err != nil {
		return // Valid runs out by itself when this goes on.
	}
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
