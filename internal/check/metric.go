package check

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

var (
	seriesPattern = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)
	labelPattern  = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
)

// metricCheck compares a scraped series with bounds.
type metricCheck struct{ service.MetricCheck }

func (c metricCheck) problems(add func(detail string, path ...string)) {
	if !seriesPattern.MatchString(c.Name) {
		add(fmt.Sprintf("%q is not the name of a series: write it as the instances expose it, such as http_requests_total", c.Name), "name")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Labels)) {
		if !labelPattern.MatchString(name) {
			add(fmt.Sprintf("%q is not the name of a label", name), "labels", name)
		}
	}
	switch {
	case c.Rate:
		positive(add, c.Window, "window")
	case c.Window != 0:
		add("a window counts with rate = true alone: set that, or leave the window out", "window")
	}
	if c.Min == nil && c.Max == nil {
		add("give at least one of min and max: without a bound nothing could fail")
	}
	for name, bound := range map[string]*float64{"min": c.Min, "max": c.Max} {
		if bound != nil && (math.IsNaN(*bound) || math.IsInf(*bound, 0)) {
			add("give a finite number", name)
		}
	}
	if c.Min != nil && c.Max != nil && *c.Min > *c.Max {
		add(fmt.Sprintf("%g is above max, %g: no value could pass", *c.Min, *c.Max), "min")
	}
}

func (c metricCheck) asked(t delivery.Target) string {
	labels := make([]string, 0, len(c.Labels))
	for _, name := range slices.Sorted(maps.Keys(c.Labels)) {
		labels = append(labels, fmt.Sprintf("%s=%q", name, c.Labels[name]))
	}
	series := c.Name
	if len(labels) > 0 {
		series += "{" + strings.Join(labels, ",") + "}"
	}
	if c.Rate {
		series += fmt.Sprintf(" per second over %s", c.Window)
	}
	return fmt.Sprintf("%s %s of %s", series, c.bounds(), ofWhom(t))
}

func (c metricCheck) bounds() string {
	var bounds []string
	if c.Min != nil {
		bounds = append(bounds, fmt.Sprintf("at least %g", *c.Min))
	}
	if c.Max != nil {
		bounds = append(bounds, fmt.Sprintf("at most %g", *c.Max))
	}
	return strings.Join(bounds, " and ")
}

func (c metricCheck) ask(ctx context.Context, t delivery.Target) outcome {
	if _, err := instances(t); err != nil {
		return failed("%v", err)
	}
	if t.Metrics == nil {
		return failed("the service has no metrics: declare metrics = { scrape = { … } } in its deploy_service")
	}
	value, series, err := c.value(ctx, t)
	if err == nil && c.Rate {
		value, series, err = c.rate(ctx, t, value, series)
	}
	if err != nil {
		return failed("%v", err)
	}
	got := fmt.Sprintf("%g over %d series, wanted is %s", value, series, c.bounds())
	// Written so that a value that compares with nothing (NaN) does not pass.
	inside := (c.Min == nil || value >= *c.Min) && (c.Max == nil || value <= *c.Max)
	if !inside {
		return failed("%s", got)
	}
	return passed("%s", got)
}

// value reads the sum once. No series is an error.
func (c metricCheck) value(ctx context.Context, t delivery.Target) (float64, int, error) {
	ctx, cancel := context.WithTimeout(ctx, service.MetricCheckTimeout)
	defer cancel()
	sum, found, err := t.Metrics.Value(ctx, t.Release.Placement, c.Name, c.Labels)
	switch {
	case errors.Is(err, analysis.ErrNoData), err == nil && found == 0:
		return 0, 0, errors.New("no series matches")
	case err != nil:
		return 0, 0, fmt.Errorf("the metrics cannot be read: %w", err)
	}
	return sum, found, nil
}

// rate reads again after the window. A sum that went down, or series that went away, are a counter that began anew in
// between: nothing was measured then.
func (c metricCheck) rate(ctx context.Context, t delivery.Target, before float64, seriesBefore int) (float64, int, error) {
	started := time.Now()
	timer := time.NewTimer(c.Window.D())
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return 0, 0, fmt.Errorf("interrupted: %w", ctx.Err())
	}
	after, series, err := c.value(ctx, t)
	if err != nil {
		return 0, 0, err
	}
	if after < before || series < seriesBefore {
		return 0, 0, fmt.Errorf("no rate: it went from %g over %d series to %g over %d, so an instance has started anew", before, seriesBefore, after, series)
	}
	return (after - before) / time.Since(started).Seconds(), series, nil
}
