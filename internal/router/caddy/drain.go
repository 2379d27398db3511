package caddy

import (
	"context"
	"fmt"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const (
	drainInterval = 25 * time.Millisecond
	// quietLooks in a row must find nothing in flight: a request that read the former share a moment ago is not yet
	// counted among its upstream's.
	quietLooks = 4
)

// Drain waits until no request is in flight to p's addresses, or the drain timeout is over, which is no error: what is
// then still in flight is cut off. An admin API that cannot be reached is an error, since nothing is known then.
func (r *Router) Drain(ctx context.Context, p service.Placement) error {
	addresses := addressesOf(p)
	if len(addresses) == 0 {
		return nil
	}
	timeout := time.NewTimer(r.drainTimeout)
	defer timeout.Stop()
	ticker := time.NewTicker(drainInterval)
	defer ticker.Stop()
	for quiet := 0; ; {
		requests, err := r.admin.inFlight(ctx, addresses)
		if err != nil {
			return fmt.Errorf("wait for the requests in flight to slot %s: %w", p.Slot, err)
		}
		if quiet++; requests > 0 {
			quiet = 0
		}
		if quiet == quietLooks {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %d requests in flight to slot %s: %w", requests, p.Slot, ctx.Err())
		case <-timeout.C:
			return nil
		case <-ticker.C:
		}
	}
}
