package haproxy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// sampler counts between calls: each server of each node has a mark.
type sampler struct {
	haproxy   *HAProxy
	placement service.Placement
	measure   delivery.Measure
	// marks of all servers of the backend, also of those that lead elsewhere: a server may be given an address of the placement later.
	marks map[key]mark
	// marked: the first call has set the mark.
	marked bool
}

// mark is what a server had counted.
type mark struct {
	process process
	// base is what it had when its counting began, nil for nothing; last what it had at the previous call.
	base, last counters
	// told is what was returned of what it counted since base. What is in flight blurs it by a few, so it may be a little ahead.
	told analysis.Counts
}

// Sample returns what was counted since the previous call; the first one only sets the mark.
//
//   - A process that is another one (a reload, a restart), and a counter that fell (`clear counters all`, a server that was deleted and
//     added again) began at 0, and what is counted since is new. What the old process counted after the previous call is not known.
//   - A server that is new on a node began at 0 as well.
//   - A server that is gone keeps its mark, for when it comes back.
//
// An error leaves all marks where they were: what happens until the next call that succeeds is counted then. Any node that cannot be asked
// is one. No server that leads to an instance is analysis.ErrNoData, as is a threshold, since HAProxy knows no distribution of durations.
func (s *sampler) Sample(ctx context.Context) (delivery.Sample, error) {
	sample, marks, err := s.count(ctx)
	if err != nil {
		return delivery.Sample{}, fmt.Errorf("count the requests of %s: %w", s.placement.Release, err)
	}
	s.marks = marks
	if !s.marked {
		s.marked = true
		sample.Counts = analysis.Counts{}
	}
	return sample, nil
}

func (s *sampler) count(ctx context.Context) (delivery.Sample, map[key]mark, error) {
	all, err := s.haproxy.ours(ctx, s.placement, s.measure)
	if err != nil {
		return delivery.Sample{}, nil, err
	}
	var sample delivery.Sample
	marks := maps.Clone(s.marks)
	business := newTally(s.measure.Series)
	for _, server := range all {
		before, known := marks[server.key]
		switch {
		case !known && !s.marked:
			before = mark{base: server.counted, last: server.counted}
		case !known, before.process != server.process, server.counted.fell(before.last):
			before = mark{}
		}
		next := mark{process: server.process, base: before.base, last: server.counted, told: before.told}
		counted := server.counted.since(before.base)
		next.told = ahead(before.told, counted)
		marks[server.key] = next
		if !server.ours {
			continue
		}
		if s.measure.Requests {
			sample.Requests += next.told.Requests - before.told.Requests
			sample.Errors += next.told.Errors - before.told.Errors
		}
		business.add(server.counted, before.last, !s.marked)
	}
	sample.Series, sample.Missing = business.result()
	return sample, marks, nil
}

// ahead is what is told by now where counted is what there is by now: never less than before, and no more new errors than new requests. An
// answer that breaks off after it was counted as a request is an error of the next one.
func ahead(told, counted analysis.Counts) analysis.Counts {
	requests, errs := max(0, counted.Requests-told.Requests), max(0, counted.Errors-told.Errors)
	return analysis.Counts{Requests: told.Requests + requests, Errors: told.Errors + min(requests, errs)}
}

// Total returns what was counted since each node's process started, or its counters were cleared: of what leads to the instances now,
// whatever it led to before. It moves no mark.
func (s *sampler) Total(ctx context.Context) (analysis.Counts, error) {
	all, err := s.haproxy.ours(ctx, s.placement, delivery.Measure{Requests: true})
	if err != nil {
		return analysis.Counts{}, fmt.Errorf("add up the requests of %s: %w", s.placement.Release, err)
	}
	var total analysis.Counts
	for _, server := range all {
		if server.ours {
			total = total.Add(server.counted.since(nil))
		}
	}
	return total, nil
}

// owned is a server, and whether it is ours: whether it leads to an instance of the placement.
type owned struct {
	seen
	ours bool
}

// ours are all servers, at least one of which leads to an instance of p and can tell what m asks; else there is no data.
func (h *HAProxy) ours(ctx context.Context, p service.Placement, m delivery.Measure) ([]owned, error) {
	if m.Threshold > 0 {
		return nil, fmt.Errorf("%w: %s", analysis.ErrNoData, noLatency)
	}
	all, err := h.read(ctx)
	if err != nil {
		return nil, err
	}
	var servers []owned
	found := false
	for _, server := range all {
		is := h.of(server, p)
		if is && m.Requests && !server.counted.http() {
			return nil, fmt.Errorf("%w: %s", analysis.ErrNoData, h.noHTTP(server))
		}
		servers, found = append(servers, owned{server, is}), found || is
	}
	if !found {
		return nil, fmt.Errorf("%w: %s", analysis.ErrNoData, h.noServer(all, p.Instances))
	}
	return servers, nil
}

// noLatency is why a threshold has no answer, and what has one.
const noLatency = "HAProxy has means of the times of its last 1024 requests and no histogram, so that requests slower than a threshold cannot be counted; " +
	"judge latency by metrics = { scrape = { … } } or { prometheus = { … } } beside haproxy, or compare the mean by a business rule with the gauge rtime"

func (h *HAProxy) noHTTP(s seen) string {
	return fmt.Sprintf("the backend %s on node %s is in mode tcp, in which HAProxy knows no answers; it takes mode http", h.backend, s.node)
}

// noServer says that no server leads to instances, and where those there are lead.
func (h *HAProxy) noServer(all []seen, instances []service.Instance) string {
	var wanted, have []string
	for _, i := range instances {
		wanted = append(wanted, i.Address)
	}
	for _, s := range all {
		address := s.server.HostPort()
		if s.server.FQDN != "" {
			address = fmt.Sprintf("%s:%d (%s)", s.server.FQDN, s.server.Port, address)
		}
		if text := s.server.Name + " " + address; !slices.Contains(have, text) {
			have = append(have, text)
		}
	}
	if len(have) == 0 {
		have = []string{"none"}
	}
	return fmt.Sprintf("the backend %s has no server with the address %s; it has %s", h.backend, strings.Join(wanted, " or "), strings.Join(have, ", "))
}
