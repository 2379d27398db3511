package scrape

import (
	"errors"
	"fmt"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/bucket"
)

// reading is what one exposition says about requests: totals since the instance started, by series.
type reading struct {
	// source is the family that the requests are counted by.
	source   string
	requests map[string]requests
	slow     map[string]durations
	// series by the names of the business rules.
	series map[string]seriesReading
	// bound is what counts as slow, of the bucket that was found.
	bound time.Duration
	// apart: the series say which path they count, so that the reading of expositions itself was left out.
	apart bool
}

// requests is the total of one series; failed where its code begins with a 5.
type requests struct {
	total  float64
	failed bool
}

// durations are the totals of one histogram: all, and those within the bound.
type durations struct{ total, within float64 }

// read takes what m asks for from an exposition; requests are counted as well where only durations are asked for, if they are there.
// source is the family that this instance's requests were counted by before, so that none is counted by both; empty: the
// counter, else the histogram. What is not there is analysis.ErrNoData; business series are in the reading all the same.
func (s *Scrape) read(e exposition, source string, m delivery.Measure) (reading, error) {
	r := reading{source: source, requests: map[string]requests{}, slow: map[string]durations{}, series: readSeries(e, m.Series)}
	if r.source == "" {
		r.source = s.definition.Requests
		if len(e[r.source].GetMetric()) == 0 && len(e[s.definition.Duration].GetMetric()) > 0 {
			r.source = s.definition.Duration
		}
	}
	if m.Requests || m.Threshold > 0 {
		err := r.readRequests(e[r.source], s.definition.CodeLabel, s.path())
		if err != nil && (m.Requests || !errors.Is(err, analysis.ErrNoData)) {
			return r, err
		}
	}
	if m.Threshold <= 0 {
		return r, nil
	}
	return r, r.readDurations(e[s.definition.Duration], s.definition.Duration, s.path(), m.Threshold)
}

func (r *reading) readRequests(family *dto.MetricFamily, codeLabel, path string) error {
	if len(family.GetMetric()) == 0 {
		return fmt.Errorf("%w: there is no series %s", analysis.ErrNoData, r.source)
	}
	value := counterValue
	switch family.GetType() {
	case dto.MetricType_COUNTER, dto.MetricType_UNTYPED:
	case dto.MetricType_HISTOGRAM:
		value = func(m *dto.Metric) float64 { return histogramCount(m.GetHistogram()) }
	default:
		return fmt.Errorf("%w: %s is a %s, and a counter is needed", analysis.ErrNoData, r.source, kind(family))
	}
	labelled := false
	for _, m := range family.GetMetric() {
		labelled = labelled || label(m, codeLabel) != ""
		if counts(m, path) {
			r.apart = true
			continue
		}
		name := seriesName(r.source, m)
		total, err := count(name, value(m))
		if err != nil {
			return err
		}
		// A series that is there twice is added up.
		r.requests[name] = requests{total: r.requests[name].total + total, failed: strings.HasPrefix(label(m, codeLabel), "5")}
	}
	// Without the status no error would ever be seen, and everything would pass.
	if !labelled {
		return fmt.Errorf("%w: no series of %s has the label %s with the HTTP status", analysis.ErrNoData, r.source, codeLabel)
	}
	return nil
}

func (r *reading) readDurations(family *dto.MetricFamily, name, path string, threshold time.Duration) error {
	if len(family.GetMetric()) == 0 {
		return fmt.Errorf("%w: there is no series %s", analysis.ErrNoData, name)
	}
	if family.GetType() != dto.MetricType_HISTOGRAM {
		return fmt.Errorf("%w: %s is a %s, and a histogram is needed", analysis.ErrNoData, name, kind(family))
	}
	var others []float64
	for _, m := range family.GetMetric() {
		near := nearest(m.GetHistogram(), threshold)
		if near == nil {
			others = append(others, bounds(m.GetHistogram())...)
			continue
		}
		r.bound = bucket.Seconds(near.GetUpperBound())
		if counts(m, path) {
			continue
		}
		series := seriesName(name, m)
		total, err := count(series, histogramCount(m.GetHistogram()))
		if err != nil {
			return err
		}
		within, err := count(series, bucketCount(near))
		if err != nil {
			return err
		}
		d := r.slow[series]
		r.slow[series] = durations{total: d.total + total, within: d.within + within}
	}
	if r.bound == 0 {
		return fmt.Errorf("%w: the histogram %s has no bucket near the threshold of %s: %s", analysis.ErrNoData, name, threshold, bucket.Listed(others))
	}
	return nil
}

func kind(family *dto.MetricFamily) string { return strings.ToLower(family.GetType().String()) }
