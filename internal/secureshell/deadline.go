package secureshell

import (
	"sync"
	"time"
)

// deadline is a moment that may be set anew at any time, and that one can wait for.
type deadline struct {
	mu    sync.Mutex
	timer *time.Timer
	over  chan struct{}
}

func newDeadline() *deadline { return &deadline{over: make(chan struct{})} }

// passed is closed when the deadline that is set now has passed.
func (d *deadline) passed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.over
}

// set has the deadline pass at t; the zero time: never. Who waits for the one before waits for this one.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil && !d.timer.Stop() {
		<-d.over // it runs, and closes in a moment
	}
	d.timer = nil
	closed := false
	select {
	case <-d.over:
		closed = true
	default:
	}
	if t.IsZero() {
		if closed {
			d.over = make(chan struct{})
		}
		return
	}
	if left := time.Until(t); left > 0 {
		if closed {
			d.over = make(chan struct{})
		}
		over := d.over
		d.timer = time.AfterFunc(left, func() { close(over) })
		return
	}
	if !closed {
		close(d.over)
	}
}
