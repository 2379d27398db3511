package metrictest

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
)

// query of a series.
func (s Subject) query(name, labels string) string {
	switch {
	case s.Query != nil:
		return s.Query(name, labels)
	case labels == "":
		return name
	}
	return name + "{" + labels + "}"
}

// orders are the business series of the contract.
func (s Subject) orders() map[string]delivery.Series {
	return map[string]delivery.Series{
		"paid":  {Query: s.query("orders_total", `kind="paid"`)},
		"all":   {Query: s.query("orders_total", "")},
		"queue": {Query: s.query("queue_length", ""), Gauge: true},
	}
}

// wantSeries takes a sample. A value that is nil is wanted to be missing, by an error that is ErrNoData where noData says so.
func (w *world) wantSeries(t *testing.T, requests float64, noData bool, want map[string]any) {
	t.Helper()
	w.settle(t)
	got, err := w.sampler.Sample(t.Context())
	if err != nil || got.Requests != requests {
		t.Fatalf("the sample is %+v (%v), want %g requests", got, err, requests)
	}
	for name, value := range want {
		v, found := got.Series[name]
		switch {
		case value == nil && (found || got.Missing[name] == nil || errors.Is(got.Missing[name], analysis.ErrNoData) != noData):
			t.Errorf("%s is %g (%v), want it missing, as no data: %t", name, v, got.Missing[name], noData)
		case value != nil && (!found || v != value || got.Missing[name] != nil):
			t.Errorf("%s is %g, there: %t (%v), want %v", name, v, found, got.Missing[name], value)
		}
	}
}

func business(t *testing.T, setup Setup) {
	w := newWorld(t, setup, 2)
	if w.Own {
		foreign(t, w)
		return
	}
	w.sampler = w.Metrics.Sampler(w.Placement, delivery.Measure{Requests: true, Series: w.orders()})
	first, second := w.Instances[0], w.Instances[1]
	// What is not there spoils nothing, and sets a mark at which it was not.
	w.wantSeries(t, 0, true, map[string]any{"paid": nil, "all": nil, "queue": nil})
	first.Serve(5, 200, fast)
	first.Count("paid", 3)
	second.Count("refused", 9)
	first.Set(10)
	second.Set(20)
	w.wantSeries(t, 5, false, map[string]any{"paid": 3., "all": 12., "queue": 15.})
	w.wantSeries(t, 0, false, map[string]any{"paid": 0., "all": 0., "queue": 15.})
	second.Count("paid", 4)
	w.wantSeries(t, 0, false, map[string]any{"paid": 4., "all": 4.})
	// Both are out of reach, and then one of them is a new process.
	for _, i := range w.Instances {
		i.Reach(false)
	}
	w.wantError(t, false)
	first.Restart()
	first.Count("paid", 2)
	second.Count("paid", 1)
	for _, i := range w.Instances {
		i.Reach(true)
	}
	w.wantSeries(t, 0, false, map[string]any{"paid": 3., "all": 3., "queue": 20.})
	// What is no number keeps the mark of all instances, and is no missing data.
	first.Set(math.Inf(1))
	second.Serve(2, 500, slow)
	w.wantSeries(t, 2, false, map[string]any{"paid": 0., "queue": nil})
	first.Set(2)
	second.Set(4)
	first.Count("paid", math.NaN())
	second.Count("paid", 8)
	second.Serve(1, 200, fast)
	w.wantSeries(t, 1, false, map[string]any{"paid": nil, "queue": 3.})
	first.Restart()
	first.Count("paid", 1)
	w.wantSeries(t, 0, false, map[string]any{"paid": 9.})
}

func businessAlone(t *testing.T, setup Setup) {
	w := newWorld(t, setup, 1)
	if w.Own {
		foreign(t, w)
		return
	}
	w.sampler = w.Metrics.Sampler(w.Placement, delivery.Measure{Series: w.orders()})
	w.Instances[0].Forget()
	w.Instances[0].Count("paid", 100)
	w.wantSeries(t, 0, true, map[string]any{"paid": 0., "all": 0., "queue": nil})
	w.Instances[0].Count("paid", 1)
	w.wantSeries(t, 0, true, map[string]any{"paid": 1., "all": 1., "queue": nil})
}

