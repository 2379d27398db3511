// Package metrictest is the contract that every adapter of the kind metrics passes, against a real source.
package metrictest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Bounds of the histogram of durations, in seconds, that the instances of the contract have.
var Bounds = []float64{.1, .25, .5, 1}

// Instance of a service whose requests are counted.
type Instance interface {
	// Serve answers n requests with code, each after took.
	Serve(n, code int, took time.Duration)
	// Count adds n to the counter orders_total with the label kind, which is there from its first call on.
	Count(kind string, n float64)
	// Set sets the gauge queue_length, which is there from its first call on.
	Set(value float64)
	// Restart sets all counts to zero, as a new process does; orders_total and queue_length are gone.
	Restart()
	// Reach makes what counts the instance's requests reachable or not. Counts go on meanwhile.
	Reach(reachable bool)
	// Forget sets all counts to zero and has the source answer without the series of requests and durations until
	// Serve is called, as a new process does that makes its series with the first request.
	Forget()
}

// Subject is a service with its metrics.
type Subject struct {
	Metrics   delivery.Metrics
	Placement service.Placement
	// Instances in the order of the placement's.
	Instances []Instance
	// Requests names the series of requests for Value, CodeLabel its label.
	Requests, CodeLabel string
	// Query is how the source is asked for a series by its name and its labels, such as kind="paid"; nil: as an exposition names it.
	Query func(name, labels string) string
	// Untimed: the source knows no durations. A threshold is analysis.ErrNoData then, and all else is asked for without one.
	Untimed bool
	// Whole: the source counts for all instances, so that one that is out of reach is an error of all.
	Whole bool
	// Own: the source has series of its own alone, without labels, and none of what instances expose: orders_total, queue_length.
	Own bool
	// Settle waits until what was served shows in the source; nil where it does at once.
	Settle func(t *testing.T)
}

// Setup makes a service of n instances that have served nothing, whose series are there, at zero.
type Setup func(t *testing.T, n int) Subject

// Run is the contract.
func Run(t *testing.T, setup Setup) {
	t.Run("requests errors and slow ones are counted", func(t *testing.T) { counted(t, setup) })
	t.Run("the threshold is the nearest bound", func(t *testing.T) { thresholds(t, setup) })
	t.Run("a threshold that cannot be told", func(t *testing.T) { farBounds(t, setup) })
	t.Run("what is older than the mark is not counted", func(t *testing.T) { older(t, setup) })
	t.Run("samplers do not disturb each other", func(t *testing.T) { apart(t, setup) })
	t.Run("a reset counts what is new", func(t *testing.T) { reset(t, setup) })
	t.Run("an instance goes and comes back", func(t *testing.T) { comesBack(t, setup) })
	t.Run("an instance that was away at the mark", func(t *testing.T) { late(t, setup) })
	t.Run("a source that fails", func(t *testing.T) { fails(t, setup) })
	t.Run("a source without data", func(t *testing.T) { noData(t, setup) })
	t.Run("business series", func(t *testing.T) { business(t, setup) })
	t.Run("business series alone", func(t *testing.T) { businessAlone(t, setup) })
	t.Run("a survey", func(t *testing.T) { survey(t, setup) })
	t.Run("a context that is over", func(t *testing.T) { cancelled(t, setup) })
	t.Run("values", func(t *testing.T) { values(t, setup) })
}

// threshold is a bound, so that it is used as it is.
const threshold = 250 * time.Millisecond

const (
	fast = 50 * time.Millisecond
	slow = 300 * time.Millisecond
)

// world is a subject with a sampler whose mark is set.
type world struct {
	Subject
	sampler delivery.Sampler
}

func newWorld(t *testing.T, setup Setup, n int) *world {
	t.Helper()
	w := &world{Subject: setup(t, n)}
	w.sampler = w.Metrics.Sampler(w.Placement, w.measure())
	w.settle(t)
	return w
}

// measure is what most samplers of the contract count.
func (s Subject) measure() delivery.Measure {
	if s.Untimed {
		return delivery.Measure{Requests: true}
	}
	return delivery.Measure{Threshold: threshold, Requests: true}
}

func (w *world) settle(t *testing.T) {
	t.Helper()
	if w.Settle != nil {
		w.Settle(t)
	}
}

// mark sets it, which gives no counts.
func (w *world) mark(t *testing.T) {
	t.Helper()
	w.settle(t)
	if got, err := w.sampler.Sample(t.Context()); err != nil || got.Requests != 0 || got.Errors != 0 || got.Slow != 0 {
		t.Fatalf("the first sample is %+v (%v), want zero counts", got, err)
	}
}

func (w *world) want(t *testing.T, requests, errs, slow float64) {
	t.Helper()
	w.settle(t)
	got, err := w.sampler.Sample(t.Context())
	want := analysis.Counts{Requests: requests, Errors: errs, Timed: requests, Slow: slow, Threshold: threshold}
	if w.Untimed {
		want = analysis.Counts{Requests: requests, Errors: errs}
	}
	if err != nil || got.Counts != want {
		t.Fatalf("the sample is %+v (%v), want %+v", got, err, want)
	}
}

