package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// Ledger reads one service's ledger; a Lease writes it. Safe for concurrent use.
type Ledger struct {
	store store.Store
	id    service.ID
}

// Open names a service's ledger in a store. It reads nothing.
func Open(s store.Store, id service.ID) *Ledger { return &Ledger{store: s, id: id} }

// DamagedError names an object of the ledger that cannot be understood. Nothing is ever written over it.
type DamagedError struct {
	Location string
	Err      error
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("the ledger's object %s cannot be read: %v. Put back what was there from a backup or a version of the store; it is not overwritten", e.Location, e.Err)
}

func (e *DamagedError) Unwrap() error { return e.Err }

func (l *Ledger) eventKey(number int) string { return fmt.Sprintf("%s/ledger/%08d.json", l.id, number) }
func (l *Ledger) snapshotKey() string        { return string(l.id) + "/state.json" }
func (l *Ledger) heartbeatKey() string       { return string(l.id) + "/heartbeat.json" }

// Location is where the ledger lies, for people.
func (l *Ledger) Location() string { return store.Location(l.store, string(l.id)+"/ledger") }

// View is a state with what the clock says about it.
type View struct {
	State State
	// Now is the store's clock at the time of reading.
	Now time.Time
	// Alive: a lease is held, and its holder has shown itself lately. Seen is how long ago, on the store's clock.
	Alive bool
	Seen  time.Duration
	// Progress is what the holder said last about what it does.
	Progress *Progress
}

// Interrupted is the attempt that lost its owner in the middle, or whose restore failed; nil if there is none.
func (v View) Interrupted() *Attempt {
	if v.State.Broken != nil {
		return v.State.Attempt(v.State.Broken.Attempt)
	}
	if a := v.State.OpenAttempt(); a != nil && a.Busy() && !v.Alive {
		return a
	}
	return nil
}

// AnswerLost is State.AnswerLost as of this view: the run that holds the lease may be lost as well.
func (v View) AnswerLost(p Passage) bool {
	return v.WithLostRun().AnswerLost(p)
}

// DefinitionLost is State.DefinitionLost as of this view.
func (v View) DefinitionLost() bool {
	return v.WithLostRun().DefinitionLost()
}

// WithLostRun is the state as it will be when a lease that nobody keeps is taken.
func (v View) WithLostRun() *State {
	state := v.State
	if state.Lease != nil && !v.Alive {
		state.LostRuns = append(slices.Clone(state.LostRuns), state.LeaseRun)
	}
	return &state
}

// Finishing is the interrupted attempt that a recovery brings to its end, instead of restoring what was before: a rollback; nil if there
// is none. Void is the other kind.
func (v View) Finishing() *Attempt {
	if a := v.Interrupted(); a != nil && a.finishes() {
		return a
	}
	return nil
}

// Void is the number of the attempt that is to be read as if it had been restored already, 0 for none.
func (v View) Void() int {
	if a := v.Interrupted(); a != nil && !a.finishes() {
		return a.Number
	}
	return 0
}

// finishes tells whether a recovery finishes the attempt, instead of restoring what was before: a rollback under way.
func (a Attempt) finishes() bool {
	return a.Mode == service.ModeRollback && a.Executing && a.Failure == nil && a.Open()
}

// Standing is State.Standing as of this view: with what was interrupted as it will be once it has been recovered.
func (v View) Standing(stage service.Stage) *Passage {
	state := v.State
	if a := v.Finishing(); a != nil {
		state = state.clone()
		finished := state.Attempt(a.Number)
		finished.End = service.EndFinalized
		state.finalize(finished, state.Kept)
	}
	return state.Standing(stage, v.Void(), v.Now)
}

// Read folds the ledger. The cost does not grow with its history: it begins at the last snapshot.
// A ledger without events is no error: its state is empty. Errors are the store's, or *DamagedError.
func (l *Ledger) Read(ctx context.Context) (View, error) {
	state, now, err := l.fold(ctx)
	if err != nil {
		return View{}, err
	}
	view := View{State: state, Now: now}
	if state.Lease == nil {
		return view, nil
	}
	beat, err := l.readHeartbeat(ctx)
	if err != nil {
		return View{}, err
	}
	// The first heartbeat comes a moment after the lease.
	view.Seen = max(0, beat.now.Sub(state.LeaseAcquired))
	if beat.now.IsZero() {
		view.Seen = max(0, now.Sub(state.LeaseAcquired))
	}
	if beat.Epoch == state.Epoch {
		view.Seen = beat.age
	}
	view.Alive = view.Seen < state.Lease.Length && !state.Lease.Holder.Gone()
	if view.Alive {
		view.Progress = beat.Progress
	}
	return view, nil
}

