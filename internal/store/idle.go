package store

import (
	"context"
	"sync"
	"time"
)

// idle ends a context when nothing has come or gone for a while.
type idle struct {
	cancel context.CancelCauseFunc

	mu     sync.Mutex
	timer  *time.Timer
	limit  time.Duration
	paused bool
}

type idleKey struct{}

// withIdle is a context that ends with errLate once Alive was not called with it for limit. It is ended with idle.end.
func withIdle(ctx context.Context, limit time.Duration) (context.Context, *idle) {
	ctx, cancel := context.WithCancelCause(ctx)
	i := &idle{cancel: cancel, limit: limit}
	i.timer = time.AfterFunc(limit, func() { cancel(errLate) })
	return context.WithValue(ctx, idleKey{}, i), i
}

// Alive says that a store has answered a request that was made with ctx. A store whose lists or streams take several requests calls
// it for each good answer.
func Alive(ctx context.Context) {
	if i, waiting := ctx.Value(idleKey{}).(*idle); waiting {
		i.alive()
	}
}

func (i *idle) alive() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.paused {
		i.timer.Reset(i.limit)
	}
}

func (i *idle) pause() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.paused = true
	i.timer.Stop()
}

func (i *idle) resume() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.paused = false
	i.timer.Reset(i.limit)
}

// limitTo resumes with another limit.
func (i *idle) limitTo(limit time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.limit, i.paused = limit, false
	i.timer.Reset(limit)
}

func (i *idle) end() {
	i.pause()
	i.cancel(nil)
}
