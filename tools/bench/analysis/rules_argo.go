package main

// argo is Argo Rollouts with one Prometheus metric of a background analysis. From its source, of August 2026:
//   - A measurement is taken at once, before there was any traffic, then whenever interval has passed since the last one (generateMetricTasks
//     in analysis/analysis.go).
//   - The metric has failed when failed > failureLimit (assessMetricFailureInconclusiveOrError there): failures count in all, and a
//     success between them forgives none.
//   - Without requests rate()/rate() is NaN. "successCondition: result[0] >= 0.99" fails then; with "isNaN(result[0]) ||" before it, the
//     measurement succeeds (docs/features/analysis.md, "NaN and Infinity"; utils/evaluate/evaluate.go). The latter is simulated, since
//     with the former no release with little traffic would go through.
//
// No interval is too short for it.
var argo = rule{name: "Argo Rollouts", leastInterval: 1, ends: func(s *series, maxShare float64, interval, window int) []int {
	return nth(s, interval, func(at int) bool {
		share, known := s.share(at, window)
		return known && share > maxShare
	})
}}
