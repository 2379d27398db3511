package connect

import (
	"maps"
	"slices"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/prometheus"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/scrape"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/notify"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/machines"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/caddy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/secureshell"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// ContentProblems lists what of a content instances of a service cannot be given by its platform; paths are relative to the content. Secrets,
// whose values are not known to a plan, are looked at before a release begins.
func ContentProblems(d service.Definition, c service.Content) []service.Problem {
	switch h := d.Platform.Host; {
	case h == nil:
		return nil
	case ownProcesses(*h):
		return host.ContentProblems(c, c.Config)
	default:
		return machines.ContentProblems(*h, c, c.Config)
	}
}

// Validate lists what is wrong with a definition, each with the path of the attribute in deploy_service.
func Validate(d service.Definition) []service.Problem {
	var problems []service.Problem
	below := func(found []service.Problem, path ...string) {
		for _, p := range found {
			problems = append(problems, service.Problem{Path: append(append([]string(nil), path...), p.Path...), Detail: p.Detail})
		}
	}
	var slots []string
	if h := d.Platform.Host; h != nil {
		if ownProcesses(*h) {
			below(host.Validate(*h), "platform", "host")
		} else {
			below(machines.Validate(*h), "platform", "host")
		}
		for _, name := range slices.Sorted(maps.Keys(h.Hosts)) {
			below(secureshell.Validate(atHome(h.Hosts[name].SSH)), "platform", "host", "hosts", name, "ssh")
		}
		if len(problems) == 0 { // an address that is none is told of as such
			below(unadded(d.Router, *h), "platform", "host")
		}
		for slot := range h.Slots {
			slots = append(slots, slot)
		}
	}
	if d.Router != nil && d.Router.Caddy != nil {
		below(caddy.Validate(*d.Router.Caddy, slots), "router", "caddy")
	}
	if d.Router != nil && d.Router.HAProxy != nil {
		below(haproxy.Validate(*d.Router.HAProxy, slots), "router", "haproxy")
		for _, name := range slices.Sorted(maps.Keys(d.Router.HAProxy.Nodes)) {
			if ssh := d.Router.HAProxy.Nodes[name].SSH; ssh != nil {
				below(secureshell.Validate(atHome(*ssh)), "router", "haproxy", "nodes", name, "ssh")
			}
		}
	}
	if d.Metrics != nil && d.Metrics.Scrape != nil {
		below(scrape.Validate(*d.Metrics.Scrape), "metrics", "scrape")
	}
	if d.Metrics != nil && d.Metrics.Prometheus != nil {
		below(prometheus.Validate(*d.Metrics.Prometheus), "metrics", "prometheus")
	}
	for name, n := range d.Notify {
		below(notify.Validate(n), "notify", name)
	}
	return problems
}
