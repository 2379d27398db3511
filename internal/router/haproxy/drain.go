package haproxy

import (
	"context"
	"errors"
	"slices"
	"sync"

	api "github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/draining"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Drain waits until no request is in flight to the servers of p's instances on any node, or queued for them. What is still in flight after
// the drain timeout is an error that says how much. Other servers of the slot may go on. A node that cannot be reached is an error, since
// nothing is known then. What a process from before a reload still serves is not seen.
func (r *Router) Drain(ctx context.Context, p service.Placement) error {
	if len(p.Instances) == 0 {
		return nil
	}
	return draining.Wait(ctx, p.Slot, r.drainTimeout, func(ctx context.Context) (int, error) { return r.inFlight(ctx, p) })
}

// inFlight counts the requests that the servers of p's instances have, or wait for, on all nodes.
func (r *Router) inFlight(ctx context.Context, p service.Placement) (int, error) {
	total := 0
	var mutex sync.Mutex
	errs := r.each(func(n *node) error {
		servers, stats, err := r.observe(ctx, n, n.client.Query)
		if err != nil {
			return err
		}
		mutex.Lock()
		defer mutex.Unlock()
		for _, s := range stats {
			if server, found := find(servers, s.Name); !found || !r.drains(server, p) {
				continue
			}
			for _, field := range []string{"scur", "qcur"} {
				count, _ := s.Number(field) // every server has both
				total += int(count)
			}
		}
		return nil
	})
	return total, errors.Join(errs...)
}

// drains tells whether a server of ours has requests of p's instances. One that was added keeps those of its instance when it is given
// another address.
func (r *Router) drains(s api.Server, p service.Placement) bool {
	if r.slotOf(s.Name) != p.Slot {
		return false
	}
	return isOf(s, p) || r.dynamic != nil && slices.ContainsFunc(p.Instances, func(i service.Instance) bool { return r.dynamic.name(p.Slot, i.Name) == s.Name })
}
