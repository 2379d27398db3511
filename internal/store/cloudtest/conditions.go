package cloudtest

import (
	"errors"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/bucket"
)

// ServerWithoutConditionsIsRefused has a store behind a proxy, opened by open under the name url, meet a server that takes a second
// creation: two runs would believe to have the lock.
func ServerWithoutConditionsIsRefused(t *testing.T, open func() store.Store, url string, p *Proxy) {
	t.Helper()
	const key = "production/web/ledger/00000001.json"
	p.IgnoreConditions.Store(true)
	s := open()
	err := s.Create(t.Context(), key, nil)
	if !errors.Is(err, bucket.ErrNotExclusive) || !strings.Contains(err.Error(), url) {
		t.Errorf("%v, want ErrNotExclusive with the store's name", err)
	}
	if keys, err := s.List(t.Context(), ""); err != nil || len(keys) > 0 {
		t.Errorf("it wrote %q, %v", keys, err)
	}
	p.IgnoreConditions.Store(false)
	if err := open().Create(t.Context(), key, nil); err != nil {
		t.Errorf("with conditions: %v", err)
	}
}
