package combined_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/metric/combined"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// source answers what it is told to, and notes what it was asked.
type source struct {
	asked   delivery.Measure
	samples int
	err     error
	found   int
	survey  delivery.MetricsSurvey
	// series are what it tells where it is asked for some; nil: three orders.
	series  map[string]float64
	missing map[string]error
}

func (s *source) Sampler(_ service.Placement, m delivery.Measure) delivery.Sampler {
	s.asked = m
	return s
}

func (s *source) Value(context.Context, service.Placement, string, map[string]string) (float64, int, error) {
	return float64(s.found), s.found, s.err
}

func (s *source) Survey(_ context.Context, _ service.Placement, m delivery.Measure) (delivery.MetricsSurvey, error) {
	s.asked = m
	return s.survey, s.err
}

func (s *source) Sample(context.Context) (delivery.Sample, error) {
	s.samples++
	sample := delivery.Sample{}
	if s.asked.Requests {
		sample.Requests, sample.Errors = 7, 1
	}
	if s.asked.Threshold > 0 {
		sample.Timed, sample.Slow, sample.Threshold = 5, 2, s.asked.Threshold
	}
	if len(s.asked.Series) > 0 {
		sample.Series, sample.Missing = s.series, s.missing
		if s.series == nil && s.missing == nil {
			sample.Series = map[string]float64{"orders": 3}
		}
	}
	return sample, s.err
}

func (s *source) Total(context.Context) (analysis.Counts, error) {
	return analysis.Counts{Requests: 70, Timed: 60, Slow: 1}, s.err
}

// two sources, the first with requests and latency.
func two(requests, business *source) *combined.Combined {
	return combined.New(requests, requests, business)
}

var both = delivery.Measure{Requests: true, Threshold: time.Second, Series: map[string]delivery.Series{"orders": {Query: "orders"}}}

func TestEachIsAskedForItsOwn(t *testing.T) {
	requests, business := &source{}, &source{}
	s := two(requests, business).Sampler(service.Placement{}, both)
	got, err := s.Sample(t.Context())
	if err != nil || got.Requests != 7 || got.Series["orders"] != 3 {
		t.Errorf("the sample is %+v (%v)", got, err)
	}
	if requests.asked.Series != nil || !requests.asked.Requests || requests.asked.Threshold != time.Second || business.asked.Requests || business.asked.Threshold != 0 {
		t.Errorf("they were asked for %+v and %+v", requests.asked, business.asked)
	}
	if total, err := s.Total(t.Context()); err != nil || total.Requests != 70 {
		t.Errorf("the total is %+v (%v)", total, err)
	}
	// Business alone asks the expositions for nothing.
	alone := two(requests, business).Sampler(service.Placement{}, delivery.Measure{Series: both.Series})
	before := requests.samples
	if got, err := alone.Sample(t.Context()); err != nil || got.Series["orders"] != 3 || requests.samples != before {
		t.Errorf("business alone is %+v (%v)", got, err)
	}
	if _, err := alone.Total(t.Context()); err == nil {
		t.Error("there is a total of requests that nobody counts")
	}
}

func TestFailures(t *testing.T) {
	broken := errors.New("broken")
	requests, business := &source{err: broken}, &source{}
	if _, err := two(requests, business).Sampler(service.Placement{}, both).Sample(t.Context()); !errors.Is(err, broken) || business.samples != 0 {
		t.Errorf("expositions that fail: %v, and the server was asked %d times", err, business.samples)
	}
	requests, business = &source{}, &source{err: broken}
	metrics := two(requests, business)
	got, err := metrics.Sampler(service.Placement{}, both).Sample(t.Context())
	if err != nil || got.Requests != 7 || !errors.Is(got.Missing["orders"], broken) {
		t.Errorf("with a server that fails the sample is %+v (%v)", got, err)
	}
	if _, err := metrics.Sampler(service.Placement{}, delivery.Measure{Series: both.Series}).Sample(t.Context()); !errors.Is(err, broken) {
		t.Errorf("business alone: %v", err)
	}
}

