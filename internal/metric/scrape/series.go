package scrape

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/bucket"
)

// maxCount is the largest count that a float64 tells from the next one; no instance has served more.
const maxCount = 1 << 53

// seriesName writes a series as a query would: name{label="value"}, the labels in order.
func seriesName(name string, m *dto.Metric) string {
	if len(m.GetLabel()) == 0 {
		return name
	}
	labels := make([]string, len(m.GetLabel()))
	for i, l := range m.GetLabel() {
		labels[i] = l.GetName() + "=" + strconv.Quote(l.GetValue())
	}
	slices.Sort(labels)
	return name + "{" + strings.Join(labels, ",") + "}"
}

// label is the value of a label; without it, empty, which is the same to Prometheus.
func label(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

// count refuses what no count of requests can be. series names it in the error.
func count(series string, value float64) (float64, error) {
	if math.IsNaN(value) || math.IsInf(value, 0) || value < 0 || value > maxCount {
		return 0, fmt.Errorf("the series %s has the value %g, which is no count", series, value)
	}
	return value, nil
}

// counterValue of a counter, or of a series without a type.
func counterValue(m *dto.Metric) float64 {
	if m.Counter != nil {
		return m.GetCounter().GetValue()
	}
	return m.GetUntyped().GetValue()
}

// histogramCount is how much a histogram observed; where the total is left out, what its last bucket holds.
func histogramCount(h *dto.Histogram) float64 {
	if h.SampleCountFloat != nil {
		return h.GetSampleCountFloat()
	}
	if h.SampleCount == nil && len(h.GetBucket()) > 0 {
		return bucketCount(h.GetBucket()[len(h.GetBucket())-1])
	}
	return float64(h.GetSampleCount())
}

// bucketCount is cumulative: what was observed up to the bucket's bound.
func bucketCount(b *dto.Bucket) float64 {
	if b.CumulativeCountFloat != nil {
		return b.GetCumulativeCountFloat()
	}
	return float64(b.GetCumulativeCount())
}

// nearest finds the bucket whose bound stands for threshold, nil where none does.
func nearest(h *dto.Histogram, threshold time.Duration) *dto.Bucket {
	bound, found := bucket.Nearest(bounds(h), threshold)
	for _, b := range h.GetBucket() {
		if found && b.GetUpperBound() == bound {
			return b
		}
	}
	return nil
}

// bounds of a histogram's buckets, in seconds.
func bounds(h *dto.Histogram) []float64 {
	all := make([]float64, len(h.GetBucket()))
	for i, b := range h.GetBucket() {
		all[i] = b.GetUpperBound()
	}
	return all
}

// counts tells whether a series is about requests for path, by a label such as handler, path or route.
func counts(m *dto.Metric, path string) bool {
	return slices.ContainsFunc(m.GetLabel(), func(l *dto.LabelPair) bool { return l.GetValue() == path })
}
