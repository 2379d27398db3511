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
		sample.Requests = 7
	}
	if len(s.asked.Series) > 0 {
		sample.Series = map[string]float64{"orders": 3}
	}
	return sample, s.err
}

func (s *source) Total(context.Context) (analysis.Counts, error) {
	return analysis.Counts{Requests: 70}, s.err
}

var both = delivery.Measure{Requests: true, Threshold: time.Second, Series: map[string]delivery.Series{"orders": {Query: "orders"}}}

func TestEachIsAskedForItsOwn(t *testing.T) {
	requests, business := &source{}, &source{}
	s := combined.New(requests, business).Sampler(service.Placement{}, both)
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
	alone := combined.New(requests, business).Sampler(service.Placement{}, delivery.Measure{Series: both.Series})
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
	if _, err := combined.New(requests, business).Sampler(service.Placement{}, both).Sample(t.Context()); !errors.Is(err, broken) || business.samples != 0 {
		t.Errorf("expositions that fail: %v, and the server was asked %d times", err, business.samples)
	}
	requests, business = &source{}, &source{err: broken}
	metrics := combined.New(requests, business)
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
		2: combined.New(&source{found: 2}, &source{found: 5}), 5: combined.New(&source{}, &source{found: 5}),
	} {
		if _, found, err := metrics.Value(t.Context(), service.Placement{}, "x", nil); err != nil || found != want {
			t.Errorf("%d series (%v), want %d", found, err, want)
		}
	}
}

func TestSurveyIsThatOfBoth(t *testing.T) {
	requests := &source{survey: delivery.MetricsSurvey{Threshold: time.Second, Unknown: []string{"a"}}}
	business := &source{survey: delivery.MetricsSurvey{Unknown: []string{"b"}, Resolution: 15 * time.Second}}
	got, err := combined.New(requests, business).Survey(t.Context(), service.Placement{}, both)
	if err != nil || got.Threshold != time.Second || len(got.Unknown) != 2 || got.Resolution != 0 || len(got.Notes) != 1 {
		t.Errorf("the survey is %+v (%v)", got, err)
	}
	got, err = combined.New(requests, &source{err: errors.New("not asked")}).Survey(t.Context(), service.Placement{}, delivery.Measure{Requests: true})
	if err != nil || len(got.Unknown) != 1 {
		t.Errorf("without business the survey is %+v (%v)", got, err)
	}
}
