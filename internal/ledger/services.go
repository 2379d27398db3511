package ledger

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// directory lists a store's services, an empty object each, so that finding them does not cost more as history grows. No
// environment can have this name.
const directory = "_services/"

// Enlist has Services find the service. It comes before the ledger's first event: one that is listed may have none.
func (l *Ledger) Enlist(ctx context.Context) error {
	if err := l.store.Put(ctx, directory+string(l.id), nil); err != nil {
		return fmt.Errorf("list %s among the store's services: %w", l.id, err)
	}
	return nil
}

// Services lists the services of a store that have a ledger or are about to, sorted.
func Services(ctx context.Context, s store.Store) ([]service.ID, error) {
	keys, err := s.List(ctx, directory)
	if err != nil {
		return nil, fmt.Errorf("list the services of the store %s: %w", s.URL(), err)
	}
	var services []service.ID
	for _, key := range keys {
		if id, err := service.ParseID(strings.TrimPrefix(key, directory)); err == nil {
			services = append(services, id)
		}
	}
	slices.Sort(services)
	return services, nil
}

// Past is the newest attempt that is wanted, as the ledger knew it last; nil where there is none. One that the state has
// forgotten costs a reading of the whole ledger.
func (l *Ledger) Past(ctx context.Context, wanted func(Attempt) bool) (*Attempt, error) {
	view, err := l.Read(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range slices.Backward(view.State.Attempts) {
		if wanted(a) {
			return &a, nil
		}
	}
	events, err := l.Events(ctx, 1)
	if err != nil {
		return nil, err
	}
	var found *Attempt
	var state State
	for _, e := range events {
		if state, err = Fold(state, e); err != nil {
			return nil, &DamagedError{Location: store.Location(l.store, l.eventKey(e.Number)), Err: err}
		}
		if a := state.Attempt(e.Attempt); a != nil && wanted(*a) {
			kept := *a
			found = &kept
		}
	}
	return found, nil
}
