package connect

import (
	"fmt"
	"maps"
	"slices"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// unadded lists the addresses of a platform that HAProxy could add no servers at, where its servers are dynamic; paths are relative to
// platform.host. What is not known yet is passed over.
func unadded(r *service.Router, h service.HostPlatform) []service.Problem {
	if r == nil || r.HAProxy == nil || r.HAProxy.Dynamic == nil {
		return nil
	}
	var problems []service.Problem
	look := func(address string, path ...string) {
		if _, err := haproxy.ServerIP(address); err != nil && address != "" {
			problems = append(problems, service.Problem{Path: path, Detail: fmt.Sprintf("%s. Write the IP address as address, or name servers of haproxy.cfg in place of dynamic", err)})
		}
	}
	if len(h.Hosts) == 0 {
		look(h.Address, "address")
	}
	for _, name := range slices.Sorted(maps.Keys(h.Hosts)) {
		attribute := []string{"address"}
		if host := h.Hosts[name]; host.Address == host.SSH.Address {
			attribute = []string{"ssh", "address"} // which is the default of the other
		}
		look(h.Hosts[name].Address, append([]string{"hosts", name}, attribute...)...)
	}
	return problems
}
