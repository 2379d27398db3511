package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Terms are how leases are taken.
type Terms struct {
	// Length after which a holder that does not show itself has lost the lease.
	Length time.Duration
	// Wait for another holder, at most.
	Wait time.Duration
	// Poll interval of the wait.
	Poll time.Duration
}

// DefaultTerms are good for a store on a network.
var DefaultTerms = Terms{Length: 20 * time.Second, Wait: 5 * time.Minute, Poll: 500 * time.Millisecond}

// HeldError says that another run kept the lease for longer than one wanted to wait.
type HeldError struct {
	Holder Holder
	Since  time.Time
	Waited time.Duration
	Seen   time.Duration
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("the service is worked on by %s since %s, last seen %s ago; waited %s",
		e.Holder, e.Since.Format(time.RFC3339), e.Seen.Round(time.Second), e.Waited.Round(time.Second))
}

// Acquire takes the lease of a service: at once where it is free or its holder is known to be gone, else when the
// holder's heartbeat has not changed for the lease's length on this process's own clock. run names the caller.
func (l *Ledger) Acquire(ctx context.Context, run string, holder Holder, terms Terms) (*Lease, error) {
	began := time.Now()
	watch := watcher{}
	for {
		view, err := l.Read(ctx)
		if err != nil {
			return nil, err
		}
		if view.State.Lease == nil || view.State.Lease.Holder.Gone() || watch.silent(ctx, l, view) {
			lease, err := l.take(ctx, view, run, holder, terms)
			if err == nil || !errors.Is(err, errTaken) {
				return lease, err
			}
			continue
		}
		if waited := time.Since(began); waited >= terms.Wait {
			return nil, &HeldError{Holder: view.State.Lease.Holder, Since: view.State.LeaseAcquired, Waited: waited, Seen: view.Seen}
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the lease of %s: %w", l.id, ctx.Err())
		case <-time.After(terms.Poll):
		}
	}
}

// watcher notes since when a heartbeat has not changed.
type watcher struct {
	epoch, beat int
	since       time.Time
}

// silent tells whether the holder of view's lease has not shown itself for the lease's length while one looked.
func (w *watcher) silent(ctx context.Context, l *Ledger, view View) bool {
	// Until it was asked for the holder may have shown itself, and this process may be suspended at any line.
	asked := time.Now()
	beat, err := l.readHeartbeat(ctx)
	if err != nil {
		return false
	}
	epoch := view.State.Epoch
	number := 0
	if beat.Epoch == epoch {
		number = beat.Beat
	}
	if w.since.IsZero() || w.epoch != epoch || w.beat != number {
		*w = watcher{epoch: epoch, beat: number, since: time.Now()}
		return false
	}
	return asked.Sub(w.since) >= view.State.Lease.Length
}

// errTaken says that somebody else had the next word.
var errTaken = errors.New("another run was first")

func (l *Ledger) take(ctx context.Context, view View, run string, holder Holder, terms Terms) (*Lease, error) {
	lease := &Lease{
		ledger: l, run: run, state: view.State, clock: NewStoreTime(view.Now), length: terms.Length,
		appending: make(chan struct{}, 1), beaten: time.Now(), lost: make(chan struct{}), stop: make(chan struct{}), done: make(chan struct{}),
	}
	lease.epoch = view.State.Epoch + 1
	err := lease.append(ctx, Event{Type: LeaseAcquired, Lease: &LeaseTerms{Holder: holder, Length: terms.Length}})
	if errors.Is(err, ErrLost) {
		return nil, errTaken
	}
	if err != nil {
		return nil, fmt.Errorf("take the lease of %s: %w", l.id, err)
	}
	sent := time.Now()
	// The lease is taken already: a first beat that fails is made up for by the next, and until then the lease counts
	// from before it was asked for.
	if l.writeHeartbeat(ctx, heartbeat{Epoch: lease.epoch, Run: run, Beat: 1}) == nil {
		lease.beat, lease.beaten = 1, sent
		if beat, err := l.readHeartbeat(ctx); err == nil && !beat.now.IsZero() {
			lease.clock = NewStoreTime(beat.now)
		}
	}
	go lease.keepFresh(context.WithoutCancel(ctx))
	go lease.expire()
	return lease, nil
}
