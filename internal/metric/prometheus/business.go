package prometheus

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
)

// seriesState is the mark of one business series.
type seriesState struct {
	counter counter[float64]
	// taken is the time of the newest sample of a gauge that was returned, or when an expression was asked for.
	taken time.Time
}

// ParseSeries tells whether series is one that a server can be asked for: a template of a selector of counters, of a count of an
// interval, or of a gauge.
func ParseSeries(series delivery.Series) error {
	_, err := parseSeries(series)
	return err
}

func parseSeries(series delivery.Series) (query, error) {
	read := counting
	if series.Gauge {
		read = gauge
	}
	q, err := read(series.Query)
	if err != nil {
		return q, fmt.Errorf("the query %q: %w", series.Query, err)
	}
	return q, nil
}

// business is the value of one series. found: it has one, that is new.
func (r *reading) business(ctx context.Context, rule string, series delivery.Series) (value float64, found bool, err error) {
	mark := r.state.series[rule]
	r.next.series[rule] = mark // where it was, if it fails
	q, err := parseSeries(series)
	if err != nil {
		return 0, false, err
	}
	interval := window(0)
	if !q.selector {
		shortest := r.resolution(ctx)
		if q.uses(intervalPlace) {
			shortest = window(shortest)
		}
		interval = shortest
		if !mark.taken.IsZero() {
			if interval = r.at.Sub(mark.taken); interval < shortest {
				return 0, !series.Gauge, nil // Nothing new: no increase, and no other value of a gauge.
			}
		}
	}
	a, err := r.prometheus.ask(ctx, r.at, map[string]part{rule: q.part(valuesOf(r.placement, interval))})
	if err != nil {
		return 0, false, err
	}
	p := a.parts[rule]
	if err := r.fresh(ctx, p.newest); err != nil {
		return 0, false, err
	}
	if len(p.series) == 0 {
		// What is there later has begun since.
		_, mark.counter = mark.counter.moved(nil, nil, r.up, increase)
		r.next.series[rule] = mark
		return 0, false, r.nothing(q)
	}
	if q.selector && !series.Gauge {
		counted, err := r.increases(&mark.counter, q, p)
		for _, n := range counted {
			value += n
		}
		if err == nil {
			r.next.series[rule] = mark
		}
		return value, err == nil, err
	}
	if value, err = perInstance(p, series.Gauge); err != nil {
		return 0, false, err
	}
	first, at := mark.taken.IsZero(), p.newest
	if at.IsZero() {
		at = r.at
	}
	found = at.After(mark.taken)
	mark.taken = at
	r.next.series[rule] = mark
	if !series.Gauge && first {
		return 0, true, nil // The first call sets the mark.
	}
	return value, found, nil
}

// perInstance is the mean of a gauge, or the sum of counts, of which there is one an instance or one in all.
func perInstance(p points, gauge bool) (float64, error) {
	sum, seen := 0.0, map[string]bool{}
	for _, s := range p.series {
		instance := string(s.labels["instance"])
		if seen[instance] {
			return 0, severalError(p)
		}
		seen[instance] = true
		if math.IsNaN(s.value) || math.IsInf(s.value, 0) {
			return 0, fmt.Errorf("the value of %s is %g, which is no number to compare", s.labels, s.value)
		}
		if !gauge {
			if _, err := count(s); err != nil {
				return 0, err
			}
		}
		sum += s.value
	}
	if seen[""] && len(seen) > 1 {
		return 0, severalError(p)
	}
	if gauge {
		return sum / float64(len(seen)), nil
	}
	return sum, nil
}

// severalError shows what there is instead of one number.
func severalError(p points) error {
	var shown []string
	for _, s := range p.series[:min(3, len(p.series))] {
		shown = append(shown, s.labels.String())
	}
	if len(p.series) > 3 {
		shown = append(shown, "…")
	}
	return fmt.Errorf("the answer has %d series, and one number is needed (or one an instance): %s; put sum(…) around the query, or name labels",
		len(p.series), strings.Join(shown, ", "))
}
