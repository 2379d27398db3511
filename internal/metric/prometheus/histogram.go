package prometheus

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/prometheus/common/model"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/bucket"
)

// durations are the totals of one histogram: all, and those within the bound.
type durations struct{ total, within float64 }

// since is joint: where one of them fell, both were reset.
func (before durations) since(now durations) durations {
	if before.total <= now.total && before.within <= now.within {
		now.total -= before.total
		now.within -= before.within
	}
	return now
}

// slow is how many took longer. Of expressions each bucket is extrapolated for itself.
func (d durations) slow() float64 { return max(0, d.total-d.within) }

// histograms puts the buckets of each histogram together, and takes the bound that stands for threshold.
func histograms(p points, threshold time.Duration) (map[model.Fingerprint]durations, map[model.Fingerprint]target, time.Duration, error) {
	type histogram struct {
		target  target
		buckets map[float64]float64
	}
	all := map[model.Fingerprint]*histogram{}
	for _, s := range p.series {
		bound, err := strconv.ParseFloat(string(s.labels[model.BucketLabel]), 64)
		if err != nil || math.IsNaN(bound) {
			return nil, nil, 0, fmt.Errorf("%w: the series %s has no bound of a bucket in its label le", analysis.ErrNoData, s.labels)
		}
		value, err := count(s)
		if err != nil {
			return nil, nil, 0, err
		}
		of := targetOf(s.labels)
		labels := s.labels.Clone()
		delete(labels, model.BucketLabel)
		id := labels.Fingerprint()
		if all[id] == nil {
			all[id] = &histogram{target: of, buckets: map[float64]float64{}}
		}
		all[id].buckets[bound] = value
	}
	found, targets := map[model.Fingerprint]durations{}, map[model.Fingerprint]target{}
	var used time.Duration
	var others []float64
	for id, h := range all {
		var bounds []float64
		for b := range h.buckets {
			bounds = append(bounds, b)
		}
		bound, near := bucket.Nearest(bounds, threshold)
		if !near {
			others = append(others, bounds...)
			continue
		}
		total, whole := h.buckets[math.Inf(1)]
		if !whole {
			return nil, nil, 0, fmt.Errorf("%w: a histogram has no bucket le=\"+Inf\": the query leaves it out", analysis.ErrNoData)
		}
		used = bucket.Seconds(bound)
		found[id], targets[id] = durations{total, h.buckets[bound]}, h.target
	}
	if used == 0 {
		return nil, nil, 0, fmt.Errorf("%w: the histogram has no bucket near the threshold of %s: %s", analysis.ErrNoData, threshold, bucket.Listed(others))
	}
	return found, targets, used, nil
}
