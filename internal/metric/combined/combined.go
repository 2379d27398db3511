// Package combined makes one source of metrics of several, each asked for what it knows best: requests and errors by one that is as new as
// a look (HAProxy, or the instances' own expositions), latency by one that has a histogram, the business by one that has such series.
package combined

import (
	"context"
	"fmt"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

var _ delivery.Metrics = (*Combined)(nil)

// Combined are up to three sources.
type Combined struct {
	requests, latency, business delivery.Metrics
}

// New counts requests and errors by the first source, requests that are slow by the second, and business series by the third. The same
// source may be given several times: it is asked once for all that is its own.
func New(requests, latency, business delivery.Metrics) *Combined {
	return &Combined{requests, latency, business}
}

// share is what one source is asked for.
type share struct {
	source  delivery.Metrics
	measure delivery.Measure
}

// shares of m: what counts requests is first, and what knows only business series last. A source that is asked for nothing has none;
// where nothing is asked for at all, that of requests is asked for it.
func (c *Combined) shares(m delivery.Measure) []share {
	var shares []share
	of := func(source delivery.Metrics) *delivery.Measure {
		for i := range shares {
			if shares[i].source == source {
				return &shares[i].measure
			}
		}
		shares = append(shares, share{source: source})
		return &shares[len(shares)-1].measure
	}
	if m.Requests || m.Threshold <= 0 && len(m.Series) == 0 {
		of(c.requests).Requests = m.Requests
	}
	if m.Threshold > 0 {
		of(c.latency).Threshold = m.Threshold
	}
	if len(m.Series) > 0 {
		of(c.business).Series = m.Series
	}
	return shares
}

// Value of the first source that has such a series: of requests, of latency, of the business.
func (c *Combined) Value(ctx context.Context, p service.Placement, name string, labels map[string]string) (float64, int, error) {
	var asked []delivery.Metrics
	for _, source := range []delivery.Metrics{c.requests, c.latency, c.business} {
		if len(asked) > 0 && source == asked[len(asked)-1] {
			continue
		}
		asked = append(asked, source)
		if sum, found, err := source.Value(ctx, p, name, labels); err != nil || found > 0 {
			return sum, found, err
		}
	}
	return 0, 0, nil
}

// Survey asks each source for its own. There is something new as often as the first of them has something; how often the others have matters
// to what they are asked for alone, which a note says.
func (c *Combined) Survey(ctx context.Context, p service.Placement, m delivery.Measure) (delivery.MetricsSurvey, error) {
	var survey delivery.MetricsSurvey
	for i, share := range c.shares(m) {
		of, err := share.source.Survey(ctx, p, share.measure)
		if err != nil {
			return survey, err
		}
		survey.Threshold = max(survey.Threshold, of.Threshold)
		survey.Unknown = append(survey.Unknown, of.Unknown...)
		survey.Notes = append(survey.Notes, of.Notes...)
		switch {
		case i == 0:
			survey.Resolution = of.Resolution
		case of.Resolution > survey.Resolution:
			survey.Notes = append(survey.Notes, fmt.Sprintf("%s have something new every %s", kind(share.measure), of.Resolution))
		}
	}
	return survey, nil
}

// kind names what a share is about.
func kind(m delivery.Measure) string {
	switch {
	case m.Threshold > 0 && len(m.Series) > 0:
		return "durations and business series"
	case m.Threshold > 0:
		return "durations"
	}
	return "business series"
}
