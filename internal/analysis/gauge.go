package analysis

import (
	"fmt"
	"math"
	"strconv"
)

// gauge judges a number that has no counts: by its ranks against stable's, see ranks, and by absolute limits.
type gauge struct {
	name     string
	rule     BusinessRule
	terms    terms
	ranks    ranks
	failures failures
	// last value of the candidate.
	last float64
	// idle: stable had no requests in the last look.
	idle bool
}

// usualRow is how many looks in a row may exceed an absolute limit of a gauge, where nothing is said: one value alone may be anything.
const usualRow = 2

func newGauge(name string, r BusinessRule, t terms) *gauge {
	g := &gauge{name: name, rule: r, terms: t, failures: failures{total: r.FailureLimit, inARow: r.ConsecutiveFailureLimit}, last: math.NaN()}
	if r.FailureLimit == nil && r.ConsecutiveFailureLimit == nil {
		row := usualRow
		g.failures.inARow = &row
	}
	return g
}

func (g *gauge) add(l Look) {
	p, measured := l.Series[g.name]
	if !measured {
		return
	}
	// An idle stable is no measure for a candidate that has all of the traffic.
	if g.idle = l.Stable.Requests == 0 && l.Candidate.Requests > 0; !g.idle {
		g.ranks.add(p.Candidate, p.Stable)
	}
	if math.IsNaN(p.Candidate) {
		return
	}
	g.last = p.Candidate
	if g.limited() {
		g.failures.count(g.rule.Min != nil && p.Candidate < *g.rule.Min || g.rule.Max != nil && p.Candidate > *g.rule.Max)
	}
}

func (g *gauge) beginStep() {}

func (g *gauge) limited() bool { return g.rule.Min != nil || g.rule.Max != nil }
func (g *gauge) compared() bool {
	return g.rule.VersusStableMin != nil || g.rule.VersusStableMax != nil
}

// tolerance is how far from stable's median is allowed, as a part of it, and the direction in which it is judged.
func (g *gauge) tolerance() (Direction, float64) {
	below, above := g.rule.VersusStableMin, g.rule.VersusStableMax
	switch {
	case below != nil && above != nil:
		return Either, max(1-*below, *above-1)
	case below != nil:
		return Up, max(0, 1-*below)
	}
	return Down, max(0, *above-1)
}

func (g *gauge) findings() []finding {
	var findings []finding
	if g.limited() {
		f := g.finding("limits")
		said, exceeded := g.failures.exceeded()
		f.Broken, f.Failures = exceeded, g.failures.failed
		f.sentence = fmt.Sprintf("%s is %s, allowed %s", g.name, value(g.last), g.allowed())
		if exceeded {
			f.sentence = said + ": " + f.sentence
		}
		findings = append(findings, f)
	}
	if g.compared() {
		direction, tolerance := g.tolerance()
		r := g.ranks.judge(direction, tolerance, 1/g.terms.limit)
		f := g.finding("versus_stable")
		f.Broken = r.worse
		f.Shift = &Shift{Estimate: r.estimate, Lower: finite(r.lower), Upper: finite(r.upper), Tolerance: r.tolerance}
		f.Candidate.All, f.Stable.All = float64(r.candidate), float64(r.stable)
		f.sentence = fmt.Sprintf("%s: the candidate's is %s by %s than stable's%s, and %s is allowed; %d and %d values",
			g.name, higher(r.estimate), value(math.Abs(r.estimate)), bounded(r.lower, r.upper), value(r.tolerance), r.candidate, r.stable)
		findings = append(findings, f)
	}
	return findings
}

func (g *gauge) finding(what string) finding {
	return finding{Judgement: Judgement{Rule: "business." + g.name + "." + what, DryRun: g.rule.DryRun, Uncritical: g.rule.Uncritical}}
}

func (g *gauge) allowed() string {
	switch {
	case g.rule.Max == nil:
		return "at least " + value(*g.rule.Min)
	case g.rule.Min == nil:
		return "at most " + value(*g.rule.Max)
	}
	return "from " + value(*g.rule.Min) + " to " + value(*g.rule.Max)
}

// doubts: a step does not end before the number was seen, nor while it is out of its limits, nor before it is known to be as good as stable's.
func (g *gauge) doubts(float64) []doubt {
	var doubts []doubt
	if math.IsNaN(g.last) {
		doubts = append(doubts, doubt{text: g.name + " was not measured yet", few: true, unmeasured: true})
	}
	if g.failures.row > 0 {
		doubts = append(doubts, doubt{text: fmt.Sprintf("%s is %s, allowed %s", g.name, value(g.last), g.allowed())})
	}
	if g.compared() && !g.idle {
		direction, tolerance := g.tolerance()
		if r := g.ranks.judge(direction, tolerance, 1/g.terms.limit); !r.good {
			doubts = append(doubts, doubt{text: fmt.Sprintf("%s is not known to be as good as stable's yet: %d more values are compared next", g.name, r.missing), few: true})
		}
	}
	return doubts
}

func higher(shift float64) string {
	if shift < 0 {
		return "lower"
	}
	return "higher"
}

// value is a measured number.
// bounded says the bounds of what is known; empty where there are none yet.
func bounded(lower, upper float64) string {
	if finite(lower) == nil && finite(upper) == nil {
		return ""
	}
	return fmt.Sprintf(" (between %s and %s)", value(lower), value(upper))
}

func value(x float64) string {
	if math.IsInf(x, 0) || math.IsNaN(x) {
		return "unknown"
	}
	return strconv.FormatFloat(x, 'g', 4, 64)
}

// finite is a bound as JSON has it.
func finite(x float64) *float64 {
	if math.IsInf(x, 0) {
		return nil
	}
	return &x
}
