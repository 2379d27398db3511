package provider

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
)

// Lifetime holds the runs of a process, so that whoever ends the process can end them first. The zero value is ready; nil
// holds nothing. Safe for concurrent use.
type Lifetime struct {
	mu        sync.Mutex
	runs      []*delivery.Run
	cancelled bool
}

func (l *Lifetime) register(run *delivery.Run) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.runs = append(l.runs, run)
	if l.cancelled {
		run.Cancel()
	}
}

func (l *Lifetime) all() []*delivery.Run {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.runs)
}

// Cancel ends what is under way as an interrupt does: every stage is restored. Runs that begin later are cancelled, too.
func (l *Lifetime) Cancel() {
	l.mu.Lock()
	l.cancelled = true
	l.mu.Unlock()
	for _, run := range l.all() {
		run.Cancel()
	}
}

// Busy tells whether a stage is under way.
func (l *Lifetime) Busy() bool {
	return slices.ContainsFunc(l.all(), (*delivery.Run).Busy)
}

// Close waits for the stages under way, gives all leases back and ends the connections to machines. orphaned: nobody got the last answers.
func (l *Lifetime) Close(ctx context.Context, orphaned bool) error {
	var group sync.WaitGroup
	runs := l.all()
	failures := make([]error, len(runs))
	for i, run := range runs {
		group.Go(func() {
			// What is still under way when the time is over keeps its connections: the end of the process ends them.
			if failures[i] = run.Close(ctx, orphaned); failures[i] == nil {
				failures[i] = disconnect(run.Connector())
			}
		})
	}
	group.Wait()
	return errors.Join(failures...)
}

// disconnect ends a connector's connections, where it has any.
func disconnect(c delivery.Connector) error {
	if closer, has := c.(io.Closer); has {
		return closer.Close()
	}
	return nil
}
