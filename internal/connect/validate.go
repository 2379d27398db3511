package connect

import (
	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/prometheus"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/scrape"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/notify"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/caddy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

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
		// Those with hosts or systemd are validated by the platform that takes them.
		if len(h.Hosts) == 0 && h.Supervisor != service.SupervisorSystemd {
			below(host.Validate(*h), "platform", "host")
		}
		for slot := range h.Slots {
			slots = append(slots, slot)
		}
	}
	if d.Router != nil && d.Router.Caddy != nil {
		below(caddy.Validate(*d.Router.Caddy, slots), "router", "caddy")
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
