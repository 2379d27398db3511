// Package delivery is the procedure: a file a step (prepare, checkpoint, execute, smoketest, shift, verify, finalize),
// restore, rollback and recovery beside them, over the ports in ports.go. It knows neither Terraform nor any platform.
package delivery

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// Run is everything that one process does in one go, on any number of services: an apply, or an operator's command.
// It keeps the lease of each service from the first change to Close. Safe for concurrent use.
type Run struct {
	id        string
	holder    ledger.Holder
	store     store.Store
	connector Connector
	terms     ledger.Terms
	// restoring bounds a restore.
	restoring time.Duration

	cancelled context.Context
	cancel    context.CancelFunc

	mu         sync.Mutex
	procedures map[service.ID]*Procedure
}

// NewRun begins a run. holder says for other people who it is.
func NewRun(s store.Store, c Connector, holder ledger.Holder, terms ledger.Terms) *Run {
	cancelled, cancel := context.WithCancel(context.Background())
	return &Run{
		id: uuid.NewString(), holder: holder, store: s, connector: c, terms: terms, restoring: restoreTimeout,
		cancelled: cancelled, cancel: cancel, procedures: map[service.ID]*Procedure{},
	}
}

// ID names the run in the ledger.
func (r *Run) ID() string { return r.id }

// Store is where the run's ledgers lie.
func (r *Run) Store() store.Store { return r.store }

// Connector builds the world of services.
func (r *Run) Connector() Connector { return r.connector }

// Service is the procedure of one service in this run. It reads and takes nothing yet.
func (r *Run) Service(id service.ID) *Procedure {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, found := r.procedures[id]
	if !found {
		p = &Procedure{run: r, id: id, ledger: ledger.Open(r.store, id), turn: make(chan struct{}, 1)}
		r.procedures[id] = p
	}
	return p
}

// Cancel ends what the run is doing as an interrupt does: every stage under way is restored.
func (r *Run) Cancel() { r.cancel() }

// Busy tells whether a stage is under way.
func (r *Run) Busy() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.procedures {
		if len(p.turn) > 0 {
			return true
		}
	}
	return false
}

// Close waits for the stages under way, sends what is due to be told, and gives all leases back.
// orphaned: nobody got the last answers.
func (r *Run) Close(ctx context.Context, orphaned bool) error {
	r.mu.Lock()
	procedures := make([]*Procedure, 0, len(r.procedures))
	for _, p := range r.procedures {
		procedures = append(procedures, p)
	}
	r.mu.Unlock()
	var group sync.WaitGroup
	failures := make([]error, len(procedures))
	for i, p := range procedures {
		group.Go(func() { failures[i] = p.close(ctx, orphaned) })
	}
	group.Wait()
	return errors.Join(failures...)
}

// Procedure is the seven steps of one service in one run. Its stages take turns.
type Procedure struct {
	run    *Run
	id     service.ID
	ledger *ledger.Ledger
	// turn holds a token while a stage is under way.
	turn chan struct{}
	// telling holds a token for each channel that is being told something.
	telling tokens
	// lease and adapters are set by the first change; guarded by turn.
	lease *ledger.Lease
	// owed is a failure that could not be recorded yet; guarded by turn, like lease.
	owed *ledger.Event
	// viewed is what plans were told.
	viewed viewed
}

// Ledger of the service.
func (p *Procedure) Ledger() *ledger.Ledger { return p.ledger }

// Read what the ledger says now, without a lease.
func (p *Procedure) Read(ctx context.Context) (ledger.View, error) { return p.ledger.Read(ctx) }

// Refreshed is the world of a service as it was looked at for a refresh.
type Refreshed struct {
	ledger.View
	// Snapshot of the standing release's instances and the weights; empty where the world could not be looked at, then
	// Unreachable says why.
	Snapshot service.Snapshot
	// Gone are instances of the stable release that do not run it, while another release is introduced beside it.
	Gone        []service.InstanceState
	Unreachable error
}
