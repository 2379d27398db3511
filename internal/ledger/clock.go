package ledger

import "time"

// StoreTime moves a moment of this process to the store's clock.
type StoreTime struct {
	store time.Time
	here  time.Time
}

// NewStoreTime notes that the store's clock shows store right now.
func NewStoreTime(store time.Time) StoreTime { return StoreTime{store: store, here: time.Now()} }

// Now is the store's clock, carried on by this process's monotonic one.
func (t StoreTime) Now() time.Time { return t.store.Add(time.Since(t.here)).UTC() }
