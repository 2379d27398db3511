package delivery

import (
	"cmp"
	"context"
	"maps"
	"math"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
)

// measure is what the analysis asks of a source.
func (s *AnalysisSpec) measure() Measure {
	m := Measure{Requests: s.Errors != nil || s.Latency != nil, Series: map[string]Series{}}
	if s.Latency != nil {
		m.Threshold = s.Latency.Threshold
	}
	for name, b := range s.Business {
		m.Series[name] = Series{Query: b.Query, Gauge: b.Gauge}
		m.Requests = m.Requests || !b.Gauge // A counter is judged for each request.
	}
	return m
}

// samples are what both sides did. unmeasured: that of stable could not be read.
type samples struct {
	ours, theirs Sample
	unmeasured   bool
	// at is when they were taken.
	at time.Time
	// err is why there are none.
	err error
}

// sample reads both sides at a time: a machine that is silent is waited for once. Stable only serves for comparison: without it the absolute
// limits still hold.
func (j *judge) sample(ctx context.Context) (s samples) {
	var theirs func() (err error)
	if j.theirs != nil {
		theirs = beside(func() (err error) {
			s.theirs, err = j.theirs.Sample(ctx)
			return err
		})
	}
	ours, err := j.ours.Sample(ctx)
	if theirs != nil {
		s.unmeasured = theirs() != nil
	}
	s.ours, s.err, s.at = ours, cmp.Or(err, ctx.Err()), time.Now()
	j.keep(&s)
	return s
}

// keep keeps what stable did while the candidate could not be read for the next sample, which counts what that did meanwhile.
func (j *judge) keep(s *samples) {
	if s.unmeasured {
		s.theirs = Sample{}
		return
	}
	s.theirs.Counts, s.theirs.Series = j.kept.Counts.Add(s.theirs.Counts), maps.Clone(s.theirs.Series)
	rest := map[string]float64{}
	for name, before := range j.kept.Series {
		if _, measured := s.theirs.Series[name]; !measured {
			rest[name] = before
		} else if !j.spec.Business[name].Gauge {
			s.theirs.Series[name] += before
		}
	}
	j.kept = Sample{Series: rest}
	if s.err != nil {
		maps.Copy(rest, s.theirs.Series)
		j.kept.Counts = s.theirs.Counts
	}
}

// look is what the analysis is shown of the samples.
func (s samples) look(took time.Duration) analysis.Look {
	l := analysis.Look{Took: took, Candidate: s.ours.Counts, Stable: s.theirs.Counts, Unmeasured: s.unmeasured, Series: map[string]analysis.Pair{}}
	for name, ours := range s.ours.Series {
		theirs, measured := s.theirs.Series[name]
		if !measured {
			theirs = math.NaN()
		}
		l.Series[name] = analysis.Pair{Candidate: ours, Stable: theirs}
	}
	for name, theirs := range s.theirs.Series {
		if _, both := l.Series[name]; !both {
			l.Series[name] = analysis.Pair{Candidate: math.NaN(), Stable: theirs}
		}
	}
	return l
}
