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
// evidence reaches the inverse of its part (see process), and rests on MinBad bad events. A broken absolute limit restores once it is as
// sure that stable does not suffer the same. A look passes when no rule is broken
// and, since New or the last Step:
//   - the candidate had at least MinRequests requests, and one in any case;
//   - its share of bad ones is within the absolute limits, that of the latest ones included;
//   - with VersusStable, stable had requests to compare with: in this step, else at earlier ones of this judge or in its
//     Baseline; and with a Margin above 0, the candidate's share is shown to be at most Margin larger than stable's (see excess);
//   - business numbers were measured on both sides.
func New(c Config) (Judge, error) {
	var problems []error
	for _, p := range Validate(c) {
		problems = append(problems, p)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("analysis: %w", err)
	}
	j := &judge{minimum: max(1, float64(c.MinRequests))}
	terms := terms{limit: c.Limit(), whole: 1 / (1 - c.Confidence), minBad: c.minBad()}
	if e := c.Errors; e != nil {
		j.add(newSignal(signal{
			limitRule: "errors.max_rate", stableRule: "errors.versus_stable", fault: "failed", handling: e.Handling, terms: terms,
			bad: func(c Counts) float64 { return c.Errors }, all: func(c Counts) float64 { return c.Requests }, versusStable: e.VersusStable, margin: e.Margin,
		}, e.MaxRate, c.burstWindow()))
	}
	if l := c.Latency; l != nil {
		j.add(newSignal(signal{
			limitRule: "latency.max_ratio", stableRule: "latency.versus_stable", wanted: l.Threshold, handling: l.Handling, terms: terms,
			bad: func(c Counts) float64 { return c.Slow }, all: func(c Counts) float64 { return c.Timed }, versusStable: l.VersusStable, margin: l.Margin,
		}, l.MaxRatio, c.burstWindow()))
	}
	for _, name := range c.names() {
		j.rules = append(j.rules, newBusiness(name, c.Business[name], c.burstWindow(), terms))
	}
	return j, nil
}

// rule is one thing that is judged.
type rule interface {
	add(l Look)
	beginStep()
	findings() []finding
	// doubts say why a step, in which the candidate had so many requests, may not end yet, although no rule is broken.
	doubts(requests float64) []doubt
}

// judge implements Judge.
type judge struct {
	rules   []rule
	signals []*signal
	// minimum of the candidate's requests in a step.
	minimum float64
	// requests of the candidate in all, and in this step; vouched are checks of this step.
	requests, step, vouched float64
}

func (j *judge) add(s *signal) { j.rules, j.signals = append(j.rules, s), append(j.signals, s) }

func (j *judge) Step() {
	j.begin()
	for _, r := range j.rules {
		r.beginStep()
	}
}

// begin counts a step's requests anew.
func (j *judge) begin() {
	j.step, j.vouched = 0, 0
	for _, s := range j.signals {
		s.step, s.vouched = sides{}, 0
	}
}

func (j *judge) Vouch(checks int) {
	j.vouched += float64(checks)
	for _, s := range j.signals {
		s.vouched += float64(checks)
	}
}

func (j *judge) Baseline(stable Counts) {
	if implausible("stable", stable) != "" {
		return
	}
	for _, s := range j.signals {
		s.setBaseline(stable)
	}
}

func (j *judge) Look(l Look) Verdict {
	untrue := implausible("candidate", l.Candidate)
	if untrue == "" {
		untrue = implausible("stable", l.Stable)
	}
	if untrue == "" {
		j.requests += l.Candidate.Requests
		j.step += l.Candidate.Requests
		for _, r := range j.rules {
			r.add(l)
		}
	}
	v := j.judge(untrue)
	if v.Shared {
		for _, s := range j.signals {
			s.forgive()
		}
		j.begin()
	}
	return v
}

// grounds are what a verdict rests on, in words.
type grounds struct {
	guilty, shared, doubts, summary []string
	// uncritical: a broken rule that is not critical, or may be a fault of both, keeps the step from ending.
	uncritical bool
}

// judge decides on what was seen so far; untrue says what was wrong with the counts of this look.
func (j *judge) judge(untrue string) Verdict {
	var v Verdict
	var g grounds
	few, unmeasured := true, true
	for _, r := range j.rules {
		dry := false
		for _, f := range r.findings() {
			v.Judgements = append(v.Judgements, f.Judgement)
			dry = f.DryRun
			g.weigh(f)
			few = few && !(f.Broken && (f.Uncritical || f.early))
		}
		for _, d := range r.doubts(j.step) {
			if !dry {
				g.doubts, few, unmeasured = append(g.doubts, d.text), few && d.few, unmeasured && d.unmeasured
			}
		}
	}
	for _, s := range j.signals {
		if !s.handling.DryRun && s.suffers() {
			g.shared = append(g.shared, s.counted()+", "+s.compared())
			break
		}
	}
	if enough := j.step + j.vouched; enough < j.minimum {
		g.doubts = append([]string{fmt.Sprintf("%s of the %s requests that a step needs", number(enough), number(j.minimum))}, g.doubts...)
		unmeasured = false
	}
	if untrue != "" {
		g.doubts, few = append([]string{untrue}, g.doubts...), false
		unmeasured = false
	}
	if len(g.summary) == 0 {
		g.summary = []string{number(j.requests) + " requests, and no rule to judge them by"}
	}
	switch {
	case len(g.guilty) > 0:
		v.Decision, v.Reason = Restore, strings.Join(g.guilty, ". ")
	case len(g.shared) > 0:
		v.Decision, v.Shared = Wait, true
		v.Reason = "stable suffers the same, so the release is not blamed: " + g.shared[0]
	case len(g.doubts) > 0:
		v.Decision, v.TooFew, v.Unmeasured = Wait, few, unmeasured && !g.uncritical
		v.Reason = strings.Join(g.doubts, ", ") + ": " + strings.Join(g.summary, ". ")
	default:
		v.Decision, v.Reason = Pass, strings.Join(g.summary, ". ")
	}
	return v
}

// weigh takes a rule's finding for what it leads to.
func (g *grounds) weigh(f finding) {
	if f.DryRun {
		f.sentence += " (dry run)"
	}
	g.summary = append(g.summary, f.sentence)
	switch {
	case !f.Broken || f.DryRun:
	case f.shared:
		g.shared = append(g.shared, f.sentence)
	case f.early:
		g.uncritical = true
		g.doubts = append(g.doubts, "stable may suffer the same, which a few more requests will tell")
	case f.Uncritical:
		g.uncritical = true
		g.doubts = append(g.doubts, f.Rule+" is broken, and not critical")
	default:
		g.guilty = append(g.guilty, f.sentence)
	}
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
