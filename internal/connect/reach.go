package connect

import (
	"context"
	"net"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/secureshell"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// machine that is logged in to. Its connection is shared by all that this connector builds.
func (c *Connector) machine(s service.SSH) *secureshell.Machine {
	return c.connections.Machine(atHome(s))
}

// nodeDialer opens connections to the stats socket of an HAProxy: from this machine, or from the one that is logged in to.
func (c *Connector) nodeDialer(n service.HAProxyNode) haproxy.Dialer {
	network, address := "tcp", n.Address
	if n.Socket != "" {
		network, address = "unix", n.Socket
	}
	if n.SSH == nil {
		return func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, network, address) }
	}
	m := c.machine(*n.SSH)
	return func(ctx context.Context) (net.Conn, error) { return m.Dial(ctx, network, address) }
}
