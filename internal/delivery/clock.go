package delivery

import (
	"context"
	"sync"
	"time"
)

// stageClock ends the body of a stage, or a rollback beside one, that takes longer than it may. It stands while files are brought to where they run: how long that
// takes is the network's matter, and the platform gives up where nothing arrives any more. The nil clock runs always.
type stageClock struct {
	mu       sync.Mutex
	timer    *time.Timer
	left     time.Duration // until the end, at since
	since    time.Time
	standing int // how often it was stopped and not started again
}

// timed is a context that ends when the lease is lost, and with errOverdue when it has run for so long by the work's clock.
func (w *work) timed(ctx context.Context, allowed time.Duration) (context.Context, context.CancelFunc) {
	ctx, clock, stop := startClock(ctx, allowed)
	w.clock = clock
	return w.whileHeld(ctx, stop)
}

// startClock ends the returned context with errOverdue when it has run for so long. The returned function is called when nothing needs it any more.
func startClock(ctx context.Context, allowed time.Duration) (context.Context, *stageClock, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	c := &stageClock{left: allowed, since: time.Now()}
	c.timer = time.AfterFunc(allowed, func() { cancel(errOverdue) })
	return ctx, c, func() { c.timer.Stop(); cancel(nil) }
}

// untimed does something while the clock stands.
func (c *stageClock) untimed(do func() error) error {
	if c == nil {
		return do()
	}
	c.stop()
	defer c.start()
	return do()
}

func (c *stageClock) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.standing++; c.standing == 1 && c.timer.Stop() {
		c.left -= time.Since(c.since)
	}
}

func (c *stageClock) start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.standing--; c.standing == 0 {
		c.since = time.Now()
		c.timer.Reset(c.left)
	}
}
