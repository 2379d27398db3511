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

// Config says what is judged, and how surely.
type Config struct {
	// Confidence of all judgements of a release together, above 0 and below 1: 0.99.
	Confidence float64      `json:"confidence"`
	Errors     *ErrorRule   `json:"errors,omitempty"`
	Latency    *LatencyRule `json:"latency,omitempty"`
	// MinRequests of the candidate before a step may end.
	MinRequests int `json:"min_requests"`
}

// Alone is the config without what compares with stable: for the first release of a service, which has none.
func (c Config) Alone() Config {
	if c.Errors != nil {
		rule := *c.Errors
		rule.VersusStable, rule.Margin = false, 0
		if c.Errors = &rule; rule.MaxRate == nil {
			c.Errors = nil
		}
	}
	if c.Latency != nil {
		rule := *c.Latency
		rule.VersusStable = false
		if c.Latency = &rule; rule.MaxRatio == nil {
			c.Latency = nil
		}
	}
	return c
}

// ErrorRule bounds the share of errors, from 0 to 1.
type ErrorRule struct {
	// MaxRate is the absolute limit; nil: none.
	MaxRate *float64 `json:"max_rate,omitempty"`
	// VersusStable compares with the other side: worse by more than chance restores.
	VersusStable bool `json:"versus_stable"`
	// Margin is the difference in share that is still as good as stable.
	Margin float64 `json:"margin"`
}

// LatencyRule bounds the share of requests above Threshold, from 0 to 1.
type LatencyRule struct {
	Threshold    time.Duration `json:"threshold"`
	MaxRatio     *float64      `json:"max_ratio,omitempty"`
	VersusStable bool          `json:"versus_stable"`
}

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
	// Shared: the candidate broke an absolute limit, and so did stable in the same looks, without the candidate being
	// worse than it. Such a fault (a dead database) is no reason to blame the release: the decision is Wait, what was seen
	// until then no longer counts against the candidate, and the requests of the step are counted anew.
	Shared bool `json:"shared,omitempty"`
	// TooFew: the decision is Wait for no other reason than that a step needs more requests.
	TooFew bool `json:"too_few,omitempty"`
}

// Judgement is the state of one rule.
type Judgement struct {
	// Rule: "errors.max_rate", "errors.versus_stable", "latency.max_ratio", "latency.versus_stable".
	Rule string `json:"rule"`
	// Candidate and Stable are what was counted so far: bad ones of all.
	Candidate Tally `json:"candidate"`
	Stable    Tally `json:"stable"`
	// Baseline is what stable is known by beside that, see Judge.
	Baseline Tally `json:"baseline,omitzero"`
	// Threshold is the bound above which requests were counted as slow, where the rule is about that.
	Threshold time.Duration `json:"threshold,omitempty"`
	// Evidence is the e-value against the candidate, at most math.MaxFloat64; at Limit or above the rule is broken. That
	// of an absolute limit begins anew after a shared fault.
	Evidence float64 `json:"evidence"`
	Limit    float64 `json:"limit"`
	Broken   bool    `json:"broken"`
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
	Look(candidate, stable Counts) Verdict
	// Baseline says what stable did before, in all: before the release, or while it had traffic at earlier steps that another
	// judge saw. It stands for stable in looks in which that has no requests, as at a weight of 100 %, where a comparison with
	// it would otherwise never pass. It is to be called once at most. A fault that would hit stable as well is not told
	// apart by it. Counts that cannot be true, and none, are no baseline.
	Baseline(stable Counts)
	// Step begins the next step: MinRequests is counted anew. The evidence stays.
	Step()
}
