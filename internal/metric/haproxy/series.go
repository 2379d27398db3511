package haproxy

import (
	"fmt"
	"maps"
	"slices"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/suggest"
)

// kept is how many requests HAProxy's means of times are of.
const kept = 1024

// counterFields are HAProxy's fields by the names of counters, and gaugeFields those of gauges.
var (
	counterFields = map[string]string{
		"2xx": "hrsp_2xx", "3xx": "hrsp_3xx", "4xx": "hrsp_4xx", "5xx": "hrsp_5xx", "sessions": "stot",
		"econ": "econ", "eresp": "eresp", "wretr": "wretr", "wredis": "wredis", "cli_abrt": "cli_abrt", "srv_abrt": "srv_abrt",
	}
	gaugeFields = map[string]string{"qtime": "qtime", "ctime": "ctime", "rtime": "rtime", "ttime": "ttime"}
)

// names of all series.
func names() []string {
	return slices.Concat(slices.Sorted(maps.Keys(counterFields)), slices.Sorted(maps.Keys(gaugeFields)))
}

// ParseSeries tells whether HAProxy has the series: by its name alone, as a counter (2xx, 3xx, 4xx, 5xx, sessions, econ, eresp, wretr,
// wredis, cli_abrt, srv_abrt) or as a gauge (qtime, ctime, rtime, ttime, in milliseconds).
func ParseSeries(s delivery.Series) error {
	_, counter := counterFields[s.Query]
	_, gauge := gaugeFields[s.Query]
	switch {
	case gauge && !s.Gauge:
		return fmt.Errorf("%s is a gauge, and a counter is asked for", s.Query)
	case counter && s.Gauge:
		return fmt.Errorf("%s is a counter, and a gauge is asked for", s.Query)
	case counter || gauge:
		return nil
	}
	return fmt.Errorf("HAProxy has no series %q; %s", s.Query, suggest.Instead(s.Query, names()))
}

// tally adds up business series over servers.
type tally struct {
	wanted map[string]delivery.Series
	// sums of counters' increases; of gauges' values times weights.
	sums, weights map[string]float64
	// found: a server has it; fresh: one has had a request since the previous sample.
	found, fresh map[string]bool
}

func newTally(wanted map[string]delivery.Series) *tally {
	return &tally{
		wanted: wanted, sums: map[string]float64{}, weights: map[string]float64{}, found: map[string]bool{}, fresh: map[string]bool{},
	}
}

// add what a server has now, and had before; first: there was no sample yet.
func (t *tally) add(now, before counters, first bool) {
	for rule, series := range t.wanted {
		if series.Gauge {
			value, weight, there := now.mean(gaugeFields[series.Query])
			if !there {
				continue
			}
			t.found[rule] = true
			t.sums[rule] += value * weight
			t.weights[rule] += weight
			t.fresh[rule] = t.fresh[rule] || weight > 0 && (first || now["stot"] != before["stot"] || now.answered() != before.answered())
			continue
		}
		field := counterFields[series.Query]
		if total, there := now[field]; there {
			t.found[rule] = true
			t.sums[rule] += total - before[field]
		}
	}
}

// mean of a time in milliseconds with its weight: the requests it is the mean of.
func (c counters) mean(field string) (value, weight float64, there bool) {
	value, there = c[field]
	requests := c.answered()
	if !c.http() {
		requests = c["stot"]
	}
	return value, min(kept, requests), there
}

// result is the values of what has one, and why the others have none. A gauge without a request since the previous sample has nothing new.
func (t *tally) result() (values map[string]float64, missing map[string]error) {
	if len(t.wanted) == 0 {
		return nil, nil
	}
	values, missing = map[string]float64{}, map[string]error{}
	for rule, series := range t.wanted {
		err := ParseSeries(series)
		switch {
		case err != nil:
			missing[rule] = fmt.Errorf("%w: %w", analysis.ErrNoData, err)
		case !t.found[rule]:
			missing[rule] = fmt.Errorf("%w: HAProxy counts no %s of these servers, in this version or mode", analysis.ErrNoData, series.Query)
		case !series.Gauge:
			values[rule] = t.sums[rule]
		case t.fresh[rule]:
			values[rule] = t.sums[rule] / t.weights[rule]
		}
	}
	return values, missing
}
