package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
)

// runs of each cell of a table, and how long they are looked at.
const (
	runs    = 300
	horizon = 30 * time.Minute
)

// settings is what each costs: the median time until bad releases are restored, and the bad answers until then.
func settings() ([][]string, error) {
	rows := [][]string{{"", "fails half", "fails 5 %", "fails 1 %"}}
	for _, s := range varied {
		row := []string{s.name}
		for _, share := range []float64{0.5, 0.05, 0.01} {
			r := release{service: usual, config: usualConfig, interval: time.Second, failing: always(share)}
			rule := *usualConfig.Errors
			r.config.Errors = &rule
			s.set(&r)
			cell, err := r.reaction(s.name)
			if err != nil {
				return nil, err
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// varied are changes of one thing each.
var varied = []struct {
	name string
	set  func(*release)
}{
	{"as above", func(*release) {}},
	{"stable never failed", func(r *release) { r.errors = 0 }},
	{"stable never failed, `interval = \"200ms\"`", func(r *release) { r.errors, r.interval = 0, 200*time.Millisecond }},
	{"`interval = \"200ms\"`", func(r *release) { r.interval = 200 * time.Millisecond }},
	{"`interval = \"5s\"`", func(r *release) { r.interval = 5 * time.Second }},
	{"`interval = \"15s\"`", func(r *release) { r.interval = 15 * time.Second }},
	{"`confidence = 0.9`", func(r *release) { r.config.Confidence = 0.9 }},
	{"`confidence = 0.999`", func(r *release) { r.config.Confidence = 0.999 }},
	{"`min_bad = 2`", func(r *release) { r.config.MinBad = 2 }},
	{"`min_bad = 5`", func(r *release) { r.config.MinBad = 5 }},
	{"`burst_window = \"1s\"`", func(r *release) { r.config.BurstWindow = time.Second }},
	{"`burst_window = \"5s\"`", func(r *release) { r.config.BurstWindow = 5 * time.Second }},
	{"`max_rate = 0.02` beside it", func(r *release) { limit := 0.02; r.config.Errors.MaxRate = &limit }},
	{"`max_rate = 0.02` alone", func(r *release) { limit := 0.02; r.config.Errors = &analysis.ErrorRule{MaxRate: &limit} }},
	{"`latency` too, healthy", withLatency},
	{"`latency` and a counter too, healthy", func(r *release) {
		withLatency(r)
		least := 0.95
		r.orders = 0.1
		r.config.Business = map[string]analysis.BusinessRule{"orders": {Query: "orders_total", Direction: analysis.Up, VersusStableMin: &least}}
	}},
	{"a weight of 1 %", func(r *release) { r.part = 0.01 }},
	{"a weight of 5 %", func(r *release) { r.part = 0.05 }},
	{"a weight of 50 %", func(r *release) { r.part = 0.5 }},
	{"a weight of 50 %, `max_rate = 0.02` beside it", func(r *release) { limit := 0.02; r.part, r.config.Errors.MaxRate = 0.5, &limit }},
	{"a weight of 100 %", func(r *release) { r.part = 1 }},
	{"a weight of 100 %, `max_rate = 0.02` beside it", func(r *release) { limit := 0.02; r.part, r.config.Errors.MaxRate = 1, &limit }},
	{"10 requests a second in all", func(r *release) { r.rate = 10 }},
	{"1,000 requests a second in all", func(r *release) { r.rate = 1000 }},
}

func withLatency(r *release) {
	r.slow = 0.01
	r.config.Latency = &analysis.LatencyRule{Threshold: 400 * time.Millisecond, VersusStable: true}
}

// reaction is the median time until the release is restored, and the median of its bad answers until then.
func (r release) reaction(name string) (string, error) {
	var after, answers []float64
	for run := range runs {
		restored, bad := math.Inf(1), 0.0
		err := r.watch(seeded(name, run), horizon, func(l look) bool {
			bad += l.seen.Candidate.Errors
			if l.verdict.Decision == analysis.Restore {
				restored = l.at.Seconds()
			}
			return math.IsInf(restored, 1)
		})
		if err != nil {
			return "", fmt.Errorf("look at a release, %s: %w", name, err)
		}
		after, answers = append(after, restored), append(answers, bad)
	}
	if math.IsInf(median(after), 1) {
		return "not in " + strconv.Itoa(int(horizon.Minutes())) + " min", nil
	}
	return seconds(median(after)) + ", " + about(median(answers)) + " bad", nil
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return x[len(x)/2]
}

func seconds(x float64) string { return strconv.FormatFloat(x, 'g', 3, 64) + " s" }