func (l *Ledger) fold(ctx context.Context) (State, time.Time, error) {
	state, now, err := l.readSnapshot(ctx)
	if err != nil {
		return State{}, time.Time{}, err
	}
	for {
		event, at, err := l.readEvent(ctx, state.Number+1)
		if errors.Is(err, store.ErrNotFound) {
			if now.IsZero() {
				now = time.Now().UTC()
			}
			return state, now, nil
		}
		if err != nil {
			return State{}, time.Time{}, err
		}
		now = at
		folded, err := Fold(state, event)
		if newer := (*NewerError)(nil); errors.As(err, &newer) {
			return State{}, time.Time{}, fmt.Errorf("read the ledger at %s: %w", l.Location(), err)
		}
		if err != nil {
			return State{}, time.Time{}, &DamagedError{Location: store.Location(l.store, l.eventKey(event.Number)), Err: err}
		}
		state = folded
	}
}

// readSnapshot returns the state to begin with: the snapshot if there is one that agrees with the ledger, else an empty
// state. A snapshot is a cache: one that cannot be read is passed over, the events have the say.
func (l *Ledger) readSnapshot(ctx context.Context) (State, time.Time, error) {
	object, err := l.store.Get(ctx, l.snapshotKey())
	if errors.Is(err, store.ErrNotFound) {
		return State{}, time.Time{}, nil
	}
	if err != nil {
		return State{}, time.Time{}, fmt.Errorf("read the snapshot of %s: %w", l.id, err)
	}
	var kept struct {
		Version int   `json:"version"`
		State   State `json:"state"`
	}
	readable := json.Unmarshal(object.Data, &kept) == nil
	if !readable || kept.Version != Version || kept.State.Number == 0 {
		return State{}, object.Now, nil
	}
	last, now, err := l.readEvent(ctx, kept.State.Number)
	if errors.Is(err, store.ErrNotFound) {
		return State{}, time.Time{}, &DamagedError{
			Location: store.Location(l.store, l.eventKey(kept.State.Number)),
			Err:      errors.New("it is missing, and the snapshot beside the ledger was made from it"),
		}
	}
	if err != nil {
		return State{}, time.Time{}, err
	}
	if last.Nonce != kept.State.Nonce {
		return State{}, now, nil
	}
	return kept.State, now, nil
}

func (l *Ledger) writeSnapshot(ctx context.Context, s State) error {
	data, err := json.Marshal(struct {
		Version int   `json:"version"`
		State   State `json:"state"`
	}{Version, s})
	if err != nil {
		return fmt.Errorf("encode the snapshot of %s: %w", l.id, err)
	}
	return l.store.Put(ctx, l.snapshotKey(), data)
}

func (l *Ledger) readEvent(ctx context.Context, number int) (Event, time.Time, error) {
	key := l.eventKey(number)
	object, err := l.store.Get(ctx, key)
	if err != nil {
		return Event{}, time.Time{}, fmt.Errorf("read event %d of %s: %w", number, l.id, err)
	}
	// What a newer binary wrote may not even parse as an event of this one's.
	var least struct {
		MinVersion int `json:"min_version"`
	}
	if json.Unmarshal(object.Data, &least) == nil && least.MinVersion > Version {
		return Event{}, time.Time{}, fmt.Errorf("read %s: %w", store.Location(l.store, key), &NewerError{Number: number, MinVersion: least.MinVersion})
	}
	var e Event
	if err := json.Unmarshal(object.Data, &e); err != nil {
		return Event{}, time.Time{}, &DamagedError{Location: store.Location(l.store, key), Err: err}
	}
	if e.Number != number || e.Type == "" {
		return Event{}, time.Time{}, &DamagedError{Location: store.Location(l.store, key), Err: fmt.Errorf("it does not hold event %d", number)}
	}
	return e, object.Now, nil
}

// Events reads all events from number on, in order.
func (l *Ledger) Events(ctx context.Context, number int) ([]Event, error) {
	var events []Event
	for n := max(number, 1); ; n++ {
		e, _, err := l.readEvent(ctx, n)
		if errors.Is(err, store.ErrNotFound) {
			return events, nil
		}
		if err != nil {
			return events, err
		}
		events = append(events, e)
	}
}
