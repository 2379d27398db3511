package main

import (
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
)

// burst shows what bad answers of one cause count, and what that costs where the release is truly bad.
func burst() (figure, error) {
	const lasting = 14 * time.Second
	seconds := axis{title: "seconds", high: lasting.Seconds()}
	for _, t := range []string{"0", "2", "4", "6", "8", "10", "12", "14"} {
		seconds.ticks = append(seconds.ticks, tick{float64(2 * len(seconds.ticks)), t})
	}
	values := axis{low: 0.1, high: 1e6, log: true,
		ticks: []tick{{0.1, "0.1"}, {1, "1"}, {10, "10"}, {100, "100"}, {1000, "1,000"}, {1e4, "10⁴"}, {1e5, "10⁵"}, {1e6, "10⁶"}}}
	// The requests are the same in both, 10 a second, and begin with a good second.
	course := func(stable analysis.Counts, bad func(second int) float64) (line, error) {
		judge, err := analysis.New(usualConfig)
		if err != nil {
			return line{}, err
		}
		judge.Baseline(stable)
		points := []point{{0, 1}}
		for second := 1; second <= int(lasting.Seconds()); second++ {
			v := judge.Look(analysis.Look{Took: time.Second, Candidate: analysis.Counts{Requests: 10, Errors: bad(second)}, Stable: analysis.Counts{Requests: 90}})
			at := float64(second)
			points = append(points, point{at, v.Judgements[0].Evidence})
		}
		return line{points: points}, nil
	}
	once := func(second int) float64 {
		if second == 2 {
			return 8
		}
		return 0
	}
	half := func(second int) float64 {
		if second >= 2 {
			return 5
		}
		return 0
	}
	requests := past.Seconds() * usual.rate
	clean, failed := analysis.Counts{Requests: requests}, analysis.Counts{Requests: requests, Errors: usual.errors * requests}
	var drawn [4]line
	for i, c := range []struct {
		stable analysis.Counts
		bad    func(int) float64
		class  string
	}{{failed, once, "green"}, {clean, once, "grey dashed"}, {failed, half, "red"}, {clean, half, "orange dashed"}} {
		var err error
		if drawn[i], err = course(c.stable, c.bad); err != nil {
			return figure{}, err
		}
		drawn[i].class = c.class
	}
	limit := usualConfig.Limit()
	line := seconds.limit(limit)
	restored := label{class: "", at: point{seconds.high, limit}, dx: -8, dy: -8, anchor: "end", text: "restored from here on: 100"}
	return figure{
		title: "A burst of eight bad answers in one second stays far below the limit, since it counts as one event; a release that keeps failing half of its requests reaches it with the third event, after some seconds",
		panels: []panel{
			{
				title: "One burst: 8 of 10 requests fail in the 2nd second, and none after it", height: 210, x: seconds, y: values, lines: append(drawn[:2:2], line),
				labels: []label{
					{class: "green", at: point{4, 1}, dy: 8, text: "counted as one event, where stable has had failures too"},
					{class: "grey", at: point{4, 1e4}, dy: -6, text: "counted one by one, where stable never had any"}, restored,
				},
			},
			{
				title: "A fault: half of the requests fail from the 2nd second on", height: 210, x: seconds, y: values, lines: append(drawn[2:4:4], line),
				labels: []label{
					{class: "red", at: point{seconds.high, 8}, dx: -8, dy: 8, anchor: "end", text: "in events of 2 to 3 s each: the third decides"},
					{class: "orange", at: point{3.2, 1e5}, dy: 0, text: "one by one"}, restored,
				},
			},
		},
	}, nil
}
