package prometheus

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
)

// count compares what was asked for with the marks.
func (r *reading) count(ctx context.Context, wanted map[string]query, a answer) error {
	r.next.requests, r.next.errors, r.next.slow = r.state.requests, r.state.errors, r.state.slow
	if q, asked := wanted[requestsPart]; asked {
		err := r.fresh(ctx, a.parts[requestsPart].newest)
		if err == nil {
			err = r.requests(q, a.parts[requestsPart])
		}
		if err == nil {
			err = r.errors(wanted, a.parts[errorsPart])
		}
		if err != nil && (r.measure.Requests || !errors.Is(err, analysis.ErrNoData)) {
			return fmt.Errorf("requests: %w", err)
		}
	}
	if q, asked := wanted[bucketsPart]; asked {
		err := r.fresh(ctx, a.parts[bucketsPart].newest)
		if err == nil {
			err = r.durations(q, a.parts[bucketsPart])
		}
		if err != nil {
			return fmt.Errorf("duration_buckets: %w", err)
		}
	}
	return nil
}

func (r *reading) requests(q query, p points) error {
	if len(p.series) == 0 {
		return r.nothing(q)
	}
	byCode := r.prometheus.queries.errors.template == nil
	codes, coded := r.prometheus.codes(p)
	if byCode && !coded && r.measure.Requests {
		return fmt.Errorf("%w: no series of %s has the label %s with the HTTP status, by which errors are known; set code_label, or queries.errors",
			analysis.ErrNoData, q.with(valuesOf(r.placement, 0)), r.prometheus.codeLabel())
	}
	counted, err := r.increases(&r.next.requests, q, p)
	if err != nil {
		return err
	}
	for series, n := range counted {
		r.counts.Requests += n
		if byCode && strings.HasPrefix(codes[series], "5") {
			r.counts.Errors += n
		}
	}
	return nil
}

// errors by a query of their own. No series of them are no errors: many programs make one with the first.
func (r *reading) errors(wanted map[string]query, p points) error {
	q, asked := wanted[errorsPart]
	if !asked {
		return nil
	}
	counted, err := r.increases(&r.next.errors, q, p)
	if err != nil {
		return fmt.Errorf("errors: %w", err)
	}
	for _, n := range counted {
		r.counts.Errors += n
	}
	// Extrapolated counts of the two need not fit.
	if !q.selector {
		r.counts.Errors = math.Min(r.counts.Errors, r.counts.Requests)
	}
	return nil
}

// increases of counters since mark, which moves on; what an expression says is taken as it is.
func (r *reading) increases(mark *counter[float64], q query, p points) (map[model.Fingerprint]float64, error) {
	values, targets, err := totals(p)
	if err != nil || !q.selector {
		return values, err
	}
	var counted map[model.Fingerprint]float64
	counted, *mark = mark.moved(values, targets, r.up, increase)
	return counted, nil
}

func (r *reading) durations(q query, p points) error {
	if len(p.series) == 0 {
		return r.nothing(q)
	}
	found, targets, bound, err := histograms(p, r.measure.Threshold)
	if err != nil {
		return err
	}
	if q.selector {
		found, r.next.slow = r.state.slow.moved(found, targets, r.up, durations.since)
	}
	for _, d := range found {
		r.counts.Timed += d.total
		r.counts.Slow += d.slow()
	}
	r.counts.Threshold = bound
	return nil
}

// nothing matches q.
func (r *reading) nothing(q query) error {
	return fmt.Errorf("%w: no series matches %s", analysis.ErrNoData, q.with(valuesOf(r.placement, window(0))))
}

// codes of series; coded tells whether any has one.
func (c *Prometheus) codes(p points) (codes map[model.Fingerprint]string, coded bool) {
	codes = map[model.Fingerprint]string{}
	for _, s := range p.series {
		code := string(s.labels[model.LabelName(c.codeLabel())])
		codes[s.labels.Fingerprint()] = code
		coded = coded || code != ""
	}
	return codes, coded
}

func (c *Prometheus) codeLabel() string {
	if c.definition.CodeLabel != "" {
		return c.definition.CodeLabel
	}
	return defaultCodeLabel
}
