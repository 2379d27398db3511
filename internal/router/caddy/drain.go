package caddy

import (
	"context"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/draining"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Drain waits until no request is in flight to p's addresses. What is still in flight after the drain timeout is an error that says how
// much. An admin API that cannot be reached is an error, since nothing is known then.
func (r *Router) Drain(ctx context.Context, p service.Placement) error {
	addresses := addressesOf(p)
	if len(addresses) == 0 {
		return nil
	}
	return draining.Wait(ctx, p.Slot, r.drainTimeout, func(ctx context.Context) (int, error) { return r.admin.inFlight(ctx, addresses) })
}
