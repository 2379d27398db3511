// Package combined makes one source of metrics of two: the instances' own expositions, which are as new as a look, for requests, errors
// and latency; and a server that has other series too, for the business.
package combined

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

var _ delivery.Metrics = (*Combined)(nil)

// Combined are two sources.
type Combined struct{ requests, business delivery.Metrics }

// New counts requests by the one and business series by the other.
func New(requests, business delivery.Metrics) *Combined { return &Combined{requests, business} }

// divided is what each of the two is asked for.
func divided(m delivery.Measure) (requests, business delivery.Measure) {
	return delivery.Measure{Requests: m.Requests, Threshold: m.Threshold}, delivery.Measure{Series: m.Series}
}

// Sampler begins to count what m asks of p's instances.
func (c *Combined) Sampler(p service.Placement, m delivery.Measure) delivery.Sampler {
	requests, business := divided(m)
	s := &sampler{series: m.Series}
	if m.Requests || m.Threshold > 0 || len(m.Series) == 0 {
		s.requests = c.requests.Sampler(p, requests)
	}
	if len(m.Series) > 0 {
		s.business = c.business.Sampler(p, business)
	}
	return s
}

// Value of the expositions; where they have no such series, of the server.
func (c *Combined) Value(ctx context.Context, p service.Placement, name string, labels map[string]string) (float64, int, error) {
	sum, found, err := c.requests.Value(ctx, p, name, labels)
	if err == nil && found == 0 {
		return c.business.Value(ctx, p, name, labels)
	}
	return sum, found, err
}

// Survey asks both, the server only if there are business series. There is something new whenever it is asked: how often the server
// has some matters to its series alone, which it says in a note.
func (c *Combined) Survey(ctx context.Context, p service.Placement, m delivery.Measure) (delivery.MetricsSurvey, error) {
	requests, business := divided(m)
	survey, err := c.requests.Survey(ctx, p, requests)
	if err != nil || len(m.Series) == 0 {
		return survey, err
	}
	of, err := c.business.Survey(ctx, p, business)
	if err != nil {
		return survey, err
	}
	survey.Unknown = append(survey.Unknown, of.Unknown...)
	survey.Notes = append(survey.Notes, of.Notes...)
	if of.Resolution > 0 {
		survey.Notes = append(survey.Notes, fmt.Sprintf("business series have something new every %s", of.Resolution))
	}
	return survey, nil
}

// sampler of either or both; the other is nil.
type sampler struct {
	requests, business delivery.Sampler
	series             map[string]delivery.Series
}

// Sample of both. The server is not asked where the expositions fail, so that its marks stay, too; where the server fails, no business
// series has a value, and nothing else is spoilt. Where nothing else is asked for, its failure is that of the sample.
func (s *sampler) Sample(ctx context.Context) (sample delivery.Sample, err error) {
	if s.requests != nil {
		if sample, err = s.requests.Sample(ctx); err != nil {
			return delivery.Sample{}, err
		}
	}
	if s.business == nil {
		return sample, nil
	}
	of, err := s.business.Sample(ctx)
	switch {
	case err == nil:
		sample.Series, sample.Missing = of.Series, maps.Clone(of.Missing)
		return sample, nil
	case s.requests == nil:
		return delivery.Sample{}, err
	}
	sample.Missing = map[string]error{}
	for rule := range s.series {
		sample.Missing[rule] = err
	}
	return sample, nil
}

// Total of the requests.
func (s *sampler) Total(ctx context.Context) (analysis.Counts, error) {
	if s.requests == nil {
		return analysis.Counts{}, errors.New("no requests are counted")
	}
	return s.requests.Total(ctx)
}
