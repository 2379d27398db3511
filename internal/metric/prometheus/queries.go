package prometheus

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// preset is the series of a program, found by a label and a regular expression.
type preset struct {
	requests, buckets string
	// label that Service is about, and by default; quoted: what stands around it.
	label, service, suffix string
	// addressed: the series are the instances' own, and known by their addresses.
	addressed bool
}

var presets = map[string]preset{
	// Instances that are Caddy servers; an upstream has no counter of its own. Each route that a request passes counts it, under the name
	// of its first handler. A site of a Caddyfile that has a host name is one route, subroute, and what is in it counts nothing (2.11).
	"caddy": {
		requests: "caddy_http_request_duration_seconds_count", buckets: "caddy_http_request_duration_seconds_bucket",
		label: "handler", service: "subroute", addressed: true,
	},
	// The exporter that is built into HAProxy. It has no histogram.
	"haproxy": {requests: "haproxy_server_http_responses_total", label: "server", service: "{{slot}}.*"},
	// A service is called web-blue@file there, with its provider.
	"traefik": {
		requests: "traefik_service_requests_total", buckets: "traefik_service_request_duration_seconds_bucket",
		label: "service", service: "{{slot}}", suffix: "(@.+)?",
	},
}

// usual are the instances' own series.
var usual = preset{requests: "http_requests_total", buckets: "http_request_duration_seconds_bucket", addressed: true}

// query is a template that is a selector of counters, or a count of an interval.
type query struct {
	template
	// selector: it is a selector and nothing else.
	selector bool
}

// queries are what is asked for; one that is empty is not to be had.
type queries struct {
	requests, errors, buckets query
	// scope is the matchers of the placement's series, for values.
	scope template
	// preset's name, for people.
	preset string
}

// newQueries of a definition, or what is wrong with it.
func newQueries(d service.PrometheusMetrics) (queries, error) {
	of := usual
	if d.Preset != "" {
		of = presets[d.Preset]
	}
	scope := scopeOf(d, of)
	q := queries{preset: d.Preset}
	var err error
	values := scope
	if of.addressed { // All that the instances have, whatever a preset counts of it.
		values = scopeOf(d, usual)
	}
	if q.scope, err = parse(values, ofPlacement...); err != nil {
		return q, err
	}
	own := service.PrometheusQueries{}
	if d.Queries != nil {
		own = *d.Queries
	}
	for _, c := range []struct {
		to             *query
		text, default_ string
	}{
		{&q.requests, own.Requests, of.requests}, {&q.buckets, own.DurationBuckets, of.buckets}, {&q.errors, own.Errors, ""},
	} {
		text := c.text
		if text == "" && c.default_ != "" {
			text = c.default_ + "{" + scope + "}"
		}
		if text == "" {
			continue
		}
		if *c.to, err = counting(text); err != nil {
			return q, err
		}
	}
	return q, nil
}

// scopeOf the placement's series: matchers of labels.
func scopeOf(d service.PrometheusMetrics, of preset) string {
	var matchers []string
	if selector := strings.Trim(d.Selector, " ,"); selector != "" {
		matchers = append(matchers, selector)
	}
	if of.label != "" {
		name := d.Service
		if name == "" {
			name = of.service
		}
		if of.suffix != "" {
			name = "(?:" + name + ")" + of.suffix
		}
		matchers = append(matchers, of.label+`=~"`+name+`"`)
	}
	t, err := parse(d.Selector, ofPlacement...)
	if of.addressed && (err != nil || !t.uses(ofPlacement...)) {
		matchers = append(matchers, `instance=~"{{instances}}"`)
	}
	return strings.Join(matchers, ",")
}

// counting reads a template of what is counted.
func counting(text string) (query, error) {
	t, err := parse(text, releasePlace, slotPlace, instancesPlace, intervalPlace)
	if err != nil {
		return query{}, err
	}
	if !t.uses(ofPlacement...) {
		return query{}, fmt.Errorf("it counts the same for all releases: tell them apart by {{%s}}, such as instance=~\"{{instances}}\"", strings.Join(ofPlacement, "}}, {{"))
	}
	_, selector := selectorName(t.with(valuesOf(service.Placement{}, time.Second)))
	if !selector && !t.uses(intervalPlace) {
		return query{}, errors.New("write a selector of counters, such as orders_total{instance=~\"{{instances}}\"}, whose increase is taken; " +
			"or a count of an interval, such as sum(increase(orders_total{instance=~\"{{instances}}\"}[{{interval}}])). A sum of counters falls whenever an instance starts anew")
	}
	return query{template: t, selector: selector}, nil
}

// gauge reads a template of a value.
func gauge(text string) (query, error) {
	t, err := parse(text, releasePlace, slotPlace, instancesPlace, intervalPlace)
	if err != nil {
		return query{}, err
	}
	if !t.uses(ofPlacement...) {
		return query{}, fmt.Errorf("it is the same for all releases: tell them apart by {{%s}}, such as instance=~\"{{instances}}\"", strings.Join(ofPlacement, "}}, {{"))
	}
	_, selector := selectorName(t.with(valuesOf(service.Placement{}, time.Second)))
	return query{template: t, selector: selector}, nil
}

// part of q with values.
func (q query) part(v values) part { return part{expression: q.with(v), selector: q.selector} }

// presetNames for people.
func presetNames() string { return strings.Join(slices.Sorted(maps.Keys(presets)), ", ") }
