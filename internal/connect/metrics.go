package connect

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	api "github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/combined"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/prometheus"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/scrape"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// metrics of a definition, nil for none. Of several each is asked for what it knows best: requests and errors are those of the router,
// which every user meets, else of the expositions; latency is that of the expositions, and business series are a server's.
func (c *Connector) metrics(d service.Definition, platform delivery.Platform) (delivery.Metrics, error) {
	if d.Metrics == nil {
		return nil, nil
	}
	var router, expositions, server delivery.Metrics
	var err error
	if d.Metrics.HAProxy != nil {
		if router, err = c.routerCounters(d); err != nil {
			return nil, fmt.Errorf("haproxy: %w", err)
		}
	}
	if d.Metrics.Scrape != nil {
		expositions = scrape.New(*d.Metrics.Scrape, platform.Dial)
	}
	if d.Metrics.Prometheus != nil {
		if server, err = prometheus.New(*d.Metrics.Prometheus, c.Credentials()); err != nil {
			return nil, fmt.Errorf("prometheus: %w", err)
		}
	}
	requests, latency, business := first(router, expositions, server), first(expositions, server, router), first(server, expositions, router)
	if requests == latency && latency == business {
		return requests, nil
	}
	return combined.New(requests, latency, business), nil
}

// routerCounters are those of the servers of the definition's HAProxy.
func (c *Connector) routerCounters(d service.Definition) (delivery.Metrics, error) {
	if d.Router == nil || d.Router.HAProxy == nil {
		return nil, errors.New("the service's router is no HAProxy: give deploy_service router.haproxy, or other metrics")
	}
	r := d.Router.HAProxy
	nodes := make([]haproxy.Node, 0, len(r.Nodes))
	for _, name := range slices.Sorted(maps.Keys(r.Nodes)) {
		nodes = append(nodes, haproxy.Node{Name: name, Client: api.New("node "+name, c.nodeDialer(r.Nodes[name]), r.Timeout.D())})
	}
	return haproxy.New(nodes, r.Backend, nil), nil
}

// first is the first source that there is, nil for none.
func first(sources ...delivery.Metrics) delivery.Metrics {
	for _, source := range sources {
		if source != nil {
			return source
		}
	}
	return nil
}

// ValidateSeries lists what is wrong with business series for the source of d that answers for them; paths begin with the name of a rule.
func ValidateSeries(d service.Metrics, series map[string]delivery.Series) []service.Problem {
	var problems []service.Problem
	for _, rule := range slices.Sorted(maps.Keys(series)) {
		var err error
		switch {
		case d.Prometheus != nil:
			err = prometheus.ParseSeries(series[rule])
		case d.Scrape != nil:
			err = scrape.ParseSeries(series[rule].Query)
		case d.HAProxy != nil:
			if err = haproxy.ParseSeries(series[rule]); err != nil {
				err = fmt.Errorf("%w; for numbers of the business add scrape or prometheus to the metrics of the service", err)
			}
		}
		if err != nil {
			problems = append(problems, service.Problem{Path: []string{rule, "query"}, Detail: err.Error()})
		}
	}
	return problems
}
