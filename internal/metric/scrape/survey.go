package scrape

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	dto "github.com/prometheus/client_model/go"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/suggest"
)

// Survey tells what of m the instances of p expose. What one of them has is there. No instance that can be read is an error.
func (s *Scrape) Survey(ctx context.Context, p service.Placement, m delivery.Measure) (delivery.MetricsSurvey, error) {
	var failed []error
	var readable []exposition
	for _, of := range s.fetchAll(ctx, p.Instances) {
		if of.err != nil {
			failed = append(failed, of.err)
			continue
		}
		readable = append(readable, of.exposition)
	}
	if len(readable) == 0 {
		if len(failed) == 0 {
			failed = append(failed, errors.New("it has no instances"))
		}
		return delivery.MetricsSurvey{}, fmt.Errorf("look at the metrics of %s: %w", p.Release, errors.Join(failed...))
	}
	var survey delivery.MetricsSurvey
	if m.Requests {
		survey.Unknown = append(survey.Unknown, unknown(readable, func(e exposition) (string, error) {
			_, err := s.read(e, "", delivery.Measure{Requests: true})
			return s.definition.Requests, err
		})...)
	}
	if m.Threshold > 0 {
		survey.Unknown = append(survey.Unknown, unknown(readable, func(e exposition) (string, error) {
			r, err := s.read(e, "", delivery.Measure{Threshold: m.Threshold})
			survey.Threshold = max(survey.Threshold, r.bound)
			return s.definition.Duration, err
		})...)
	}
	for _, rule := range slices.Sorted(maps.Keys(m.Series)) {
		survey.Unknown = append(survey.Unknown, unknown(readable, func(e exposition) (string, error) {
			name := m.Series[rule].Query
			if wanted, err := parseSelector(name); err == nil {
				name = wanted.name
			}
			if err := readOne(e, m.Series[rule]).err; err != nil {
				return name, fmt.Errorf("%s: %w", rule, err)
			}
			return name, nil
		})...)
	}
	return survey, nil
}

// unknown is why no exposition has what look looks for, with the names of series that are like it; nothing where one has it.
func unknown(readable []exposition, look func(e exposition) (name string, err error)) []string {
	var first error
	var wanted string
	have := map[string]bool{}
	for _, e := range readable {
		name, err := look(e)
		if err == nil {
			return nil
		}
		if first == nil {
			first, wanted = err, name
		}
		for _, family := range e {
			for _, n := range names(family) {
				have[n] = true
			}
		}
	}
	if !errors.Is(first, analysis.ErrNoData) || have[wanted] { // It is there, and the error says what is wrong with it.
		return []string{first.Error()}
	}
	return []string{fmt.Sprintf("%s; %s", first, suggest.Instead(wanted, slices.Sorted(maps.Keys(have))))}
}

// names under which the series of a family are found; no bucket alone is a business series.
func names(family *dto.MetricFamily) []string {
	switch family.GetType() {
	case dto.MetricType_HISTOGRAM, dto.MetricType_SUMMARY:
		return []string{family.GetName(), family.GetName() + "_count", family.GetName() + "_sum"}
	default:
		return []string{family.GetName()}
	}
}