func survey(t *testing.T, setup Setup) {
	w := newWorld(t, setup, 2)
	if w.Own {
		foreignSurvey(t, w)
		return
	}
	w.Instances[1].Count("paid", 1)
	w.Instances[0].Set(1)
	w.settle(t)
	series := w.orders()
	ask := func(m delivery.Measure) delivery.MetricsSurvey {
		t.Helper()
		s, err := w.Metrics.Survey(t.Context(), w.Placement, m)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if s := ask(delivery.Measure{Requests: true, Threshold: 400 * time.Millisecond, Series: series}); s.Threshold != 500*time.Millisecond || len(s.Unknown) > 0 {
		t.Errorf("where all is there the survey is %+v", s)
	}
	if s := ask(delivery.Measure{Requests: true}); s.Threshold != 0 || len(s.Unknown) > 0 {
		t.Errorf("where nothing is asked for the survey is %+v", s)
	}
	series["lost"] = delivery.Series{Query: w.query("order_total", "")}
	series["unlike"] = delivery.Series{Query: w.query("orders_total", `kind="lost"`)}
	s := ask(delivery.Measure{Threshold: 10 * time.Second, Series: series})
	if s.Threshold != 0 || len(s.Unknown) != 3 {
		t.Fatalf("the survey is %+v, want three that are unknown and no threshold", s)
	}
	for i, wants := range [][]string{{"10s", "100ms, 250ms, 500ms, 1s"}, {"lost", "order_total", "orders_total"}, {"unlike", `kind="lost"`}} {
		for _, want := range wants {
			if !strings.Contains(s.Unknown[i], want) {
				t.Errorf("the survey says %q, which does not name %s", s.Unknown[i], want)
			}
		}
	}
	for _, i := range w.Instances {
		i.Forget()
	}
	w.settle(t)
	s = ask(delivery.Measure{Requests: true})
	if !slices.ContainsFunc(s.Unknown, func(text string) bool { return strings.Contains(text, w.Requests) }) {
		t.Errorf("without series of requests the survey is %+v", s)
	}
}

// foreign: a series that a source of its own series alone does not have spoils nothing else, and is no data.
func foreign(t *testing.T, w *world) {
	t.Helper()
	for requests, measure := range map[float64]delivery.Measure{2: {Requests: true, Series: w.orders()}, 0: {Series: w.orders()}} {
		w.sampler = w.Metrics.Sampler(w.Placement, measure)
		missing := map[string]any{"paid": nil, "all": nil, "queue": nil}
		w.wantSeries(t, 0, true, missing)
		w.Instances[0].Serve(2, 200, fast)
		w.wantSeries(t, requests, true, missing)
	}
}

// foreignSurvey: what there is not is said, each with its name, and so is a threshold where there are no durations.
func foreignSurvey(t *testing.T, w *world) {
	t.Helper()
	s, err := w.Metrics.Survey(t.Context(), w.Placement, delivery.Measure{Requests: true, Threshold: threshold, Series: w.orders()})
	if err != nil || s.Threshold != 0 || len(s.Unknown) != 4 {
		t.Fatalf("the survey is %+v (%v), want four that are unknown", s, err)
	}
	for i, name := range []string{"all", "paid", "queue"} {
		if !strings.HasPrefix(s.Unknown[i+1], name+":") {
			t.Errorf("the survey says %q, which does not name %s", s.Unknown[i+1], name)
		}
	}
	for _, i := range w.Instances {
		i.Forget()
	}
	w.settle(t)
	if s, err = w.Metrics.Survey(t.Context(), w.Placement, delivery.Measure{Requests: true}); err != nil || len(s.Unknown) == 0 {
		t.Errorf("of instances that are not known the survey is %+v (%v)", s, err)
	}
}
