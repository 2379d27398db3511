package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
)

// businessRuns of each cell.
const businessRuns = 50

// counters is how many orders a candidate should have had until it is known that it loses some, where 95 % of stable's are allowed.
func counters() ([][]string, error) {
	const (
		share   = 0.1
		longest = 5 * time.Hour
	)
	rows := [][]string{{"of stable's, it has", "orders that it should have had until it is restored, median"}}
	for _, kept := range []float64{0, 0.5, 0.6, 0.7, 0.8, 0.9} {
		least := 0.95
		r := release{
			service: usual, interval: time.Second, failing: always(usual.errors), orders: share, fewer: 1 - kept,
			config: analysis.Config{Confidence: 0.99, Business: map[string]analysis.BusinessRule{"orders": {Query: "orders_total", Direction: analysis.Up, VersusStableMin: &least}}},
		}
		var all []float64
		for run := range businessRuns {
			wanted := math.Inf(1)
			err := r.watch(seeded("counter "+percent(kept), run), longest, func(l look) bool {
				if l.verdict.Decision == analysis.Restore {
					wanted = l.at.Seconds() * r.rate * r.part * r.orders
				}
				return math.IsInf(wanted, 1)
			})
			if err != nil {
				return nil, fmt.Errorf("count orders: %w", err)
			}
			all = append(all, wanted)
		}
		cell := about(median(all))
		if math.IsInf(median(all), 1) {
			cell = "not within " + about(longest.Seconds()*usual.rate*usual.part*share)
		}
		rows = append(rows, []string{percent(kept), cell})
	}
	return rows, nil
}

// gauges is how many values it takes until a gauge is known to be worse, or to be good enough: independent ones, whose noise is normal.
func gauges() ([][]string, error) {
	const stable, tolerance = 100.0, 1.05
	rows := [][]string{{"the candidate's gauge is", "noise 2 % of it", "noise 10 % of it", "noise 30 % of it"}}
	for _, g := range []struct {
		name   string
		shift  float64
		wanted analysis.Decision
	}{
		{"twice as high: restored after", 1, analysis.Restore}, {"25 % higher: restored after", 0.25, analysis.Restore},
		{"10 % higher: restored after", 0.1, analysis.Restore}, {"the same: goes on after", 0, analysis.Pass},
	} {
		row := []string{g.name}
		for _, noise := range []float64{0.02, 0.1, 0.3} {
			var all []float64
			for run := range businessRuns {
				values, err := valuesUntil(g.wanted, seeded(g.name, run), stable, g.shift*stable, noise*stable, tolerance)
				if err != nil {
					return nil, err
				}
				all = append(all, values)
			}
			row = append(row, valuesOf(median(all)))
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// mostValues are looked at.
const mostValues = 1800

func valuesUntil(wanted analysis.Decision, chance rand.Source, stable, shift, noise, tolerance float64) (float64, error) {
	judge, err := analysis.New(analysis.Config{
		Confidence: 0.99,
		Business:   map[string]analysis.BusinessRule{"queue": {Query: "queue_length", Gauge: true, Direction: analysis.Down, VersusStableMax: &tolerance}},
	})
	if err != nil {
		return 0, fmt.Errorf("judge a gauge: %w", err)
	}
	normal := distuv.Normal{Mu: stable, Sigma: noise, Src: chance}
	for n := 1; n <= mostValues; n++ {
		v := judge.Look(analysis.Look{
			Took: time.Second, Candidate: analysis.Counts{Requests: 10}, Stable: analysis.Counts{Requests: 90},
			Series: map[string]analysis.Pair{"queue": {Candidate: normal.Rand() + shift, Stable: normal.Rand()}},
		})
		if v.Decision == wanted {
			return float64(n), nil
		}
	}
	return math.Inf(1), nil
}

func valuesOf(x float64) string {
	if math.IsInf(x, 1) {
		return fmt.Sprintf("more than %s values", about(mostValues))
	}
	return strconv.Itoa(int(x)) + " values"
}
