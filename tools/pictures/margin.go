package main

import (
	"fmt"
	"math"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
)

// margin shows how the bound of what a release may be worse shrinks with the requests that were seen.
func margin() (figure, error) {
	requests := axis{title: "requests of the release in this step", low: 10, high: 30_000, log: true,
		ticks: []tick{{10, "10"}, {30, "30"}, {100, "100"}, {300, "300"}, {1000, "1,000"}, {3000, "3,000"}, {10_000, "10,000"}, {30_000, "30,000"}}}
	shares := axis{low: 0.1, high: 100, log: true, ticks: []tick{{0.1, "0.1"}, {1, "1"}, {5, "5"}, {10, "10"}, {100, "100"}}}
	var lines []line
	for i, c := range []struct {
		class  string
		stable float64
	}{{"green", 0}, {"blue", 0.01}, {"orange", 0.05}} {
		config := usualConfig
		config.Errors = &analysis.ErrorRule{VersusStable: true, Margin: 0.001}
		s := service{rate: usual.rate, part: usual.part, errors: c.stable}
		r := release{service: s, config: config, interval: time.Second, failing: always(c.stable)}
		l := line{class: c.class}
		next := 0.0
		err := r.watch(seeded("margin", i), 50*time.Minute, func(seen look) bool {
			if j := seen.verdict.Judgements[0]; j.Candidate.All >= next {
				l.points = append(l.points, point{j.Candidate.All, 100 * j.Excess})
				next = math.Max(j.Candidate.All*1.02, 1)
			}
			return l.points[len(l.points)-1].x < requests.high
		})
		if err != nil {
			return figure{}, fmt.Errorf("look at a release beside stable with %g: %w", c.stable, err)
		}
		lines = append(lines, l)
	}
	return figure{
		title: "How much worse than stable a healthy release may still be, by the requests that were seen: without errors it takes about 140 requests to show that it is at most 5 percentage points, and about 900 for 1",
		panels: []panel{{
			title: "At most so many percentage points worse than stable, with 99 % confidence", height: 380, x: requests, y: shares,
			lines: append(lines, requests.limit(5), requests.limit(1)),
			labels: []label{
				{class: "", at: point{requests.high, 5}, dx: -8, dy: -8, anchor: "end", text: "margin = 0.05: below, a step may end"},
				{class: "", at: point{requests.low, 1}, dx: 8, dy: -8, text: "margin = 0.01"},
				{class: "green", at: point{110, 0.35}, text: "both without errors"},
				{class: "blue", at: point{110, 0.22}, text: "both fail 1 %"},
				{class: "orange", at: point{110, 0.14}, text: "both fail 5 %"},
			},
		}},
	}, nil
}
