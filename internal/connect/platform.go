package connect

import (
	"fmt"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/machines"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// platform of a definition: processes of this machine, or units of systemd on it or on hosts.
func (c *Connector) platform(d service.Definition) (delivery.Platform, error) {
	h := d.Platform.Host
	switch {
	case h == nil:
		return nil, fmt.Errorf("the definition of %s has no platform that this version knows", d.ID)
	case ownProcesses(*h):
		return host.New(*h, d.ID, host.Options{SupervisorArgs: []string{SuperviseArgument}})
	}
	login := func(_ string, s service.SSH) machines.Machine { return c.machine(s) }
	return machines.New(*h, d.ID, login, machines.Local(), machines.Options{})
}

// ownProcesses tells whether instances are processes of this machine, below a supervisor of ours.
func ownProcesses(h service.HostPlatform) bool {
	return len(h.Hosts) == 0 && h.Supervisor != service.SupervisorSystemd
}
