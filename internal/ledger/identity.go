package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// identityKey is the object that names a store for good: a service's state remembers it, so that an empty or another
// store is told from "everything was deleted".
const identityKey = "store.json"

// Identify reads a store's identity; found is false where the store has none yet.
func Identify(ctx context.Context, s store.Store) (id string, found bool, err error) {
	object, err := s.Get(ctx, identityKey)
	if errors.Is(err, store.ErrNotFound) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("read the identity of the store %s: %w", s.URL(), err)
	}
	var identity struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(object.Data, &identity); err != nil || identity.ID == "" {
		return "", false, &DamagedError{Location: store.Location(s, identityKey), Err: errors.Join(err, errors.New("it holds no identity"))}
	}
	return identity.ID, true, nil
}

// Establish gives a store an identity, if it has none, and returns the one that it has.
func Establish(ctx context.Context, s store.Store) (string, error) {
	if id, found, err := Identify(ctx, s); found || err != nil {
		return id, err
	}
	data, err := json.Marshal(struct {
		ID string `json:"id"`
	}{uuid.NewString()})
	if err != nil {
		return "", fmt.Errorf("encode the identity of the store: %w", err)
	}
	if err := s.Create(ctx, identityKey, data); err != nil && !errors.Is(err, store.ErrExists) {
		return "", fmt.Errorf("write to the store %s: %w", s.URL(), err)
	}
	id, _, err := Identify(ctx, s)
	return id, err
}
