package cloudtest

import (
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/storetest"
)

// LostAnswersCountOnce holds a store behind a proxy to storetest.LostAnswersCountOnce: the network loses the answers.
func LostAnswersCountOnce(t *testing.T, s store.Store, p *Proxy) {
	t.Helper()
	p.LoseAnswers.Store(true)
	t.Cleanup(func() { p.LoseAnswers.Store(false) })
	storetest.LostAnswersCountOnce(t, s, "production/lost", p.Lost.Load)
}
