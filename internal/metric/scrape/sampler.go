package scrape

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// sampler counts between calls: each instance has a mark, the totals it had when it was last read.
type sampler struct {
	scrape    *Scrape
	placement service.Placement
	measure   delivery.Measure
	// marks by instance; an instance without one was never read.
	marks map[string]mark
	// marked: the first call has set the mark.
	marked bool
}

// mark is the totals of one instance. A series that is gone keeps its total, for when it comes back.
type mark struct {
	source   string
	requests map[string]requests
	slow     map[string]durations
	// series has the totals of counters by rule and series; a rule without an entry was never read here.
	series map[string]map[string]float64
	// ours: each reading may have been counted as a request, and no series names its path.
	ours bool
}

// Sample returns what was counted since the previous call; the first one only sets the mark.
//
//   - A total that fell was reset, and what it has now is new.
//   - A series that is new on an instance that was read before began at 0 there, and counts in full.
//   - An instance that is read for the first time after the mark, since it could not be reached then, only sets its own
//     mark: how much of its totals is older cannot be told.
//   - An instance that cannot be reached, or whose exposition cannot be read, adds nothing as long as another can; what
//     it did meanwhile is counted once it is back, unless it was reset.
//
// An error leaves all marks where they were: what happens until the next call that succeeds is counted then. No
// instance that can be read is an error of the source. Expositions without the counter (or, where latency is judged,
// without the histogram) are analysis.ErrNoData, also when that is only because the service has had no request and makes
// its series with the first: they say nothing about errors, so that they are not counted as none. A service does well to
// make its series when it starts.
//
// Business series are counted by the same rules, each for itself: one that is not there, or is no number, is in Missing, keeps
// its marks, and spoils nothing else.
func (s *sampler) Sample(ctx context.Context) (delivery.Sample, error) {
	all := s.scrape.fetchAll(ctx, s.placement.Instances)
	again := s.scrape.fetchAll(ctx, s.fresh(all))
	if err := ctx.Err(); err != nil {
		return delivery.Sample{}, fmt.Errorf("count the requests of %s: %w", s.placement.Release, err)
	}
	sample, marks, err := s.count(all, again)
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

// fresh are the instances that were read for the first time. They are read once more: what one counts in between is at
// least our reading, if it counts that.
func (s *sampler) fresh(all []fetched) []service.Instance {
	var fresh []service.Instance
	for i, instance := range s.placement.Instances {
		if _, known := s.marks[instance.Name]; !known && all[i].err == nil { //nolint:gosec // one was fetched for each instance
			fresh = append(fresh, instance)
		}
	}
	return fresh
}

// count compares what was fetched with the marks, and returns the marks that come after; again is what fresh instances
// say the second time. It changes nothing.
func (s *sampler) count(all, again []fetched) (delivery.Sample, map[string]mark, error) {
	var counts analysis.Counts
	var failed, empty []error
	data := false
	marks := maps.Clone(s.marks)
	business := newTally(s.measure.Series)
	for i, instance := range s.placement.Instances {
		of := all[i] //nolint:gosec // one was fetched for each instance
		if of.err != nil {
			failed = append(failed, of.err)
			continue
		}
		before, known := s.marks[instance.Name]
		if !known {
			before.ours = true
			second := again[0]
			again = again[1:]
			if first, err := s.scrape.read(of.exposition, "", s.measure); err == nil && second.err == nil {
				before, of = before.moved(first), second
				before.ours = true // The second reading tells.
			}
		}
		now, err := s.scrape.read(of.exposition, before.source, s.measure)
		switch {
		case errors.Is(err, analysis.ErrNoData):
			empty = append(empty, fmt.Errorf("%s: %w", instance.Name, err))
			before.series = business.add(instance.Name, before.series, now.series)
			marks[instance.Name] = before
			continue
		case err != nil:
			return delivery.Sample{}, nil, fmt.Errorf("%s: %w", instance.Name, err)
		}
		data = true
		if known {
			counts = counts.Add(before.until(now))
		}
		next := before.moved(now)
		next.series = business.add(instance.Name, before.series, now.series)
		marks[instance.Name] = next
	}
	switch {
	case len(s.placement.Instances) == 0:
		return delivery.Sample{}, nil, errors.New("it has no instances")
	case data:
		sample := delivery.Sample{Counts: counts}
		sample.Series, sample.Missing = business.result()
		business.keep(marks, s.marks)
		return sample, marks, nil
	case len(empty) > 0:
		return delivery.Sample{}, nil, errors.Join(append(empty, failed...)...)
	}
	return delivery.Sample{}, nil, errors.Join(failed...)
}

// until is what happened between the mark and now.
func (m mark) until(now reading) (c analysis.Counts) {
	c.Threshold = now.bound
	defer func() {
		// Ours was neither a failed nor a slow one.
		if m.ours && !now.apart && c.Requests-1 >= c.Errors {
			c.Requests, c.Timed = c.Requests-1, max(c.Slow, c.Timed-1)
		}
	}()
	for series, after := range now.requests {
		n := after.total
		if before := m.requests[series]; before.total <= n {
			n -= before.total
		}
		c.Requests += n
		if after.failed {
			c.Errors += n
		}
	}
	for series, after := range now.slow {
		if before := m.slow[series]; before.total <= after.total && before.within <= after.within {
			after.total -= before.total
			after.within -= before.within
		}
		c.Timed += after.total
		// A histogram that is read in the middle of an observation may have it in a bucket first.
		c.Slow += max(0, after.total-after.within)
	}
	return c
}

// moved is the mark after now.
func (m mark) moved(now reading) mark {
	next := mark{source: now.source, series: m.series, requests: maps.Clone(now.requests), slow: maps.Clone(now.slow)}
	for series, after := range now.requests {
		// Where it counted nothing, it did not count our reading either.
		next.ours = next.ours || m.ours && m.requests[series].total != after.total
	}
	for series, before := range m.requests {
		if _, there := next.requests[series]; !there {
			next.requests[series] = before
		}
	}
	for series, before := range m.slow {
		if _, there := next.slow[series]; !there {
			next.slow[series] = before
		}
	}
	return next
}
