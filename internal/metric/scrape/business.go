package scrape

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
)

// selector is a name of series with the labels that they have.
type selector struct {
	name   string
	labels map[string]string
}

// sentinel is a value that nobody writes after a name.
const sentinel = "6.02214076e23"

// ParseSeries tells whether query is one that scrape can answer: the name of a counter or a gauge, with labels where they are needed,
// as in orders_total{kind="paid"}. Labels are compared for equality; those that are not named may have any value.
func ParseSeries(query string) error {
	_, err := parseSelector(query)
	return err
}

// parseSelector reads a series as an exposition writes it.
func parseSelector(query string) (selector, error) {
	wrong := fmt.Errorf(`%q is not the name of a series with its labels, such as orders_total{kind="paid"}; labels are compared by = alone, `+
		"and functions are for metrics = { prometheus = { … } }", query)
	query = strings.TrimSpace(query)
	if query == "" || query[0] == '#' || strings.ContainsAny(query, "\n\r") {
		return selector{}, wrong
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(query + " " + sentinel + "\n"))
	if err != nil || len(families) != 1 {
		return selector{}, wrong
	}
	for name, family := range families {
		m := family.GetMetric()[0]
		if m.TimestampMs != nil || number(m.GetUntyped().GetValue()) != "6.02214076e+23" {
			return selector{}, wrong
		}
		s := selector{name: name, labels: map[string]string{}}
		for _, l := range m.GetLabel() {
			s.labels[l.GetName()] = l.GetValue()
		}
		return s, nil
	}
	return selector{}, wrong
}

// seriesReading is what one exposition says about a business series: the totals of a counter by series, or the value of a gauge.
type seriesReading struct {
	totals map[string]float64
	gauge  *float64
	// err says why there is neither; analysis.ErrNoData where it is not in the exposition.
	err error
}

func readSeries(e exposition, wanted map[string]delivery.Series) map[string]seriesReading {
	read := make(map[string]seriesReading, len(wanted))
	for rule, series := range wanted {
		read[rule] = readOne(e, series)
	}
	return read
}

func readOne(e exposition, wanted delivery.Series) seriesReading {
	s, err := parseSelector(wanted.Query)
	if err != nil {
		return seriesReading{err: err}
	}
	if err := e.rightKind(s.name, wanted.Gauge); err != nil {
		return seriesReading{err: err}
	}
	r := seriesReading{totals: map[string]float64{}}
	var values []sample
	for _, value := range e.series(s.name) {
		if !value.matches(s.labels) {
			continue
		}
		values = append(values, value)
		name := value.name
		if bound, has := value.labels["le"]; has {
			name += " le " + bound // seriesName does not know of it
		}
		switch {
		case wanted.Gauge && (math.IsNaN(value.value) || math.IsInf(value.value, 0)):
			return seriesReading{err: fmt.Errorf("the series %s has the value %g", value.name, value.value)}
		case wanted.Gauge:
			r.gauge = &value.value
		default:
			total, err := count(value.name, value.value)
			if err != nil {
				return seriesReading{err: err}
			}
			r.totals[name] += total
		}
	}
	switch {
	case len(values) == 0:
		return seriesReading{err: fmt.Errorf("%w: there is no series %s", analysis.ErrNoData, wanted.Query)}
	case wanted.Gauge && len(values) > 1:
		return seriesReading{err: fmt.Errorf("%d series match %s, such as %s and %s, and a gauge is one number: name its labels",
			len(values), wanted.Query, values[0].name, values[1].name)}
	}
	return r
}

// rightKind refuses a gauge that is to be counted, and a counter that is to be compared by its value, which only grows.
func (e exposition) rightKind(name string, gauge bool) error {
	family := e[name]
	switch {
	case len(family.GetMetric()) == 0:
	case gauge && family.GetType() == dto.MetricType_COUNTER:
		return fmt.Errorf("%s is a counter, and a gauge is asked for", name)
	case !gauge && family.GetType() == dto.MetricType_GAUGE:
		return fmt.Errorf("%s is a gauge, and a counter is asked for", name)
	}
	return nil
}

// tally adds up business series over instances.
type tally struct {
	wanted map[string]delivery.Series
	// sums are the increases of counters or the values of gauges, of which found had one.
	sums  map[string]float64
	found map[string]int
	// empty says what is missing where; wrong what is no number.
	empty, wrong map[string][]error
}

func newTally(wanted map[string]delivery.Series) *tally {
	return &tally{
		wanted: wanted, sums: map[string]float64{}, found: map[string]int{}, empty: map[string][]error{}, wrong: map[string][]error{},
	}
}

// add counts what an instance did since its mark before, and returns the mark that comes after.
func (t *tally) add(instance string, before map[string]map[string]float64, now map[string]seriesReading) map[string]map[string]float64 {
	next := maps.Clone(before)
	if next == nil {
		next = map[string]map[string]float64{}
	}
	for rule, read := range now {
		marked, known := before[rule]
		switch {
		case errors.Is(read.err, analysis.ErrNoData):
			t.empty[rule] = append(t.empty[rule], fmt.Errorf("%s: %w", instance, read.err))
			if !known {
				next[rule] = map[string]float64{} // What it has later, it has since now.
			}
		case read.err != nil:
			t.wrong[rule] = append(t.wrong[rule], fmt.Errorf("%s: %w", instance, read.err))
		case read.gauge != nil:
			t.sums[rule] += *read.gauge
			t.found[rule]++
		default:
			t.found[rule]++
			after := maps.Clone(marked)
			if after == nil {
				after = map[string]float64{}
			}
			for series, total := range read.totals {
				if known {
					t.sums[rule] += increase(marked[series], total)
				}
				after[series] = total
			}
			next[rule] = after
		}
	}
	return next
}

// increase of a counter; one that fell was reset, and what it has now is new.
func increase(before, now float64) float64 {
	if now < before {
		return now
	}
	return now - before
}

// result is the values of what has one, and why the others have none.
func (t *tally) result() (values map[string]float64, missing map[string]error) {
	if len(t.wanted) == 0 {
		return nil, nil
	}
	values, missing = map[string]float64{}, map[string]error{}
	for rule, series := range t.wanted {
		switch {
		case len(t.wrong[rule]) > 0:
			missing[rule] = errors.Join(t.wrong[rule]...)
		case t.found[rule] == 0:
			missing[rule] = errors.Join(t.empty[rule]...)
		case series.Gauge:
			values[rule] = t.sums[rule] / float64(t.found[rule])
		default:
			values[rule] = t.sums[rule]
		}
	}
	return values, missing
}

// keep leaves the marks of a series that is no number somewhere where they were: what the others count meanwhile is not lost.
func (t *tally) keep(marks, before map[string]mark) {
	for rule := range t.wrong {
		for instance, m := range marks {
			if old, known := before[instance].series[rule]; known {
				m.series[rule] = old
			} else {
				delete(m.series, rule)
			}
		}
	}
}
