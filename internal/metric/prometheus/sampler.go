package prometheus

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// The parts of what is asked for together.
const (
	upPart       = "up"
	requestsPart = "requests"
	errorsPart   = "errors"
	bucketsPart  = "duration_buckets"
)

// sampler counts between calls, by the server's clock.
type sampler struct {
	prometheus *Prometheus
	placement  service.Placement
	measure    delivery.Measure
	state      state
	// every is how often there is something new, 0 where that is not known; nil: not asked for yet.
	every *time.Duration
}

// state is the marks.
type state struct {
	marked           bool
	requests, errors counter[float64]
	slow             counter[durations]
	// counted is until when the queries over an interval have counted, by part.
	counted map[string]time.Time
	series  map[string]seriesState
}

// Sample returns what was counted since the previous call, by the rules of counter; the first one only sets the mark. Where the server has
// not read the instances since, nothing was counted, which is no error. It is analysis.ErrNoData where no series of requests or
// durations matches, or the newest sample is so old that several scrapes were missed. An error of the server, a warning of it,
// and instances of which it can read none are failures of the source.
func (s *sampler) Sample(ctx context.Context) (delivery.Sample, error) {
	sample, next, err := s.sample(ctx)
	if err != nil {
		return delivery.Sample{}, fmt.Errorf("count the requests of %s: %w", s.placement.Release, err)
	}
	s.state = next
	return sample, nil
}

func (s *sampler) sample(ctx context.Context) (delivery.Sample, state, error) {
	next := state{marked: true, counted: maps.Clone(s.state.counted), series: map[string]seriesState{}}
	if next.counted == nil {
		next.counted = map[string]time.Time{}
	}
	read := reading{sampler: s, next: &next}
	if err := read.core(ctx); err != nil {
		return delivery.Sample{}, state{}, err
	}
	sample := delivery.Sample{Counts: read.counts}
	if !s.state.marked {
		sample.Counts = analysis.Counts{}
	}
	if len(s.measure.Series) > 0 {
		sample.Series, sample.Missing = map[string]float64{}, map[string]error{}
	}
	for rule, series := range s.measure.Series {
		value, found, err := read.business(ctx, rule, series)
		if ctx.Err() != nil {
			return delivery.Sample{}, state{}, ctx.Err()
		}
		switch {
		case err != nil:
			sample.Missing[rule] = err
		case found:
			sample.Series[rule] = value
		}
	}
	return sample, next, nil
}

// reading is one sample in the making.
type reading struct {
	*sampler
	next   *state
	at     time.Time
	up     map[target]bool
	counts analysis.Counts
}

// core asks for the requests and durations, and which instances can be read, all in one query.
func (r *reading) core(ctx context.Context) error {
	q, v := r.prometheus.queries, valuesOf(r.placement, 0)
	if len(r.placement.Instances) == 0 {
		return fmt.Errorf("it has no instances")
	}
	wanted := map[string]query{}
	if r.measure.Requests || r.measure.Threshold > 0 {
		wanted[requestsPart] = q.requests
		if q.errors.template != nil {
			wanted[errorsPart] = q.errors
		}
	}
	if r.measure.Threshold > 0 && q.buckets.template != nil {
		wanted[bucketsPart] = q.buckets
	}
	parts := map[string]part{upPart: {expression: `up{instance=~"` + v[instancesPlace] + `"}`}}
	later := map[string]query{}
	for name, of := range wanted {
		if of.selector {
			parts[name] = of.part(v)
		} else {
			later[name] = of
		}
	}
	a, err := r.prometheus.ask(ctx, time.Time{}, parts)
	if err != nil {
		return err
	}
	r.at = a.at
	if err := r.targets(a.parts[upPart]); err != nil {
		return err
	}
	// What counts over an interval needs to know which one.
	for name, of := range later {
		counted, asked, err := r.over(ctx, name, of)
		if err != nil {
			return err
		}
		if asked {
			a.parts[name] = counted
		} else {
			delete(wanted, name)
		}
	}
	return r.count(ctx, wanted, a)
}

// targets notes which instances can be read. Of queries by something else than addresses none is known.
func (r *reading) targets(up points) error {
	r.up = map[target]bool{}
	var down []string
	for _, s := range up.series {
		if s.value == 1 {
			r.up[targetOf(s.labels)] = true
		} else {
			down = append(down, string(s.labels[model.InstanceLabel]))
		}
	}
	if len(r.up) == 0 && len(down) > 0 && r.addressed() {
		return fmt.Errorf("the server cannot read any of the instances: up is 0 for %s", strings.Join(down, ", "))
	}
	return nil
}

// addressed: what is counted is found by the instances' addresses.
func (r *reading) addressed() bool {
	q := r.prometheus.queries
	return q.requests.uses(instancesPlace) || !r.measure.Requests && r.measure.Threshold <= 0
}

// over asks a query that counts over the interval since it was last asked, unless that is too short for an answer.
func (r *reading) over(ctx context.Context, name string, q query) (points, bool, error) {
	shortest := window(r.resolution(ctx))
	interval, since := shortest, r.state.counted[name]
	if !since.IsZero() {
		if interval = r.at.Sub(since); interval < shortest {
			return points{}, false, nil
		}
	}
	a, err := r.prometheus.ask(ctx, r.at, map[string]part{name: q.part(valuesOf(r.placement, interval))})
	if err != nil {
		return points{}, false, err
	}
	r.next.counted[name] = r.at
	return a.parts[name], true, nil
}

// resolution is asked for once, and only where it matters.
func (r *reading) resolution(ctx context.Context) time.Duration {
	if r.every == nil {
		every := r.prometheus.resolution(ctx, r.placement, r.up)
		if ctx.Err() != nil {
			return every
		}
		r.every = &every
	}
	return *r.every
}

// fresh is an error where samples are so old that they say nothing about now.
func (r *reading) fresh(ctx context.Context, newest time.Time) error {
	age := r.at.Sub(newest)
	if newest.IsZero() || age <= quick { // Not worth asking how often there should be one.
		return nil
	}
	every := r.resolution(ctx)
	if age <= tooOld(every) {
		return nil
	}
	often := "the server does not tell how often it reads it"
	if every > 0 {
		often = fmt.Sprintf("one is due every %s", every)
	}
	return fmt.Errorf("%w: the newest sample is %s old, and %s", analysis.ErrNoData, age.Round(100*time.Millisecond), often)
}
