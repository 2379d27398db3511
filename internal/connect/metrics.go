package connect

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/combined"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/prometheus"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/scrape"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// metrics of a definition, nil for none. Of several the expositions count requests, and a server answers for the business.
func (c *Connector) metrics(d *service.Metrics, platform delivery.Platform) (delivery.Metrics, error) {
	switch {
	case d == nil || d.Scrape == nil && d.Prometheus == nil:
		return nil, nil
	case d.Prometheus == nil:
		return scrape.New(*d.Scrape, platform.Dial), nil
	}
	server, err := prometheus.New(*d.Prometheus, c.Credentials())
	switch {
	case err != nil:
		return nil, fmt.Errorf("prometheus: %w", err)
	case d.Scrape == nil:
		return server, nil
	}
	expositions := scrape.New(*d.Scrape, platform.Dial)
	return combined.New(expositions, expositions, server), nil
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
			err = errors.New("there is nothing to ask for it: the counters of HAProxy hold no business series; add scrape or prometheus to the metrics of the service")
		}
		if err != nil {
			problems = append(problems, service.Problem{Path: []string{rule, "query"}, Detail: err.Error()})
		}
	}
	return problems
}
