package delivery_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// surveyed is the world's connector with metrics that note what they are asked.
type surveyed struct {
	*connector
	without bool
	err     error

	of      service.ReleaseID
	measure delivery.Measure
	bounded bool
}

func (s *surveyed) Adapters(d service.Definition) (delivery.Adapters, error) {
	a, err := s.connector.Adapters(d)
	a.Metrics = surveyedMetrics{metrics{s.connector}, s}
	if s.without {
		a.Metrics = nil
	}
	return a, err
}

type surveyedMetrics struct {
	metrics
	to *surveyed
}

func (m surveyedMetrics) Survey(ctx context.Context, p service.Placement, measure delivery.Measure) (delivery.MetricsSurvey, error) {
	m.to.of, m.to.measure = p.Release, measure
	deadline, bounded := ctx.Deadline()
	m.to.bounded = bounded && time.Until(deadline) <= 10*time.Second
	return delivery.MetricsSurvey{Threshold: 3 * time.Second, Unknown: []string{"it is not there"}}, m.to.err
}

func TestSurveyMetrics(t *testing.T) {
	t.Parallel()
	release := func(version string, at service.Placement) map[service.ReleaseID]service.Release {
		return map[service.ReleaseID]service.Release{releaseOf(version): {ID: releaseOf(version), Placement: at}}
	}
	placed := service.Placement{Release: releaseOf("1"), Slot: "blue"}
	stands := ledger.State{Definition: &service.Definition{ID: web}, Stable: releaseOf("1"), Releases: release("1", placed)}
	spec := delivery.AnalysisSpec{Config: analysis.Config{
		Latency:  &analysis.LatencyRule{Threshold: 2 * time.Second},
		Business: map[string]analysis.BusinessRule{"orders": {Query: "orders_total"}, "queue": {Query: "queue_length", Gauge: true}},
	}}
	all := delivery.Measure{Requests: true, Threshold: 2 * time.Second, Series: map[string]delivery.Series{"orders": {Query: "orders_total"}, "queue": {Query: "queue_length", Gauge: true}}}
	broken := errors.New("it does not answer")
	for name, test := range map[string]struct {
		state   ledger.State
		without bool
		err     error
		spec    delivery.AnalysisSpec
		want    *delivery.Measure // nil: nobody is asked.
	}{
		"all of it": {state: stands, spec: spec, want: &all},
		"errors alone": {
			state: stands, spec: delivery.AnalysisSpec{Config: analysis.Config{Errors: &analysis.ErrorRule{VersusStable: true}}},
			want: &delivery.Measure{Requests: true, Series: map[string]delivery.Series{}},
		},
		"a source that is gone":    {state: stands, spec: spec, err: broken, want: &all},
		"a service without":        {state: stands, without: true},
		"a first release":          {state: ledger.State{Definition: stands.Definition}},
		"a service to come":        {state: ledger.State{}},
		"a release of no place":    {state: ledger.State{Definition: stands.Definition, Stable: releaseOf("1"), Releases: release("1", service.Placement{})}},
		"a release without record": {state: ledger.State{Definition: stands.Definition, Stable: releaseOf("1")}},
	} {
		t.Run(name, func(t *testing.T) {
			s := &surveyed{connector: &connector{world: newWorld(), process: &process{}}, without: test.without, err: test.err}
			run := delivery.NewRun(newMemoryStore(), s, ledger.ThisProcess("terraform"), ledger.Terms{})
			survey, err := run.Service(web).SurveyMetrics(t.Context(), ledger.View{State: test.state}, test.spec)
			if !errors.Is(err, test.err) || (err == nil) != (test.err == nil) {
				t.Fatalf("got %v, want %v", err, test.err)
			}
			if test.want == nil {
				if s.of != "" || len(survey.Unknown) > 0 {
					t.Errorf("%s was asked, and %+v is the answer", s.of, survey)
				}
				return
			}
			if diff := cmp.Diff(*test.want, s.measure); diff != "" || s.of != releaseOf("1") || !s.bounded {
				t.Errorf("%q was asked, bounded in time: %v (-want +got)\n%s", s.of, s.bounded, diff)
			}
			if err == nil && len(survey.Unknown) != 1 {
				t.Errorf("got %+v", survey)
			}
		})
	}
}
