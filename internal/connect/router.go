package connect

import (
	"fmt"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/caddy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// router of a definition between slots, nil for none.
func (c *Connector) router(d service.Definition, slots []string) (delivery.Router, error) {
	switch r := d.Router; {
	case r == nil:
		return nil, nil
	case r.Caddy != nil:
		router, err := caddy.New(*r.Caddy, slots)
		if err != nil {
			return nil, fmt.Errorf("router caddy: %w", err)
		}
		return router, nil
	case r.HAProxy != nil:
		router, err := haproxy.New(*r.HAProxy, d.ID, slots, func(node string) haproxy.Access { return c.access(r.HAProxy.Nodes[node]) })
		if err != nil {
			return nil, fmt.Errorf("router haproxy: %w", err)
		}
		return router, nil
	}
	return nil, fmt.Errorf("the definition of %s has no router that this version knows", d.ID)
}

// access to a node of HAProxy, and to the files of its machine.
func (c *Connector) access(n service.HAProxyNode) haproxy.Access {
	a := haproxy.Access{Dial: c.nodeDialer(n)}
	if n.SSH != nil {
		a.Files = haproxy.MachineFiles{Machine: c.machine(*n.SSH)}
	}
	return a
}
