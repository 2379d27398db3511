package combined

import (
	"context"
	"errors"
	"maps"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// sampler of each source that is asked for something.
type sampler struct {
	parts []part
	// held is what sources counted in samples that failed for another's sake: theirs to tell in the next one.
	held analysis.Counts
	owed owed
	// marked: a sample has set the marks of all; early: one failed before, in which some set theirs.
	marked, early bool
}

// part is the sampler of one share.
type part struct {
	delivery.Sampler
	share
}

// businessAlone: it is asked for nothing that the judgement cannot do without.
func (p part) businessAlone() bool {
	return len(p.measure.Series) > 0 && !p.measure.Requests && p.measure.Threshold <= 0
}

// Sampler begins to count what m asks of p's instances.
func (c *Combined) Sampler(p service.Placement, m delivery.Measure) delivery.Sampler {
	s := &sampler{}
	for _, share := range c.shares(m) {
		s.parts = append(s.parts, part{share.source.Sampler(p, share.measure), share})
	}
	return s
}

// Sample of all. Requests and errors are those of the first source, what is timed and slow that of the second, and so they are of slightly
// different times, which does not matter: slow requests are compared with timed ones alone.
//
// A source of requests or of latency that fails is the failure of the sample: those behind it are not asked, so that their marks stay, and
// what those before it counted is kept for the next sample, as if their marks had stayed, business series as well. Where a source fails that is asked for
// business series alone, none of these has a value, and nothing else is spoilt; where nothing else is asked for, its failure is that of the sample.
func (s *sampler) Sample(ctx context.Context) (delivery.Sample, error) {
	sample, rest := delivery.Sample{Counts: s.held}, s.owed
	for i, p := range s.parts {
		of, err := p.Sample(ctx)
		switch {
		case err == nil:
			sample.Counts = sample.Counts.Add(p.own(of.Counts))
			if len(p.measure.Series) > 0 { // those of the others are none
				sample.Series, rest = s.owed.settle(of, p.measure.Series)
				sample.Missing = maps.Clone(of.Missing)
			}
		case i > 0 && p.businessAlone():
			sample.Missing = map[string]error{}
			for rule := range p.measure.Series {
				sample.Missing[rule] = err
			}
		default:
			s.held, s.owed, s.early = sample.Counts, rest.and(sample.Series), s.early || !s.marked
			return delivery.Sample{}, err
		}
	}
	if s.early && !s.marked {
		// The mark is where all have one.
		sample.Counts = analysis.Counts{Threshold: sample.Threshold}
		sample.Series, rest = s.unmarked(sample.Series), nil
	}
	s.held, s.owed, s.marked = analysis.Counts{}, rest, true
	return sample, nil
}

// unmarked is series of a sample that sets the mark: counters have no increase in it.
func (s *sampler) unmarked(series map[string]float64) map[string]float64 {
	for _, p := range s.parts {
		for name, rule := range p.measure.Series {
			if _, told := series[name]; told && !rule.Gauge {
				series[name] = 0
			}
		}
	}
	return series
}

// own are the counts that the share is asked for; a source may count more beside.
func (p part) own(c analysis.Counts) (own analysis.Counts) {
	if p.measure.Requests {
		own.Requests, own.Errors = c.Requests, c.Errors
	}
	if p.measure.Threshold > 0 {
		own.Timed, own.Slow, own.Threshold = c.Timed, c.Slow, c.Threshold
	}
	return own
}

// Total of the requests, and of what is timed as far as that can be asked now.
func (s *sampler) Total(ctx context.Context) (total analysis.Counts, err error) {
	counted := false
	for i, p := range s.parts {
		if p.businessAlone() {
			continue
		}
		of, err := p.Total(ctx)
		switch {
		case err == nil:
			counted = true
			total = total.Add(p.own(of))
		case i == 0:
			return analysis.Counts{}, err
		}
	}
	if !counted {
		return analysis.Counts{}, errors.New("no requests are counted")
	}
	return total, nil
}
