package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// work is a service in the hands of the run that holds its lease: what stages, restores and recoveries share.
type work struct {
	procedure *Procedure
	lease     *ledger.Lease
	adapters  Adapters
	warnings  []Warning
	silence   silence
	// clock is that of the stage's body, or of the rollback, that runs or ran last; nil before.
	clock *stageClock
	// untidied is what could not be put in order before a rollback, and did not keep it back; empty: nothing.
	untidied string
	// began: the execution of an attempt, by this work.
	began beginning
}

// beginning is the number of an attempt, and of the last change of the world before its execution began.
type beginning struct{ attempt, change int }

// begin takes the turn and the lease of a service that is there, and connects to the world. The caller ends with the
// returned function. For a service that the ledger does not know it writes nothing.
func (p *Procedure) begin(ctx context.Context) (*work, func(), error) {
	return p.take(ctx, admission{known: true})
}

// take is begin with another admission.
func (p *Procedure) take(ctx context.Context, a admission) (*work, func(), error) {
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, fmt.Errorf("wait for the stage before on %s: %w", p.id, ctx.Err())
	}
	end := func() { <-p.turn }
	w, err := p.hold(ctx, a)
	if err != nil {
		end()
		return nil, nil, err
	}
	return w, end, nil
}

// notFound refuses work on a service that is not there.
func (p *Procedure) notFound() *Error {
	return refuse("Service Not Found", fmt.Sprintf("The ledger at %s knows no service %s", p.ledger.Location(), p.id),
		"Correct the id or the store; in a configuration refer to deploy_service.<name>.id, so that the service is made first.")
}

func (p *Procedure) hold(ctx context.Context, a admission) (*work, error) {
	if p.lease != nil && !p.lease.Valid() {
		return nil, refuse("Lease Lost", fmt.Sprintf("This run lost the lease on %s: it could not renew it in time, or was suspended", p.id),
			"Run plan and apply again.")
	}
	p.viewed.change()
	if p.lease == nil {
		if err := p.admit(ctx, a); err != nil {
			return nil, err
		}
		lease, err := p.ledger.Acquire(ctx, p.run.id, p.run.holder, p.run.terms)
		if err != nil {
			return nil, acquireError(p.id, err)
		}
		p.lease = lease
		if state := lease.State(); !a.anywhere {
			if err := p.inReach(ctx, &state); err != nil {
				return nil, errors.Join(err, p.yield(ctx))
			}
		}
	}
	// What the last append of the stage before came to has to be known before anything is decided.
	if err := p.lease.Settle(ctx); err != nil {
		return nil, fmt.Errorf("read the ledger of %s: %w", p.id, err)
	}
	w := &work{procedure: p, lease: p.lease}
	if err := w.payOwed(ctx); err != nil {
		return nil, err
	}
	if err := w.connect(); err != nil {
		return nil, err
	}
	return w, nil
}

// payOwed records a failure that the store did not take when traffic was moved to stable for it. Without it the ledger might say that the
// stage passed, by an append whose answer was lost, and the world would differ from it for no reason that anybody knows; or that it was
// interrupted, and what spoke against the release would be forgotten.
func (w *work) payOwed(ctx context.Context) error {
	owed := w.procedure.owed
	if owed == nil {
		return nil
	}
	if a := w.state().OpenAttempt(); a != nil && a.Number == owed.Attempt && a.Mode != service.ModeRollback && !a.Restoring {
		if err := w.append(ctx, *owed); err != nil {
			return fmt.Errorf("record the failure of attempt %d of %s: %w", owed.Attempt, w.procedure.id, err)
		}
	}
	w.procedure.owed = nil
	return nil
}

// connect builds the adapters of the service's present definition; a service that is not defined yet has none.
func (w *work) connect() error {
	definition := w.state().Definition
	if definition == nil {
		return nil
	}
	adapters, err := w.procedure.run.connector.Adapters(*definition)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", w.procedure.id, err)
	}
	w.adapters = adapters
	return nil
}

