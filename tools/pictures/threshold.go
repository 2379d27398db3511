package main

import (
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
)

// threshold shows a healthy release, close below the limit, as a window sees it, and as evidence.
func threshold() (figure, error) {
	const limit, share, lasting = 0.01, 0.008, 30 * time.Minute
	allowed := limit
	r := release{
		service: service{rate: usual.rate, part: usual.part, errors: share}, interval: time.Second, failing: always(share),
		config: analysis.Config{Confidence: 0.99, MinRequests: 100, Errors: &analysis.ErrorRule{MaxRate: &allowed, VersusStable: true}},
	}
	minutes := axis{title: "minutes since the release", high: lasting.Minutes()}
	for _, t := range []string{"0", "5", "10", "15", "20", "25", "30"} {
		minutes.ticks = append(minutes.ticks, tick{float64(5 * len(minutes.ticks)), t})
	}
	var inWindow, over []line
	var absolute, versus line
	absolute.class, versus.class = "orange", "blue"
	inWindow = []line{{class: "grey"}}
	var window []analysis.Counts
	highest := 0.0
	err := r.watch(seeded("threshold", 0), lasting, func(l look) bool {
		at := l.at.Minutes()
		if window = append(window, l.seen.Candidate); len(window) > 60 {
			window = window[1:]
		}
		var sum analysis.Counts
		for _, c := range window {
			sum = sum.Add(c)
		}
		if len(window) == 60 {
			p := point{at, 100 * sum.Errors / sum.Requests}
			inWindow[0].points = append(inWindow[0].points, p)
			switch last := len(over) - 1; {
			case p.y <= 100*limit:
			case last >= 0 && over[last].points[len(over[last].points)-1].x > at-0.02:
				over[last].points = append(over[last].points, p)
			default:
				over = append(over, line{"red", []point{p}})
			}
		}
		for _, j := range l.verdict.Judgements {
			highest = max(highest, j.Evidence)
			if j.Rule == "errors.max_rate" {
				absolute.points = append(absolute.points, point{at, j.Evidence})
			} else {
				versus.points = append(versus.points, point{at, j.Evidence})
			}
		}
		return true
	})
	if err != nil {
		return figure{}, err
	}
	shares := axis{high: 2.5, ticks: []tick{{0, "0 %"}, {0.5, "0.5 %"}, {1, "1 %"}, {1.5, "1.5 %"}, {2, "2 %"}, {2.5, "2.5 %"}}}
	evidence := axis{low: 0.01, high: 1000, log: true, ticks: []tick{{0.01, "0.01"}, {0.1, "0.1"}, {1, "1"}, {10, "10"}, {100, "100"}, {1000, "1,000"}}}
	reached := r.config.Limit()
	return figure{
		title: "A healthy release with 0.8 % errors, 10 requests a second, under a limit of 1 %: its share in 60 s windows is often above the limit; the evidence against it stays far below its own",
		panels: []panel{
			{
				title: "Share of errors in the last 60 s; the release truly has 0.8 %", height: 210, x: minutes, y: shares,
				lines: append(append(inWindow, over...), minutes.limit(100*limit)),
				labels: []label{
					{class: "", at: point{0.3, 100 * limit}, dy: -8, text: "limit"},
					{class: "red", at: point{29.7, 2.2}, dy: 0, anchor: "end", text: "red: a look at a window fails the release"},
				},
			},
			{
				title: "Evidence against it, from the same requests", height: 210, x: minutes, y: evidence,
				lines: []line{absolute, versus, minutes.limit(reached)},
				labels: []label{
					{class: "", at: point{0.3, reached}, dy: -8, text: "restored from here on: 200"},
					{class: "orange", at: point{29.7, 22}, anchor: "end", text: "that it breaks the limit of 1 %"},
					{class: "blue", at: point{29.7, 6}, anchor: "end", text: "that it is worse than stable"},
				},
			},
		},
	}, nil
}