func TestValueIsTheNearest(t *testing.T) {
	for want, metrics := range map[int]*combined.Combined{
		2: two(&source{found: 2}, &source{found: 5}), 5: two(&source{}, &source{found: 5}),
	} {
		if _, found, err := metrics.Value(t.Context(), service.Placement{}, "x", nil); err != nil || found != want {
			t.Errorf("%d series (%v), want %d", found, err, want)
		}
	}
}

func TestSurveyIsThatOfBoth(t *testing.T) {
	requests := &source{survey: delivery.MetricsSurvey{Threshold: time.Second, Unknown: []string{"a"}}}
	business := &source{survey: delivery.MetricsSurvey{Unknown: []string{"b"}, Resolution: 15 * time.Second}}
	got, err := two(requests, business).Survey(t.Context(), service.Placement{}, both)
	if err != nil || got.Threshold != time.Second || len(got.Unknown) != 2 || got.Resolution != 0 || len(got.Notes) != 1 {
		t.Errorf("the survey is %+v (%v)", got, err)
	}
	got, err = two(requests, &source{err: errors.New("not asked")}).Survey(t.Context(), service.Placement{}, delivery.Measure{Requests: true})
	if err != nil || len(got.Unknown) != 1 {
		t.Errorf("without business the survey is %+v (%v)", got, err)
	}
}

// Three sources: each is asked for its own alone, and of what it counts beside nothing is taken.
func TestThreeSources(t *testing.T) {
	requests, latency, business := &source{}, &source{}, &source{}
	sampler := combined.New(requests, latency, business).Sampler(service.Placement{}, both)
	want := analysis.Counts{Requests: 7, Errors: 1, Timed: 5, Slow: 2, Threshold: time.Second}
	if got, err := sampler.Sample(t.Context()); err != nil || got.Counts != want || got.Series["orders"] != 3 {
		t.Errorf("the sample is %+v (%v)", got, err)
	}
	for what, ok := range map[string]bool{
		"requests": requests.asked.Requests && requests.asked.Threshold == 0 && requests.asked.Series == nil,
		"latency":  !latency.asked.Requests && latency.asked.Threshold == time.Second && latency.asked.Series == nil,
		"business": !business.asked.Requests && business.asked.Threshold == 0 && len(business.asked.Series) == 1,
	} {
		if !ok {
			t.Errorf("the source of %s is asked for something else: %+v, %+v, %+v", what, requests.asked, latency.asked, business.asked)
		}
	}
	if total, err := sampler.Total(t.Context()); err != nil || total != (analysis.Counts{Requests: 70, Timed: 60, Slow: 1}) {
		t.Errorf("the total is %+v (%v)", total, err)
	}
	latency.err = errors.New("broken")
	if total, err := sampler.Total(t.Context()); err != nil || total != (analysis.Counts{Requests: 70}) {
		t.Errorf("without latency the total is %+v (%v)", total, err)
	}
	requests.err = latency.err
	if _, err := sampler.Total(t.Context()); err == nil {
		t.Error("there is a total without requests")
	}
}

// Where latency cannot be told the sample fails, and what was counted meanwhile is told by the next one.
func TestHeldCounts(t *testing.T) {
	broken := errors.New("broken")
	requests, rest := &source{}, &source{err: broken}
	sampler := combined.New(requests, rest, rest).Sampler(service.Placement{}, both)
	if _, err := sampler.Sample(t.Context()); !errors.Is(err, broken) {
		t.Errorf("latency that fails at first: %v", err)
	}
	rest.err = nil
	if got, err := sampler.Sample(t.Context()); err != nil || got.Requests != 0 || got.Errors != 0 || got.Timed != 0 {
		t.Errorf("the sample that sets the mark is %+v (%v)", got, err)
	}
	rest.err = broken
	for range 2 {
		if _, err := sampler.Sample(t.Context()); !errors.Is(err, broken) {
			t.Errorf("latency that fails: %v", err)
		}
	}
	requests.err = broken
	asked := rest.samples
	if _, err := sampler.Sample(t.Context()); !errors.Is(err, broken) || rest.samples != asked {
		t.Errorf("requests that fail: %v, and the source behind was asked %d times", err, rest.samples-asked)
	}
	requests.err, rest.err = nil, nil
	if got, err := sampler.Sample(t.Context()); err != nil || got.Requests != 21 || got.Errors != 3 || got.Timed != 5 || got.Series["orders"] != 3 {
		t.Errorf("the sample after that is %+v (%v), want what was counted in three", got, err)
	}
	if got, err := sampler.Sample(t.Context()); err != nil || got.Requests != 7 {
		t.Errorf("the one after that is %+v (%v)", got, err)
	}
}

