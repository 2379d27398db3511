package prometheus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/suggest"
)

// Survey tells what of m the server has of p. A query that it refuses is unknown; a server that cannot be asked is an error.
func (c *Prometheus) Survey(ctx context.Context, p service.Placement, m delivery.Measure) (delivery.MetricsSurvey, error) {
	s := surveyor{reading: reading{sampler: &sampler{prometheus: c, placement: p, measure: m}, next: &state{counted: map[string]time.Time{}, series: map[string]seriesState{}}}}
	a, err := c.ask(ctx, time.Time{}, map[string]part{upPart: {expression: `up{instance=~"` + valuesOf(p, 0)[instancesPlace] + `"}`}})
	if err == nil {
		s.at = a.at
		err = s.targets(a.parts[upPart])
	}
	if err == nil {
		err = s.survey(ctx, m)
	}
	if err != nil {
		return delivery.MetricsSurvey{}, fmt.Errorf("look at the metrics of %s: %w", p.Release, err)
	}
	return s.found, nil
}

type surveyor struct {
	reading
	found delivery.MetricsSurvey
	// counts over intervals are as new as their window is long.
	counts bool
}

func (s *surveyor) survey(ctx context.Context, m delivery.Measure) error {
	q := s.prometheus.queries
	if m.Requests {
		for _, of := range []struct {
			name string
			query
		}{{requestsPart, q.requests}, {errorsPart, q.errors}} {
			if of.template == nil {
				continue
			}
			if err := s.look(ctx, "", of.name, of.query, func(p points) error {
				if of.name == errorsPart {
					_, _, err := totals(p) // none is fine
					return err
				}
				return s.requests(of.query, p)
			}); err != nil {
				return err
			}
		}
	}
	if m.Threshold > 0 && q.buckets.template == nil {
		s.found.Unknown = append(s.found.Unknown, fmt.Sprintf("latency is not judged: %s has no histogram of durations; give queries = { duration_buckets = … } where another program has one", q.preset))
	} else if m.Threshold > 0 {
		if err := s.look(ctx, "", bucketsPart, q.buckets, func(p points) error {
			err := s.durations(q.buckets, p)
			s.found.Threshold = s.reading.counts.Threshold
			return err
		}); err != nil {
			return err
		}
	}
	for _, rule := range slices.Sorted(maps.Keys(m.Series)) {
		series := m.Series[rule]
		of, err := parseSeries(series)
		if err != nil {
			s.found.Unknown = append(s.found.Unknown, fmt.Sprintf("%s: %s", rule, err))
			continue
		}
		if err := s.look(ctx, rule+": ", rule, of, func(p points) error {
			if len(p.series) == 0 {
				return s.nothing(of)
			}
			if of.selector && !series.Gauge {
				_, _, err := totals(p)
				return err
			}
			_, err := perInstance(p, series.Gauge)
			return err
		}); err != nil {
			return err
		}
	}
	s.found.Resolution = s.resolution(ctx)
	switch {
	case s.found.Resolution == 0:
		s.found.Notes = append(s.found.Notes, "the server does not tell how often it reads the instances")
	case s.counts:
		s.found.Resolution = window(s.found.Resolution)
	}
	return ctx.Err()
}

// look asks one query, and notes what is wrong with what it finds.
func (s *surveyor) look(ctx context.Context, prefix, name string, q query, judge func(points) error) error {
	interval := window(0)
	if !q.selector && q.uses(intervalPlace) {
		s.counts = true
		interval = window(s.resolution(ctx))
	}
	a, err := s.prometheus.ask(ctx, s.at, map[string]part{name: q.part(valuesOf(s.placement, interval))})
	var failed *sourceError
	if errors.As(err, &failed) && failed.refused {
		s.found.Unknown = append(s.found.Unknown, prefix+err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	for _, point := range a.parts[name].series {
		s.up[targetOf(point.labels)] = true
	}
	err = s.fresh(ctx, a.parts[name].newest)
	if err == nil {
		err = judge(a.parts[name])
	}
	if err != nil {
		text := prefix + err.Error()
		if errors.Is(err, analysis.ErrNoData) && len(a.parts[name].series) == 0 {
			text += s.instead(ctx, q)
		}
		s.found.Unknown = append(s.found.Unknown, text)
	}
	return nil
}

// instead names series of the placement that are like the one that q selects.
func (s *surveyor) instead(ctx context.Context, q query) string {
	v := valuesOf(s.placement, window(0))
	name, selector := selectorName(q.with(v))
	if !selector || name == "" {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, s.prometheus.definition.Timeout.D())
	defer cancel()
	scope := s.prometheus.queries.scope.with(v)
	found, _, _, err := s.prometheus.api.LabelValues(ctx, "__name__", []string{"{" + scope + "}"}, s.at.Add(-lookback), s.at)
	if err != nil {
		return ""
	}
	names := make([]string, len(found))
	for i, n := range found {
		names[i] = string(n)
	}
	switch {
	case slices.Contains(names, name):
		return "; there is " + name + " with other labels"
	case len(names) == 0:
		return "; the server has no series at all with " + strings.TrimSpace(scope)
	}
	return "; " + suggest.Instead(name, names)
}
