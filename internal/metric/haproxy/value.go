package haproxy

import (
	"context"
	"fmt"
	"slices"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Value adds up a counter over the servers that lead to p's instances, since each node's process started, and tells how many servers have
// it: a counter of ParseSeries, or requests or errors as they are judged by. A gauge is not added up: it is the mean, by requests. There
// are no labels, so that with any nothing is found.
func (h *HAProxy) Value(ctx context.Context, p service.Placement, name string, labels map[string]string) (float64, int, error) {
	if !slices.Contains(append(names(), "requests", "errors"), name) || len(labels) > 0 {
		return 0, 0, nil // whatever the nodes say
	}
	all, err := h.read(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("read the series %s of %s: %w", name, p.Release, err)
	}
	var sum, weights float64
	found := 0
	_, gauge := gaugeFields[name]
	for _, s := range all {
		value, weight, there := s.counted.value(name)
		if !there || !h.of(s, p) {
			continue
		}
		found++
		sum += value * weight
		weights += weight
	}
	if gauge && weights > 0 {
		sum /= weights
	}
	return sum, found, nil
}

// value of a series, with its weight in a mean.
func (c counters) value(name string) (value, weight float64, there bool) {
	if field, gauge := gaugeFields[name]; gauge {
		return c.mean(field)
	}
	switch name {
	case "requests":
		return c.since(nil).Requests, 1, c.http()
	case "errors":
		return c.since(nil).Errors, 1, c.http()
	}
	value, there = c[counterFields[name]]
	return value, 1, there
}
