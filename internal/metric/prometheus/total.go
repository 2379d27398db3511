package prometheus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
)

// totalWindow is what a query over an interval is asked for where a total is wanted, which it cannot tell.
const totalWindow = 5 * time.Minute

// Total returns what the counters have now, which is what was counted since the instances started; of queries over an interval what they
// count in the last five minutes. It moves no mark.
func (s *sampler) Total(ctx context.Context) (analysis.Counts, error) {
	total, err := s.total(ctx)
	if err != nil {
		return analysis.Counts{}, fmt.Errorf("add up the requests of %s: %w", s.placement.Release, err)
	}
	return total, nil
}

func (s *sampler) total(ctx context.Context) (c analysis.Counts, err error) {
	q := s.prometheus.queries
	parts := map[string]part{}
	for name, of := range map[string]query{requestsPart: q.requests, errorsPart: q.errors, bucketsPart: q.buckets} {
		if of.template != nil && (name != bucketsPart || s.measure.Threshold > 0) {
			parts[name] = of.part(valuesOf(s.placement, totalWindow))
		}
	}
	a, err := s.prometheus.ask(ctx, time.Time{}, parts)
	if err != nil {
		return c, err
	}
	requests := a.parts[requestsPart]
	values, _, err := totals(requests)
	if err != nil {
		return c, err
	}
	codes, coded := s.prometheus.codes(requests)
	if s.measure.Requests && (len(values) == 0 || !coded && q.errors.template == nil) {
		return c, fmt.Errorf("%w: no series with the HTTP status matches %s", analysis.ErrNoData, parts[requestsPart].expression)
	}
	for series, n := range values {
		c.Requests += n
		if q.errors.template == nil && strings.HasPrefix(codes[series], "5") {
			c.Errors += n
		}
	}
	failed, _, err := totals(a.parts[errorsPart])
	if err != nil {
		return c, err
	}
	for _, n := range failed {
		c.Errors += n
	}
	c.Errors = min(c.Errors, c.Requests)
	if _, asked := parts[bucketsPart]; !asked {
		return c, nil
	}
	if len(a.parts[bucketsPart].series) == 0 {
		return c, fmt.Errorf("%w: no series matches %s", analysis.ErrNoData, parts[bucketsPart].expression)
	}
	found, _, bound, err := histograms(a.parts[bucketsPart], s.measure.Threshold)
	for _, d := range found {
		c.Timed += d.total
		c.Slow += d.slow()
	}
	c.Threshold = bound
	return c, errors.Join(err)
}
