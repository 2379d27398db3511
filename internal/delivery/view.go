package delivery

import (
	"context"
	"sync"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
)

// viewedFor is how long a process goes on with what it read of a ledger: about as long as a plan takes. Whoever changes
// something reads under the lease.
const viewedFor = 5 * time.Minute

// viewed is what a process read of a ledger for a plan, so that the stages of a service read it once, and agree.
type viewed struct {
	mu   sync.Mutex
	view ledger.View
	at   time.Time
	// changed: this process has taken the lease, and reads what it wrote.
	changed bool
}

func (v *viewed) change() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.changed = true
}

// View is what the ledger says, as this process read it first: for plans, which read a service's ledger for each of its
// stages. As soon as this process changes something of the service it is Read. Nothing in it may be written to.
func (p *Procedure) View(ctx context.Context) (ledger.View, error) {
	v := &p.viewed
	v.mu.Lock()
	defer v.mu.Unlock() // The stages of one service wait for one reading; others go on.
	if !v.changed && !v.at.IsZero() && time.Since(v.at) < viewedFor {
		return v.view, nil
	}
	view, err := p.ledger.Read(ctx)
	if err != nil {
		return view, err
	}
	v.view, v.at = view, time.Now()
	return view, nil
}