// How often a source has something new matters where it is the first, and is said else.
func TestResolutionOfThree(t *testing.T) {
	slow := &source{survey: delivery.MetricsSurvey{Resolution: 15 * time.Second, Threshold: time.Second}}
	got, err := combined.New(&source{}, slow, slow).Survey(t.Context(), service.Placement{}, both)
	if err != nil || got.Resolution != 0 || got.Threshold != time.Second || len(got.Notes) != 1 || got.Notes[0] != "durations and business series have something new every 15s" {
		t.Errorf("the survey is %+v (%v)", got, err)
	}
	got, err = combined.New(&source{}, slow, slow).Survey(t.Context(), service.Placement{}, delivery.Measure{Series: both.Series})
	if err != nil || got.Resolution != 15*time.Second || len(got.Notes) != 0 {
		t.Errorf("of business series alone the survey is %+v (%v)", got, err)
	}
}

// The source of business may be that of requests, with latency by another one: its series stand, and what it told in a sample that failed
// for the sake of latency is in the next one.
func TestBusinessBesideRequests(t *testing.T) {
	broken, none := errors.New("broken"), errors.New("not there")
	measure := both
	measure.Series = map[string]delivery.Series{"orders": {Query: "orders"}, "queue": {Query: "queue", Gauge: true}}
	requests, latency := &source{}, &source{}
	sampler := combined.New(requests, latency, requests).Sampler(service.Placement{}, measure)
	sample := func(orders, queue float64, fails error) (delivery.Sample, error) {
		requests.series, latency.err = map[string]float64{"orders": orders, "queue": queue}, fails
		return sampler.Sample(t.Context())
	}
	want := func(what string, orders, queue float64) func(got delivery.Sample, err error) {
		return func(got delivery.Sample, err error) {
			t.Helper()
			if err != nil || got.Series["orders"] != orders || got.Series["queue"] != queue || got.Requests == 0 && orders > 0 {
				t.Errorf("%s: %+v (%v), want %v orders and a queue of %v", what, got, err, orders, queue)
			}
		}
	}
	if _, err := sample(0, 4, broken); !errors.Is(err, broken) {
		t.Fatalf("latency that fails at first: %v", err)
	}
	want("the sample that sets the mark", 0, 5)(sample(3, 5, nil))
	want("one after it", 3, 6)(sample(3, 6, nil))
	for _, orders := range []float64{3, 4} {
		if _, err := sample(orders, 7, broken); !errors.Is(err, broken) {
			t.Fatalf("latency that fails: %v", err)
		}
	}
	want("what was told in three samples", 12, 8)(sample(5, 8, nil))
	want("nothing is told twice", 5, 8)(sample(5, 8, nil))

	// What has no value in the sample behind one that failed is in the one behind that.
	if _, err := sample(5, 9, broken); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	requests.missing = map[string]error{"orders": none}
	requests.series, latency.err = nil, nil
	if got, err := sampler.Sample(t.Context()); err != nil || !errors.Is(got.Missing["orders"], none) || got.Series["queue"] != 9 {
		t.Errorf("with orders missing the sample is %+v (%v)", got, err)
	}
	requests.missing = nil
	want("orders are there again", 11, 9)(sample(6, 9, nil))
}
