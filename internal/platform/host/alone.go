package host

import (
	"context"
	"net"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Waves implements delivery.Platform: one machine is one wave.
func (h *Host) Waves(p service.Placement, _ bool) []service.Placement {
	return []service.Placement{p}
}

// Dial implements delivery.Platform: this machine's instances are reached by its own network.
func (h *Host) Dial(ctx context.Context, _ service.Instance, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", address)
}

// Existing implements delivery.Platform: processes are taken over from nobody.
func (h *Host) Existing(context.Context) ([]service.InstanceState, error) { return nil, nil }

// Unready implements delivery.Platform: the machine that asks is ready.
func (h *Host) Unready(context.Context) []service.Problem { return nil }
