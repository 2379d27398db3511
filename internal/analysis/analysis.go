// Package analysis judges a candidate by what was counted: pure functions of counts, without clocks or input and output.
package analysis

import (
	"errors"
	"time"
)

// ErrNoData says that a source answered, and what was asked for is not in the answer. A source that does not answer is
// any other error. The two have policies of their own.
var ErrNoData = errors.New("no data")

// Counts is what instances of one side did in one interval.
type Counts struct {
	Requests float64 `json:"requests"`
	// Errors are answers with a status from 500.
	Errors float64 `json:"errors"`
	// Timed are requests whose duration is known, and Slow those of them that took longer than Threshold, the histogram
	// bucket's bound that is nearest to the wanted one. Requests are often counted at their begin and timed at their end, by
	// which another interval may have begun: so slow ones are compared with timed ones alone.
	Timed     float64       `json:"timed"`
	Slow      float64       `json:"slow"`
	Threshold time.Duration `json:"threshold,omitempty"`
}

// Add sums counts.
func (c Counts) Add(o Counts) Counts {
	c.Requests += o.Requests
	c.Errors += o.Errors
	c.Timed += o.Timed
	c.Slow += o.Slow
	if o.Threshold != 0 {
		c.Threshold = o.Threshold
	}
	return c
}

// Look is what was seen since the previous look.
type Look struct {
	// Took is the time since then.
	Took time.Duration
	// Candidate and Stable are what each side did.
	Candidate, Stable Counts
	// Unmeasured: what stable did is not known in this look, and will be in a later one together with what it did then. Until then the
	// candidate is judged by absolute limits alone.
	Unmeasured bool
	// Series are the numbers of the business rules, by name; one that is not there was not measured.
	Series map[string]Pair
}

// Pair is a number on both sides: what a counter grew by, or the value of a gauge; NaN where it was not measured.
type Pair struct{ Candidate, Stable float64 }

// Decision is what a look comes to.
type Decision string

// The decisions.
const (
	// Restore: the candidate is worse than allowed, with the wanted confidence.
	Restore Decision = "restore"
	// Wait: nothing is wrong, and too little was seen to go on.
	Wait Decision = "wait"
	// Pass: nothing is wrong, and enough was seen to go on once the pause is over.
	Pass Decision = "pass"
)

// Verdict is a decision with its reasons.
type Verdict struct {
	Decision Decision `json:"decision"`
	// Reason in a sentence with the numbers that led to it.
	Reason string `json:"reason"`
	// Judgements, one a rule, in a fixed order.
	Judgements []Judgement `json:"judgements"`
	// Shared: both sides suffer, from the absolute limit on or from several times what stable had before, without the
	// candidate being worse. Such a fault (a dead database) is no reason to blame the release: the decision is Wait, what was seen
	// until then no longer counts against the candidate's absolute limits, and the requests of the step are counted anew.
	Shared bool `json:"shared,omitempty"`
	// TooFew: the decision is Wait for no other reason than that a step needs more requests.
	TooFew bool `json:"too_few,omitempty"`
	// Unmeasured: the decision is Wait for no other reason than that numbers of the business were not measured.
	Unmeasured bool `json:"unmeasured,omitempty"`
}

// Judgement is the state of one rule.
type Judgement struct {
	// Rule: "errors.max_rate", "errors.versus_stable", "latency.max_ratio", "latency.versus_stable", "business.<name>.versus_stable_min", …
	Rule string `json:"rule"`
	// Candidate and Stable are what was counted so far: bad ones of all. For a business counter Bad is what was counted; of a gauge, All
	// values were measured.
	Candidate Tally `json:"candidate"`
	Stable    Tally `json:"stable"`
	// Baseline is what stable is known by beside that, see Judge.
	Baseline Tally `json:"baseline,omitzero"`
	// Threshold is the bound above which requests were counted as slow, where the rule is about that.
	Threshold time.Duration `json:"threshold,omitempty"`
	// Allowed is the absolute limit, or the ratio to stable that is allowed.
	Allowed float64 `json:"allowed,omitempty"`
	// Evidence is the e-value against the candidate, at most math.MaxFloat64; at Limit or above, and on enough bad ones, the rule is
	// broken. That of an absolute limit begins anew after a shared fault.
	Evidence float64 `json:"evidence"`
	Limit    float64 `json:"limit"`
	// Excess is how much larger than stable's the candidate's share of this step may be, with the wanted confidence; a step ends when it
	// is at most Margin. Both are 0 where that is not asked.
	Excess float64 `json:"excess,omitempty"`
	Margin float64 `json:"margin,omitempty"`
	// Failures counts the looks at which the absolute limit was exceeded.
	Failures int `json:"failures,omitempty"`
	// Shift of a gauge against stable's; nil for all other rules.
	Shift *Shift `json:"shift,omitempty"`
	// Broken, by evidence or by the number of failures.
	Broken bool `json:"broken"`
	// DryRun rules decide nothing; Uncritical ones only keep a step from ending.
	DryRun     bool `json:"dry_run,omitempty"`
	Uncritical bool `json:"uncritical,omitempty"`
}

// Shift is how much higher the candidate's gauge is than stable's, in its own unit: the estimate of Hodges and Lehmann with bounds; nil
// while there are none. It is worse when the bounds lie beyond Tolerance.
type Shift struct {
	Estimate  float64  `json:"estimate"`
	Lower     *float64 `json:"lower,omitempty"`
	Upper     *float64 `json:"upper,omitempty"`
	Tolerance float64  `json:"tolerance"`
}

// Tally counts bad ones of all.
type Tally struct {
	Bad float64 `json:"bad"`
	All float64 `json:"all"`
}

// Judge accumulates looks at a release. internal/analysis.New makes one; a judge may be looked at as often as one likes
// without inflating its error rate. One judge serves all steps of a release. Not safe for concurrent use.
type Judge interface {
	// Look adds what both sides counted since the previous look, and decides. Weights should stay the same between two
	// looks: look right before they change. Counts that cannot be true (negative, not finite, more bad ones than
	// requests) are left out together with those of the other side, Reason says so, and the look never passes.
	Look(l Look) Verdict
	// Baseline says what stable did before, in all: before the release, or while it had traffic at earlier steps that another
	// judge saw. It tells whether stable fails in bursts (it does not where nothing was bad in many requests), and stands for stable in
	// looks in which that has no requests, as at a weight of 100 %, where a comparison with
	// it would otherwise never pass. It is to be called once at most. A fault that would hit stable as well is not told
	// apart by it. Counts that cannot be true, and none, are no baseline.
	Baseline(stable Counts)
	// Step begins the next step: MinRequests and Margin are asked anew. The evidence stays.
	Step()
	// Vouch counts checks of the candidate that passed since the last look as good requests of this step, where a step needs more
	// requests than it has. They are no evidence for or against the candidate.
	Vouch(checks int)
}
