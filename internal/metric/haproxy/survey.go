package haproxy

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Survey tells what of m the nodes count of p's instances. A node that cannot be asked is an error.
func (h *HAProxy) Survey(ctx context.Context, p service.Placement, m delivery.Measure) (delivery.MetricsSurvey, error) {
	all, err := h.read(ctx)
	if err != nil {
		return delivery.MetricsSurvey{}, fmt.Errorf("look at the metrics of %s: %w", p.Release, err)
	}
	var survey delivery.MetricsSurvey
	if m.Threshold > 0 {
		survey.Unknown = append(survey.Unknown, noLatency)
	}
	survey.Unknown = append(survey.Unknown, h.withoutServer(all, p)...)
	gauge := false
	servers := newTally(m.Series)
	for _, s := range all {
		if !h.of(s, p) {
			continue
		}
		if text := h.noHTTP(s); m.Requests && !s.counted.http() && !slices.Contains(survey.Unknown, text) {
			survey.Unknown = append(survey.Unknown, text)
		}
		servers.add(s.counted, s.counted, true)
	}
	_, missing := servers.result()
	for _, rule := range slices.Sorted(maps.Keys(m.Series)) {
		gauge = gauge || m.Series[rule].Gauge
		if err := missing[rule]; err != nil {
			survey.Unknown = append(survey.Unknown, fmt.Sprintf("%s: %s", rule, err))
		}
	}
	if gauge {
		survey.Notes = append(survey.Notes, fmt.Sprintf("the times of HAProxy are means of the last %d requests of a server, at first also of what was in the slot before", kept))
	}
	return survey, nil
}

// withoutServer has a sentence on each node that has no server of an instance, or on the backend where none has one of any.
func (h *HAProxy) withoutServer(all []seen, p service.Placement) []string {
	if !slices.ContainsFunc(all, func(s seen) bool { return h.of(s, p) }) {
		return []string{h.noServer(all, p.Instances)}
	}
	var missing []string
	for _, node := range h.nodes {
		for _, i := range p.Instances {
			if !slices.ContainsFunc(all, func(s seen) bool { return s.node == node.Name && h.match(s.server, i) }) {
				missing = append(missing, fmt.Sprintf("node %s has no server for %s (%s) in the backend %s", node.Name, i.Name, i.Address, h.backend))
			}
		}
	}
	return missing
}
