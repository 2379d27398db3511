package connect

import (
	"net"

	api "github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/secureshell"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// machine that is logged in to. Its connection is shared by all that this connector builds.
func (c *Connector) machine(s service.SSH) *secureshell.Machine {
	return c.connections.Machine(atHome(s))
}

// nodeDialer opens connections to the stats socket of an HAProxy: from this machine, or from the one that is logged in to.
func (c *Connector) nodeDialer(n service.HAProxyNode) api.Dialer {
	if n.SSH == nil {
		return haproxy.Dialer(n, new(net.Dialer).DialContext)
	}
	return haproxy.Dialer(n, c.machine(*n.SSH).Dial)
}
