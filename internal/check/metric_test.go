package check_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

type reading struct {
	sum   float64
	found int
	err   error
}

// series gives one reading after the other, then the last again: a source of metrics that a test holds in its hand. The
// real one is tested with its package.
type series struct {
	delivery.Metrics
	readings *[]reading
}

func (s series) Value(context.Context, service.Placement, string, map[string]string) (float64, int, error) {
	r := (*s.readings)[0]
	if len(*s.readings) > 1 {
		*s.readings = (*s.readings)[1:]
	}
	return r.sum, r.found, r.err
}

func TestMetric(t *testing.T) {
	value := &service.MetricCheck{Name: "queue", Min: pointer(1.0), Max: pointer(5.0)}
	rate := &service.MetricCheck{Name: "requests", Rate: true, Window: service.Duration(10 * time.Millisecond), Min: pointer(1.0)}
	for name, c := range map[string]struct {
		check    *service.MetricCheck
		readings []reading
		why      string
	}{
		"inside":            {value, []reading{{sum: 3, found: 2}}, ""},
		"on the bound":      {value, []reading{{sum: 5, found: 2}}, ""},
		"above":             {value, []reading{{sum: 5.5, found: 1}}, "5.5 over 1 series"},
		"below":             {value, []reading{{sum: 0.5, found: 1}}, "0.5 over 1 series"},
		"no number":         {value, []reading{{sum: math.NaN(), found: 1}}, "NaN"},
		"no series":         {value, []reading{{sum: 3}}, "no series"},
		"no data":           {value, []reading{{err: analysis.ErrNoData}}, "no series"},
		"no answer":         {value, []reading{{err: errors.New("refused")}}, "refused"},
		"rate":              {rate, []reading{{sum: 10, found: 1}, {sum: 10 + 1e9, found: 1}}, ""},
		"rate, new series":  {rate, []reading{{sum: 10, found: 1}, {sum: 10 + 1e9, found: 2}}, ""},
		"rate of nothing":   {rate, []reading{{sum: 10, found: 1}}, "0 over 1 series"},
		"rate, reset":       {rate, []reading{{sum: 10, found: 1}, {sum: 9, found: 1}}, "started anew"},
		"rate, series gone": {rate, []reading{{sum: 10, found: 2}, {sum: 1e9, found: 1}}, "started anew"},
		"rate, then gone":   {rate, []reading{{sum: 10, found: 2}, {}}, "no series"},
	} {
		t.Run(name, func(t *testing.T) {
			to := target("127.0.0.1:1")
			to.Metrics = series{readings: &c.readings}
			r := run(t, service.Check{Metric: c.check}, to)
			if c.why == "" {
				wantPass(t, r, "series, wanted is")
				return
			}
			wantFail(t, r, c.why)
		})
	}
	wantFail(t, run(t, service.Check{Metric: value}, target("127.0.0.1:1")), "no metrics")
}

func TestMetricRateIsPerSecond(t *testing.T) {
	// Over at least a tenth of a second, 1000 more are at most 10,000 a second and, without dividing, 1000.
	c := &service.MetricCheck{Name: "requests", Rate: true, Window: service.Duration(100 * time.Millisecond), Min: pointer(1000.5), Max: pointer(10_000.0)}
	to := target("127.0.0.1:1")
	to.Metrics = series{readings: &[]reading{{found: 1}, {sum: 1000, found: 1}}}
	r := run(t, service.Check{Metric: c}, to)
	// A machine that stalls for longer than 0.9 s measures less: that is no fault of the division.
	if !r.Passed && r.Took < 900*time.Millisecond {
		t.Errorf("failed: %s", r.Got)
	}
	if r.Took < 100*time.Millisecond {
		t.Errorf("the window took %s", r.Took)
	}
}
