package scrape

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Value adds up the series called name that have labels, over p's instances, and tells how many there are; none is no
// error. name is that of a counter, a gauge or a series without a type, or that of a histogram or a summary with
// _count or _sum, or with _bucket and the label le. Other labels may have any value; an empty value means that the label
// is not there. An instance that cannot be read is an error, since a sum without it would be another number.
func (s *Scrape) Value(ctx context.Context, p service.Placement, name string, labels map[string]string) (float64, int, error) {
	sum, found := 0.0, 0
	var failed []error
	for i, f := range s.fetchAll(ctx, p.Instances) {
		if f.err != nil {
			failed = append(failed, f.err)
			continue
		}
		for _, value := range f.exposition.series(name) {
			if !value.matches(labels) {
				continue
			}
			if math.IsNaN(value.value) || math.IsInf(value.value, 0) {
				return 0, 0, fmt.Errorf("read %s: the series has the value %g in %s", value.name, value.value, p.Instances[i].Name)
			}
			sum += value.value
			found++
		}
	}
	if err := ctx.Err(); err != nil {
		return 0, 0, fmt.Errorf("read the series %s of %s: %w", name, p.Release, err)
	}
	if len(failed) > 0 {
		return 0, 0, fmt.Errorf("read the series %s of %s: %w", name, p.Release, errors.Join(failed...))
	}
	return sum, found, nil
}

// sample is one series with its value.
type sample struct {
	name   string
	labels map[string]string
	value  float64
}

func (s sample) matches(labels map[string]string) bool {
	for name, value := range labels {
		if has := s.labels[name]; has != value && !sameBound(name, has, value) {
			return false
		}
	}
	return true
}

// sameBound compares bounds and quantiles as numbers: some write 1, some 1.0.
func sameBound(name, a, b string) bool {
	if name != "le" && name != "quantile" {
		return false
	}
	x, err := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	return err == nil && err2 == nil && x == y
}

// series are all with this name, which may be part of a histogram or a summary.
func (e exposition) series(name string) []sample {
	var samples []sample
	add := func(m *dto.Metric, value float64, more ...string) {
		labels := map[string]string{}
		for _, l := range m.GetLabel() {
			labels[l.GetName()] = l.GetValue()
		}
		for i := 0; i+1 < len(more); i += 2 {
			labels[more[i]] = more[i+1]
		}
		samples = append(samples, sample{name: seriesName(name, m), labels: labels, value: value})
	}
	for _, m := range e[name].GetMetric() {
		switch e[name].GetType() {
		case dto.MetricType_COUNTER, dto.MetricType_UNTYPED:
			add(m, counterValue(m))
		case dto.MetricType_GAUGE:
			add(m, m.GetGauge().GetValue())
		case dto.MetricType_SUMMARY:
			for _, q := range m.GetSummary().GetQuantile() {
				add(m, q.GetValue(), "quantile", number(q.GetQuantile()))
			}
		}
	}
	for _, part := range []string{"_count", "_sum", "_bucket"} {
		base, ok := strings.CutSuffix(name, part)
		if !ok {
			continue
		}
		for _, m := range e[base].GetMetric() {
			parts(m, part, add)
		}
	}
	return samples
}

// parts adds the series with the suffix part of a histogram or a summary.
func parts(m *dto.Metric, part string, add func(m *dto.Metric, value float64, more ...string)) {
	switch {
	case m.Histogram != nil && part == "_count":
		add(m, histogramCount(m.GetHistogram()))
	case m.Histogram != nil && part == "_sum":
		add(m, m.GetHistogram().GetSampleSum())
	case m.Histogram != nil:
		for _, b := range m.GetHistogram().GetBucket() {
			add(m, bucketCount(b), "le", number(b.GetUpperBound()))
		}
	case m.Summary != nil && part == "_count":
		add(m, float64(m.GetSummary().GetSampleCount()))
	case m.Summary != nil && part == "_sum":
		add(m, m.GetSummary().GetSampleSum())
	}
}

// number writes a bound or a quantile as expositions do.
func number(f float64) string {
	if math.IsInf(f, 1) {
		return "+Inf"
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}
