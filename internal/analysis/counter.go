package analysis

import (
	"fmt"
	"math"
	"time"
)

// newBusiness judges a number as its rule says.
func newBusiness(name string, r BusinessRule, burst time.Duration, t terms) rule {
	if r.Gauge {
		return newGauge(name, r, t)
	}
	return newCounter(name, r, burst, t)
}

// logShifts are the alternatives for business counters, in place of ratios, as logarithms: these fall by a tenth where errors rise tenfold.
// What lies closer to the ratio that is allowed than the root of the least is never found.
var logShifts = perRatio{1.05, 1.1, 1.2, 1.5, 2, 5, 100}.log()

// counter judges a business counter: how many a side had for each of its requests, as a ratio to stable's.
//
// Given all that both sides had, the candidate's part is binomial with its share of the requests, weighted with the ratio
// that is allowed: the comparison of bad requests with the hypothesis moved. Where stable's windows vary by more than chance (amounts
// of money, orders in bursts), the evidence counts for the inverse of that, as in quasi-likelihood (McCullagh and Nelder, Generalized
// Linear Models, 1989, chapter 9).
type counter struct {
	name string
	rule BusinessRule
	// least and most are the evidence that the ratio is below the one that is allowed at least, or above that at most; nil where none is.
	least, most *sided
	total       sides
	texture     texture
	burst       time.Duration
	terms       terms
}

// sided is the evidence of one direction.
type sided struct {
	process process
	ratio   float64
	sign    float64
}

func newCounter(name string, rule BusinessRule, burst time.Duration, t terms) *counter {
	c := &counter{name: name, rule: rule, burst: burst, terms: t}
	if r := rule.VersusStableMin; r != nil {
		c.least = &sided{process: newProcess(), ratio: *r, sign: -1}
	}
	if r := rule.VersusStableMax; r != nil {
		c.most = &sided{process: newProcess(), ratio: *r, sign: 1}
	}
	return c
}

func (c *counter) add(l Look) {
	p, measured := l.Series[c.name]
	if !measured || !countable(p.Candidate) || !countable(p.Stable) {
		return
	}
	c.count(Tally{Bad: p.Candidate, All: l.Candidate.Requests}, Tally{Bad: p.Stable, All: l.Stable.Requests}, l.Took)
}

// countable tells whether a number can be a count; NaN is none.
func countable(x float64) bool { return x >= 0 && x <= largestCount }

// count what both sides had: Bad is how many, All the requests.
func (c *counter) count(candidate, stable Tally, took time.Duration) {
	c.total.add(candidate, stable)
	for _, s := range []*sided{c.least, c.most} {
		if s != nil {
			s.add(candidate, stable, took, c.spread())
		}
	}
	c.texture.add(stable, took, c.burst)
}

// spread is stable's dispersion, at least 1; infinite while it is not known.
func (c *counter) spread() float64 {
	if len(c.texture.windows) < enoughWindows {
		return math.Inf(1)
	}
	var all Tally
	for _, w := range c.texture.windows {
		all = all.plus(w)
	}
	if all.Bad == 0 {
		return 1
	}
	sum := 0.0
	for _, w := range c.texture.windows {
		mean := all.Bad / all.All * w.All
		sum += (w.Bad - mean) * (w.Bad - mean) / mean
	}
	n := float64(len(c.texture.windows))
	// An estimate of few windows may be too low: what it may miss is added.
	return max(1, sum/(n-1)*(1+math.Sqrt(2/n)))
}

func (s *sided) add(candidate, stable Tally, took time.Duration, spread float64) {
	if candidate.All == 0 || stable.All == 0 || math.IsInf(spread, 1) {
		return
	}
	s.process.elapse(took)
	weighted := s.ratio * candidate.All
	share := weighted / (weighted + stable.All)
	var gain perRatio
	for i, theta := range logShifts {
		theta *= s.sign
		gain[i] = (theta*candidate.Bad - (candidate.Bad+stable.Bad)*math.Log1p(share*math.Expm1(theta))) / spread
	}
	s.process.multiply(gain)
}

func (c *counter) beginStep() {
	for _, s := range []*sided{c.least, c.most} {
		if s != nil {
			s.process.stake(stakeAtStep)
		}
	}
}

func (c *counter) findings() []finding {
	var findings []finding
	for _, l := range []struct {
		side *sided
		what string
		word string
	}{{c.least, "versus_stable_min", "at least"}, {c.most, "versus_stable_max", "at most"}} {
		if l.side == nil {
			continue
		}
		log := l.side.process.logEvidence(perRatio{})
		f := finding{Judgement: Judgement{
			Rule: "business." + c.name + "." + l.what, Candidate: c.total.candidate, Stable: c.total.stable,
			Evidence: evidence(log), Limit: c.terms.limit, Broken: log >= math.Log(c.terms.limit), Allowed: l.side.ratio,
			DryRun: c.rule.DryRun, Uncritical: c.rule.Uncritical,
		}}
		f.sentence = fmt.Sprintf("%s: %s for %s requests, stable %s for %s: %s of stable's, %s %s is allowed; %s", c.name,
			number(c.total.candidate.Bad), number(c.total.candidate.All), number(c.total.stable.Bad), number(c.total.stable.All),
			c.ratio(), l.word, percentage(l.side.ratio), f.weighed(math.Inf(1), 0))
		findings = append(findings, f)
	}
	return findings
}

func (c *counter) ratio() string {
	t := c.total
	if t.candidate.All == 0 || t.stable.All == 0 || t.stable.Bad == 0 {
		return "an unknown part"
	}
	return percentage(t.candidate.Bad / t.candidate.All / (t.stable.Bad / t.stable.All))
}

func percentage(x float64) string { return fmt.Sprintf("%.0f %%", 100*x) }

// doubts say why a step may not end yet. With all of the traffic there is nothing to compare with.
func (c *counter) doubts(float64) []doubt {
	switch t := c.total; {
	case t.candidate.All == 0, t.stable.All == 0 && t.candidate.All < enoughRequests:
		return []doubt{{text: c.name + " was not measured on both sides yet", few: true, unmeasured: true}}
	case t.candidate.All/(t.candidate.All+t.stable.All) > nobody:
		return nil
	case len(c.texture.windows) < enoughWindows:
		return []doubt{{text: "how much " + c.name + " varies on stable is not known yet"}}
	}
	return nil
}
