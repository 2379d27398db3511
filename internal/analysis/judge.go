package analysis

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// New makes a judge that has seen nothing. The error joins what Validate finds.
//
// A release that keeps all limits and is as good as stable is restored with a probability of at most 1 - Confidence,
// however long and often it is looked at: each rule that is present gets an even part of that, and is broken when its
// evidence reaches the inverse of its part (see mixture). A look passes when no rule is broken and, since New or the last Step:
//   - the candidate had at least MinRequests requests, and one in any case;
//   - its share of bad ones is within the absolute limits, that of the latest ones included;
//   - with VersusStable, stable had requests to compare with: in this step, else at earlier ones of this judge or in its
//     Baseline; and with a Margin above 0, the candidate's share is at most Margin larger than stable's.
//
// The last two compare what was observed and are no bounds with a confidence; a non-inferiority bound belongs there.
func New(c Config) (Judge, error) {
	var problems []error
	for _, p := range Validate(c) {
		problems = append(problems, p)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("analysis: %w", err)
	}
	j := &judge{minimum: max(1, float64(c.MinRequests)), limit: float64(max(1, c.rules())) / (1 - c.Confidence)}
	if e := c.Errors; e != nil {
		j.signals = append(j.signals, newSignal(signal{
			limitRule: "errors.max_rate", stableRule: "errors.versus_stable", fault: "failed",
			bad: func(c Counts) float64 { return c.Errors }, all: func(c Counts) float64 { return c.Requests }, versusStable: e.VersusStable, margin: e.Margin,
		}, e.MaxRate, j.limit))
	}
	if l := c.Latency; l != nil {
		j.signals = append(j.signals, newSignal(signal{
			limitRule: "latency.max_ratio", stableRule: "latency.versus_stable", wanted: l.Threshold,
			bad: func(c Counts) float64 { return c.Slow }, all: func(c Counts) float64 { return c.Timed }, versusStable: l.VersusStable,
		}, l.MaxRatio, j.limit))
	}
	return j, nil
}

// judge implements Judge.
type judge struct {
	signals []*signal
	// limit of the evidence of each rule, and minimum of the candidate's requests in a step.
	limit, minimum float64
	// requests of the candidate in all, and in this step.
	requests, step float64
}

func (j *judge) Step() {
	j.step = 0
	for _, s := range j.signals {
		s.step = sides{}
	}
}

func (j *judge) Baseline(stable Counts) {
	if implausible("stable", stable) != "" {
		return
	}
	for _, s := range j.signals {
		s.setBaseline(stable, j.limit)
	}
}

func (j *judge) Look(candidate, stable Counts) Verdict {
	untrue := implausible("candidate", candidate)
	if untrue == "" {
		untrue = implausible("stable", stable)
	}
	if untrue == "" {
		j.requests += candidate.Requests
		j.step += candidate.Requests
		for _, s := range j.signals {
			s.add(candidate, stable)
		}
	}
	v := j.judge(untrue)
	if v.Shared {
		for _, s := range j.signals {
			s.forgive()
		}
		j.Step()
	}
	return v
}

// judge decides on what was seen so far; untrue says what was wrong with the counts of this look.
func (j *judge) judge(untrue string) Verdict {
	var v Verdict
	var guilty, shared, doubts, summary []string
	for _, s := range j.signals {
		for _, f := range s.judge(j.limit) {
			v.Judgements = append(v.Judgements, f.Judgement)
			summary = append(summary, f.sentence)
			switch {
			case f.Broken && f.shared:
				shared = append(shared, f.sentence)
			case f.Broken:
				guilty = append(guilty, f.sentence)
			}
		}
		doubts = append(doubts, s.doubts(j.limit, j.step)...)
	}
	if j.step < j.minimum {
		v.TooFew = len(doubts) == 0 && untrue == ""
		doubts = append([]string{fmt.Sprintf("%s of the %s requests that a step needs", number(j.step), number(j.minimum))}, doubts...)
	}
	if untrue != "" {
		doubts = append([]string{untrue}, doubts...)
	}
	if len(summary) == 0 {
		summary = []string{number(j.requests) + " requests, and no rule to judge them by"}
	}
	v.TooFew = v.TooFew && len(guilty) == 0 && len(shared) == 0
	switch {
	case len(guilty) > 0:
		v.Decision, v.Reason = Restore, strings.Join(guilty, ". ")
	case len(shared) > 0:
		v.Decision, v.Shared = Wait, true
		v.Reason = "stable breaks the same limit, so the release is not blamed: " + strings.Join(shared, ". ")
	case len(doubts) > 0:
		v.Decision, v.Reason = Wait, strings.Join(doubts, ", ")+": "+strings.Join(summary, ". ")
	default:
		v.Decision, v.Reason = Pass, strings.Join(summary, ". ")
	}
	return v
}

// largestCount is far beyond all real ones, and small enough for sums of products to stay finite.
const largestCount = 1e15

// implausible says why counts cannot be true; empty if they can.
func implausible(side string, c Counts) string {
	for _, n := range []struct {
		name  string
		value float64
		most  float64
	}{{"requests", c.Requests, largestCount}, {"errors", c.Errors, c.Requests}, {"timed requests", c.Timed, largestCount}, {"slow requests", c.Slow, c.Timed}} {
		switch {
		case math.IsNaN(n.value) || n.value < 0 || n.value > largestCount:
			return fmt.Sprintf("this look is left out because %s counted %v %s", side, n.value, n.name)
		case n.value > n.most:
			return fmt.Sprintf("this look is left out because %s counted %s %s of %s", side, number(n.value), n.name, number(n.most))
		}
	}
	return ""
}
