package main

// flagger is Flagger with request-success-rate, or its like for slow ones. From its source, of July 2026:
//   - An interval below 10 s is taken as 10 s (GetAnalysisInterval in pkg/apis/flagger/v1beta1/canary.go).
//   - The interval in which traffic is shifted first measures nothing; the first check is one interval later. A check fails when the success
//     rate is below thresholdRange.min (runBuiltinMetricChecks in pkg/controller/scheduler_metrics.go), and also without requests: NaN is
//     "no values found" (pkg/metrics/providers/prometheus.go).
//   - Each failed check adds to failedChecks, which only another revision sets back; when they have reached threshold, the *next* interval
//     rolls back, before it measures (advanceCanary in pkg/controller/scheduler.go).
//
// threshold is the failures that are borne and one more: it is at least 1.
var flagger = rule{name: "Flagger", leastInterval: 10, ends: func(s *series, maxShare float64, interval, window int) []int {
	ends := nth(s, interval, func(at int) bool {
		share, known := s.share(at, window)
		return !known || share > maxShare
	})
	for i, end := range ends {
		if end == never {
			continue
		}
		if ends[i] += interval; ends[i] > s.seconds() {
			ends[i] = never
		}
	}
	return ends
}}
