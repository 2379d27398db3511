package delivery

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
)

// sampled is a source that has the same each time, after a while, or fails.
type sampled struct {
	after time.Duration
	fails bool
}

func (s *sampled) Sample(context.Context) (Sample, error) {
	time.Sleep(s.after)
	if s.fails {
		return Sample{}, errors.New("no answer")
	}
	return Sample{Counts: analysis.Counts{Requests: 10, Errors: 1}, Series: map[string]float64{"orders": 5, "queue": 7}}, nil
}

func (s *sampled) Total(context.Context) (analysis.Counts, error) { return analysis.Counts{}, nil }

// What stable did while the candidate could not be read is counted with the next sample that has both; a gauge is what it is now.
func TestSampleKeepsWhatStableDid(t *testing.T) {
	t.Parallel()
	ours, theirs := &sampled{fails: true}, &sampled{}
	j := &judge{spec: &AnalysisSpec{Config: analysis.Config{Business: map[string]analysis.BusinessRule{"queue": {Gauge: true}}}}, ours: ours, theirs: theirs}
	for range 3 {
		if s := j.sample(t.Context()); s.err == nil {
			t.Fatal("there is a sample of a candidate that cannot be read")
		}
	}
	theirs.fails = true
	if s := j.sample(t.Context()); s.err == nil || !s.unmeasured {
		t.Errorf("%+v", s)
	}
	ours.fails, theirs.fails = false, false
	for n, requests := range []float64{40, 10} {
		s := j.sample(t.Context())
		if s.err != nil || s.ours.Requests != 10 || s.theirs.Requests != requests || s.theirs.Series["orders"] != requests/2 || s.theirs.Series["queue"] != 7 {
			t.Errorf("sample %d: %+v", n, s)
		}
	}
}

// Both sides are read at a time: a machine that is silent is waited for once.
func TestBothSidesAreReadAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := &judge{spec: &AnalysisSpec{}, ours: &sampled{after: 5 * time.Second}, theirs: &sampled{after: 5 * time.Second}}
		began := time.Now()
		if s := j.sample(t.Context()); s.err != nil || time.Since(began) > 5*time.Second {
			t.Errorf("after %s: %v", time.Since(began), s.err)
		}
	})
}