// close sends what is due and gives the lease back, waiting for a stage under way.
func (p *Procedure) close(ctx context.Context, orphaned bool) error {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return fmt.Errorf("close the run on %s: %w", p.id, ctx.Err())
	}
	if p.lease == nil {
		return nil
	}
	if w, err := p.hold(ctx, admission{}); err == nil {
		telling, cancel := reserving(ctx)
		w.deliverDue(telling)
		cancel()
	}
	lease := p.lease
	p.lease = nil
	return lease.Release(ctx, orphaned)
}

// releaseReserve is the part of a run's last moments that belongs to giving the lease back.
const releaseReserve = 500 * time.Millisecond

// reserving ends before ctx does, by the time that giving the lease back takes.
func reserving(ctx context.Context) (context.Context, context.CancelFunc) {
	if deadline, ends := ctx.Deadline(); ends {
		return context.WithDeadline(ctx, deadline.Add(-releaseReserve))
	}
	return context.WithCancel(ctx)
}

func (w *work) state() *ledger.State {
	s := w.lease.State()
	return &s
}

func (w *work) append(ctx context.Context, e ledger.Event) error { return w.lease.Append(ctx, e) }

// attempt finds the attempt in the present state. It panics for one that this run has just opened and the ledger does
// not know: that cannot be.
func (w *work) attempt(number int) *ledger.Attempt {
	if a := w.state().Attempt(number); a != nil {
		return a
	}
	panic(fmt.Sprintf("delivery: attempt %d of %s is not in the ledger", number, w.procedure.id))
}

func (w *work) warn(summary, detail string) {
	w.warnings = append(w.warnings, Warning{Summary: summary, Detail: detail})
}

// rescue is the context of what is brought to its end whatever became of the caller. It ends when the lease is lost: from then on
// the world is another's.
func (w *work) rescue(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	return w.whileHeld(ctx, cancel)
}

// whileHeld also ends ctx when the lease is lost. end is called with the returned function.
func (w *work) whileHeld(ctx context.Context, end context.CancelFunc) (context.Context, context.CancelFunc) {
	held, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		select {
		case <-w.lease.Lost():
			cancel(ledger.ErrLost)
		case <-done:
		}
	}()
	return held, sync.OnceFunc(func() { close(done); cancel(nil); end() })
}

// report tells those who watch what is done right now.
func (w *work) report(attempt int, stage service.Stage, weight int, until time.Time, format string, args ...any) {
	w.lease.Report(ledger.Progress{
		Attempt: attempt, Stage: string(stage), Weight: weight, Until: until, Text: fmt.Sprintf(format, args...),
	})
}

// stable is the record to go back to: what the attempt's checkpoint says, else what the ledger says. Where it runs may have changed since
// then, with the hosts of the service.
func (w *work) stable(a *ledger.Attempt) *service.Release {
	stable := w.state().StableRelease()
	if a != nil && a.Checkpoint != nil && a.Checkpoint.Stable != nil && (stable == nil || stable.ID != a.Checkpoint.Stable.ID) {
		stable = a.Checkpoint.Stable
	}
	if stable == nil {
		return nil
	}
	here, _ := w.hosted(*stable)
	return &here
}

// otherSlot is the slot that a new release goes to: not stable's where there are two.
func (w *work) otherSlot() string {
	slots := w.adapters.Platform.Slots()
	stable := w.state().StableRelease()
	if i := slices.IndexFunc(slots, func(s string) bool { return stable == nil || s != stable.Placement.Slot }); i >= 0 {
		return slots[i]
	}
	return slots[0]
}

// interrupts tells whether a new release has to take the old one's only slot.
func (w *work) interrupts() bool { return len(w.adapters.Platform.Slots()) == 1 }

// alone gives all weight to one slot.
func alone(slot string) map[string]int { return map[string]int{slot: 100} }

// now is the store's clock.
func (w *work) now() time.Time { return w.lease.Now() }
