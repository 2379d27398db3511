package main

import (
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
)

// usualConfig is `errors = {}` without a margin, which does not decide about a restore.
var usualConfig = analysis.Config{Confidence: 0.99, MinRequests: 100, Errors: &analysis.ErrorRule{VersusStable: true}}

// evidenceOf is the evidence that a release is worse than stable, look by look.
func evidenceOf(r release, name string, run int, lasting time.Duration) ([]point, error) {
	var points []point
	err := r.watch(seeded(name, run), lasting, func(l look) bool {
		points = append(points, point{l.at.Seconds(), l.verdict.Judgements[0].Evidence})
		return true
	})
	return points, err
}

// evidence shows how it grows against bad releases, and stays where it is against healthy ones.
func evidence() (figure, error) {
	const lasting = 30 * time.Minute
	seconds := axis{title: "time since the release", low: 1, high: lasting.Seconds(), log: true,
		ticks: []tick{{1, "1 s"}, {3, "3 s"}, {10, "10 s"}, {30, "30 s"}, {60, "1 min"}, {300, "5 min"}, {1800, "30 min"}}}
	values := axis{low: 0.01, high: 10_000, log: true, ticks: []tick{{0.01, "0.01"}, {0.1, "0.1"}, {1, "1"}, {10, "10"}, {100, "100"}, {1000, "1,000"}, {10_000, "10,000"}}}
	var lines []line
	draw := func(class string, share float64, name string, run int) error {
		r := release{service: usual, config: usualConfig, interval: time.Second, failing: always(share)}
		points, err := evidenceOf(r, name, run, lasting)
		if err != nil {
			return err
		}
		for i, p := range points {
			if p.y > 3*values.high {
				points = points[:i+1] // It is long decided.
				break
			}
		}
		lines = append(lines, line{class, points})
		return nil
	}
	for run := range 5 {
		if err := draw("grey", usual.errors, "healthy", run); err != nil {
			return figure{}, err
		}
	}
	for _, sick := range []struct {
		class string
		share float64
	}{{"red", 0.5}, {"orange", 0.05}, {"blue", 0.01}} {
		if err := draw(sick.class, sick.share, "evidence", 0); err != nil {
			return figure{}, err
		}
	}
	limit := usualConfig.Limit()
	lines = append(lines, seconds.limit(limit))
	return figure{
		title: "Evidence over time: a release that fails half of its requests reaches the limit of 100 within seconds, one with 5 % after some ten seconds, one with 1 % after minutes; five healthy ones stay below",
		panels: []panel{{
			title: "Evidence that a release is worse than stable, which fails 0.1 %; 10 requests a second", height: 400, x: seconds, y: values, lines: lines,
			labels: []label{
				{class: "", at: point{seconds.high, limit}, dx: -8, dy: -8, anchor: "end", text: "restored from here on: 100"},
				{class: "red", at: point{7.5, 3000}, dx: -10, anchor: "end", text: "fails half"},
				{class: "orange", at: point{24, 3000}, dx: 8, text: "fails 5 %"},
				{class: "blue", at: point{205, 3000}, dx: -10, anchor: "end", text: "fails 1 %"},
				{class: "grey", at: point{12, 0.03}, text: "five healthy releases"},
			},
		}},
	}, nil
}