func (w *world) wantError(t *testing.T, noData bool) {
	t.Helper()
	w.settle(t)
	got, err := w.sampler.Sample(t.Context())
	if err == nil || errors.Is(err, analysis.ErrNoData) != noData {
		t.Fatalf("the sample is %+v, and the error %v; want one that is ErrNoData: %t", got, err, noData)
	}
}

func counted(t *testing.T, setup Setup) {
	w := newWorld(t, setup, 2)
	w.mark(t)
	w.want(t, 0, 0, 0)
	w.Instances[0].Serve(90, 200, fast)
	w.Instances[0].Serve(5, 404, fast)
	w.Instances[0].Serve(3, 500, fast)
	w.Instances[1].Serve(2, 503, slow)
	w.Instances[1].Serve(7, 200, slow)
	w.want(t, 107, 5, 9)
	w.want(t, 0, 0, 0)
	// A code that was never answered before.
	w.Instances[1].Serve(4, 502, fast)
	w.want(t, 4, 4, 0)
}

func thresholds(t *testing.T, setup Setup) {
	s := setup(t, 1)
	if s.Untimed {
		return
	}
	for wanted, used := range map[time.Duration]time.Duration{
		400 * time.Millisecond: 500 * time.Millisecond,
		// On a linear scale 100 ms would be nearer.
		170 * time.Millisecond: 250 * time.Millisecond,
		155 * time.Millisecond: 100 * time.Millisecond,
		50 * time.Millisecond:  100 * time.Millisecond,
		2 * time.Second:        time.Second,
		0:                      0,
	} {
		sampler := s.Metrics.Sampler(s.Placement, delivery.Measure{Threshold: wanted, Requests: true})
		w := world{Subject: s, sampler: sampler}
		w.mark(t)
		s.Instances[0].Serve(10, 200, fast)
		s.Instances[0].Serve(1, 200, 10*time.Second)
		w.settle(t)
		want := analysis.Counts{Requests: 11, Timed: 11, Slow: 1, Threshold: used}
		if used == 0 {
			want.Timed, want.Slow = 0, 0
		}
		if got, err := sampler.Sample(t.Context()); err != nil || got.Counts != want {
			t.Errorf("with a threshold of %s the sample is %+v (%v), want %+v", wanted, got, err, want)
		}
	}
}

// farBounds: a bound that is far from the threshold would judge something else.
func farBounds(t *testing.T, setup Setup) {
	for _, wanted := range []time.Duration{49 * time.Millisecond, 2100 * time.Millisecond} {
		w := world{Subject: setup(t, 1)}
		w.sampler = w.Metrics.Sampler(w.Placement, delivery.Measure{Threshold: wanted, Requests: true})
		w.Instances[0].Serve(1, 200, fast)
		w.wantError(t, true)
		_, err := w.sampler.Sample(t.Context())
		bounds := []string{wanted.String(), "100ms, 250ms, 500ms, 1s"}
		if w.Untimed {
			bounds = nil
		}
		for _, bound := range bounds {
			if err == nil || !strings.Contains(err.Error(), bound) {
				t.Errorf("with a threshold of %s: %v, which does not name %s", wanted, err, bound)
			}
		}
	}
}

func older(t *testing.T, setup Setup) {
	w := newWorld(t, setup, 1)
	w.Instances[0].Serve(1000, 500, slow)
	w.mark(t)
	w.Instances[0].Serve(1, 200, fast)
	w.want(t, 1, 0, 0)
}

func apart(t *testing.T, setup Setup) {
	w := newWorld(t, setup, 1)
	w.mark(t)
	w.Instances[0].Serve(10, 200, fast)
	other := world{Subject: w.Subject, sampler: w.Metrics.Sampler(w.Placement, w.measure())}
	other.mark(t)
	w.Instances[0].Serve(5, 500, slow)
	w.want(t, 15, 5, 5)
	other.want(t, 5, 5, 5)
}

func reset(t *testing.T, setup Setup) {
	w := newWorld(t, setup, 2)
	for _, i := range w.Instances {
		i.Serve(100, 200, slow)
		i.Serve(10, 500, fast)
	}
	w.mark(t)
	w.Instances[1].Serve(1, 200, fast)
	w.Instances[0].Restart()
	w.Instances[0].Serve(7, 200, fast)
	w.Instances[0].Serve(2, 500, slow)
	w.want(t, 10, 2, 2)
	w.Instances[0].Serve(1, 500, fast)
	w.want(t, 1, 1, 0)
}

func comesBack(t *testing.T, setup Setup) {
	w := newWorld(t, setup, 2)
	w.Instances[0].Serve(100, 500, slow)
	w.mark(t)
	w.Instances[0].Serve(3, 500, fast)
	w.want(t, 3, 3, 0)
	w.Instances[0].Reach(false)
	w.Instances[0].Serve(2, 500, fast)
	w.Instances[1].Serve(5, 200, fast)
	if w.Whole {
		w.wantError(t, false)
		w.Instances[0].Reach(true)
		w.want(t, 7, 2, 0)
		return
	}
	w.want(t, 5, 0, 0)
	// What it did meanwhile is not lost.
	w.Instances[0].Reach(true)
	w.want(t, 2, 2, 0)
}
