// Package jitter measures how late a machine does what is due: what any figure about time that was taken on it is uncertain by, at
// the least.
package jitter

import (
	"context"
	"sync"
	"time"
)

// Meter measures until it is stopped.
type Meter struct {
	cancel context.CancelFunc
	done   chan struct{}

	mu   sync.Mutex
	late []time.Duration
}

// Start sets one timer after the other, each to fire after period, and notes how late each of them does.
func Start(ctx context.Context, period time.Duration) *Meter {
	ctx, cancel := context.WithCancel(ctx)
	m := &Meter{cancel: cancel, done: make(chan struct{})}
	go m.measure(ctx, period)
	return m
}

func (m *Meter) measure(ctx context.Context, period time.Duration) {
	defer close(m.done)
	timer := time.NewTimer(period)
	defer timer.Stop()
	for {
		due := time.Now().Add(period)
		timer.Reset(period)
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		late := time.Since(due)
		m.mu.Lock()
		m.late = append(m.late, late)
		m.mu.Unlock()
	}
}

// Stop ends the measuring and returns how late each timer was.
func (m *Meter) Stop() []time.Duration {
	m.cancel()
	<-m.done
	return m.late
}
