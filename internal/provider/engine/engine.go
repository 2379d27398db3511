// Package engine is what one provider process shares between its resources: the run, the store, the credentials, and
// what was planned so far.
package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Engine gives resources access to the procedure. Safe for concurrent use. A nil Engine is that of a provider that was
// not configured (validation, functions).
type Engine struct {
	run         *delivery.Run
	credentials delivery.Credentials
	budget      time.Duration

	mu      sync.Mutex
	storeID string
	changed bool
	stages  map[service.ID]map[service.Stage]*declared
	defined map[service.ID]*declared
	// over are the services whose stages were found to take more than the budget.
	over map[service.ID]bool
	// definitions as this plan makes them.
	definitions map[service.ID]service.Definition
}

// New makes the engine of a process. run is nil while the store is not known; credentials are nil while they are not.
// budget bounds the sum of a service's stages' worst cases, 0: unbounded.
func New(run *delivery.Run, credentials delivery.Credentials, budget time.Duration) *Engine {
	return &Engine{
		run: run, credentials: credentials, budget: budget,
		stages: map[service.ID]map[service.Stage]*declared{}, defined: map[service.ID]*declared{},
		definitions: map[service.ID]service.Definition{}, over: map[service.ID]bool{},
	}
}

// FromProviderData is the engine that a provider's Configure handed on; nil before that.
func FromProviderData(data any, diags *diag.Diagnostics) *Engine {
	if data == nil {
		return nil
	}
	e, ok := data.(*Engine)
	if !ok {
		diags.AddError("Provider Defect", fmt.Sprintf("The provider handed on %T where an engine was expected. Please report it.", data))
	}
	return e
}

// Known tells whether there is a store to ask yet.
func (e *Engine) Known() bool { return e != nil && e.run != nil }

// Credentials that names are resolved with; nil while they are not known.
func (e *Engine) Credentials() delivery.Credentials {
	if e == nil {
		return nil
	}
	return e.credentials
}

// Run is the process's run, for reading.
func (e *Engine) Run() (*delivery.Run, error) {
	if !e.Known() {
		return nil, errors.New("the provider's store is not known yet: give it a value that does not hang on what this apply creates")
	}
	return e.run, nil
}

// ForChange is the process's run, for changing something: from now on this process is known to apply.
func (e *Engine) ForChange() (*delivery.Run, error) {
	run, err := e.Run()
	if err == nil {
		e.mu.Lock()
		e.changed = true
		e.mu.Unlock()
	}
	return run, err
}

// RunID names the run; empty while there is none.
func (e *Engine) RunID() string {
	if !e.Known() {
		return ""
	}
	return e.run.ID()
}

// StoreID is the identity of the store; empty where it has none yet.
func (e *Engine) StoreID(ctx context.Context) (string, error) {
	run, err := e.Run()
	if err != nil {
		return "", err
	}
	e.mu.Lock()
	known := e.storeID
	e.mu.Unlock()
	if known != "" {
		return known, nil
	}
	id, found, err := ledger.Identify(ctx, run.Store())
	if err != nil || !found {
		return "", err
	}
	e.keepStoreID(id)
	return id, nil
}

// EstablishStore gives the store an identity if it has none. It is the first thing that an apply writes.
func (e *Engine) EstablishStore(ctx context.Context) (string, error) {
	run, err := e.ForChange()
	if err != nil {
		return "", err
	}
	id, err := ledger.Establish(ctx, run.Store())
	if err != nil {
		return "", err
	}
	e.keepStoreID(id)
	return id, nil
}

func (e *Engine) keepStoreID(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.storeID = id
}

// SameStore refuses to go on where the store is another than the one that an object's state was made with: an empty or
// another store is never "everything was deleted". state is the ledger's, as the store has it. A ledger that was adopted in the
// place of the lost one is the one that the state was made with.
func (e *Engine) SameStore(ctx context.Context, id service.ID, remembered string, state *ledger.State) error {
	if remembered == "" || state.AdoptedFrom == remembered {
		return nil
	}
	run, err := e.Run()
	if err != nil {
		return err
	}
	found, err := e.StoreID(ctx)
	if err != nil {
		return err
	}
	next := "Correct the provider's store, or put the store back from a backup. Nothing was read into the state.\n\n" +
		"Where it is truly lost, `terraform-provider-deploy adopt " + string(id) + "` begins a new ledger from what runs."
	location := run.Store().URL()
	switch {
	case found == "":
		return &delivery.Error{Summary: "Ledger Lost", What: fmt.Sprintf("The store %s is empty, and the state of %s was made with store %s", location, id, remembered), Next: next}
	case found != remembered:
		return &delivery.Error{Summary: "Store Changed", What: fmt.Sprintf("The store %s is store %s, and the state of %s was made with store %s", location, found, id, remembered), Next: next}
	case state.Number == 0:
		return &delivery.Error{Summary: "Ledger Lost", What: fmt.Sprintf("The store %s holds no ledger of %s any more, and the state was made with it", location, id), Next: next}
	}
	return nil
}
