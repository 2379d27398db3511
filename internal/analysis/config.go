package analysis

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Config says what is judged, and how surely.
type Config struct {
	// Confidence of all judgements of a release together, above 0 and below 1: 0.99.
	Confidence float64      `json:"confidence"`
	Errors     *ErrorRule   `json:"errors,omitempty"`
	Latency    *LatencyRule `json:"latency,omitempty"`
	// Business rules by name.
	Business map[string]BusinessRule `json:"business,omitempty"`
	// MinRequests of the candidate before a step may end.
	MinRequests int `json:"min_requests"`
	// MinBad events are the least that a restore rests on; 0 is DefaultMinBad. One that forbids any (a limit of 0) needs one.
	MinBad int `json:"min_bad,omitempty"`
	// BurstWindow is how far apart bad answers of one cause may be; 0 is DefaultBurstWindow.
	BurstWindow time.Duration `json:"burst_window,omitempty"`
}

// What holds where nothing is written.
const (
	DefaultMinBad      = 3
	DefaultBurstWindow = 2 * time.Second
)

// Handling says what a broken rule leads to.
type Handling struct {
	// FailureLimit and ConsecutiveFailureLimit are how many looks, in all or in a row, may exceed the absolute limit; one more breaks
	// the rule, whatever chance says. Nil: any number.
	FailureLimit            *int `json:"failure_limit,omitempty"`
	ConsecutiveFailureLimit *int `json:"consecutive_failure_limit,omitempty"`
	// DryRun: it is judged and told, and decides nothing.
	DryRun bool `json:"dry_run,omitempty"`
	// Uncritical: when it is broken no step ends, and nothing is restored.
	Uncritical bool `json:"uncritical,omitempty"`
}

// ErrorRule bounds the share of errors, from 0 to 1.
type ErrorRule struct {
	// MaxRate is the absolute limit; nil: none.
	MaxRate *float64 `json:"max_rate,omitempty"`
	// VersusStable compares with the other side: worse by more than chance restores.
	VersusStable bool `json:"versus_stable"`
	// Margin is the difference in share that is still as good as stable: a step ends when it is shown not to be larger. 0: that is not asked.
	Margin float64 `json:"margin"`
	Handling
}

// LatencyRule bounds the share of requests above Threshold, from 0 to 1.
type LatencyRule struct {
	Threshold    time.Duration `json:"threshold"`
	MaxRatio     *float64      `json:"max_ratio,omitempty"`
	VersusStable bool          `json:"versus_stable"`
	// Margin is as that of errors.
	Margin float64 `json:"margin,omitempty"`
	Handling
}

// BusinessRule compares a number of the business.
type BusinessRule struct {
	// Query of the source, in its own form.
	Query string `json:"query"`
	// Gauge: the number is a value of now; else a counter, which is judged for each request.
	Gauge bool `json:"gauge,omitempty"`
	// Direction in which the number is good.
	Direction Direction `json:"direction"`
	// VersusStableMin and VersusStableMax are the least and the largest ratio to stable's that is allowed: 0.95.
	VersusStableMin *float64 `json:"versus_stable_min,omitempty"`
	VersusStableMax *float64 `json:"versus_stable_max,omitempty"`
	// Min and Max are absolute limits of a gauge.
	Min *float64 `json:"min,omitempty"`
	Max *float64 `json:"max,omitempty"`
	Handling
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
		rule.VersusStable, rule.Margin = false, 0
		if c.Latency = &rule; rule.MaxRatio == nil {
			c.Latency = nil
		}
	}
	alone := map[string]BusinessRule{}
	for name, rule := range c.Business {
		rule.VersusStableMin, rule.VersusStableMax = nil, nil
		if rule.Min != nil || rule.Max != nil {
			alone[name] = rule
		}
	}
	c.Business = alone
	return c
}

// Judges tells whether there is any rule.
func (c Config) Judges() bool { return c.Errors != nil || c.Latency != nil || len(c.Business) > 0 }

// rules counts the rules that the wanted confidence is shared by: those that chance can break, and that decide something.
func (c Config) rules() int {
	n := 0
	count := func(present bool) {
		if present {
			n++
		}
	}
	if e := c.Errors; e != nil && !e.DryRun {
		count(e.MaxRate != nil)
		count(e.VersusStable)
	}
	if l := c.Latency; l != nil && !l.DryRun {
		count(l.MaxRatio != nil)
		count(l.VersusStable)
	}
	for _, b := range c.Business {
		if !b.DryRun {
			count(b.VersusStableMin != nil)
			count(b.VersusStableMax != nil)
		}
	}
	return n
}

// Limit is the evidence at which a rule is broken: each gets an even part of what Confidence leaves.
func (c Config) Limit() float64 { return float64(max(1, c.rules())) / (1 - c.Confidence) }

func (c Config) minBad() float64 {
	if c.MinBad == 0 {
		return DefaultMinBad
	}
	return float64(c.MinBad)
}

func (c Config) burstWindow() time.Duration {
	if c.BurstWindow == 0 {
		return DefaultBurstWindow
	}
	return c.BurstWindow
}

// names of the business rules, in order.
func (c Config) names() []string { return slices.Sorted(maps.Keys(c.Business)) }

// Validate lists what is wrong with a config; paths are relative to the attribute that holds it. A config without
// any rule is valid: such a judge counts requests only.
func Validate(c Config) []service.Problem {
	v := &validation{}
	if !(c.Confidence > 0 && c.Confidence < 1) {
		v.add(fmt.Sprintf("%v is not a confidence: use a number above 0 and below 1, such as 0.99", c.Confidence), "confidence")
	}
	if c.MinRequests < 0 {
		v.add(fmt.Sprintf("%d is below 0: use the least number of the candidate's requests that a step may end with", c.MinRequests), "min_requests")
	}
	if c.MinBad < 0 {
		v.add(fmt.Sprintf("%d is below 0: use the least number of bad answers that a restore rests on, such as %d", c.MinBad, DefaultMinBad), "min_bad")
	}
	if c.BurstWindow < 0 {
		v.add(fmt.Sprintf("%v is below 0: use how far apart bad answers of one cause may be, such as \"%v\"", c.BurstWindow, DefaultBurstWindow), "burst_window")
	}
	if e := c.Errors; e != nil {
		if e.MaxRate == nil && !e.VersusStable {
			v.add("it judges nothing: give at least one of max_rate and versus_stable = true", "errors")
		}
		v.share(e.MaxRate, "errors", "max_rate")
		v.share(&e.Margin, "errors", "margin")
		v.handling(e.Handling, e.MaxRate != nil, "max_rate", "errors")
	}
	if l := c.Latency; l != nil {
		if l.MaxRatio == nil && !l.VersusStable {
			v.add("it judges nothing: give at least one of max_ratio and versus_stable = true", "latency")
		}
		if l.Threshold <= 0 {
			v.add(fmt.Sprintf("%v is not a bound: use the duration above which a request is slow, such as \"400ms\"", l.Threshold), "latency", "threshold")
		}
		v.share(l.MaxRatio, "latency", "max_ratio")
		v.share(&l.Margin, "latency", "margin")
		v.handling(l.Handling, l.MaxRatio != nil, "max_ratio", "latency")
	}
	for _, name := range c.names() {
		v.business(name, c.Business[name])
	}
	return v.problems
}

type validation struct{ problems []service.Problem }

func (v *validation) add(detail string, path ...string) {
	v.problems = append(v.problems, service.Problem{Path: path, Detail: detail})
}

func (v *validation) share(x *float64, path ...string) {
	// Written so that NaN is refused.
	if x != nil && !(*x >= 0 && *x <= 1) {
		v.add(fmt.Sprintf("%v is not a share: use a number from 0 to 1, such as 0.05 for 5 %%", *x), path...)
	}
}

func (v *validation) handling(h Handling, limited bool, limit string, path ...string) {
	for name, n := range map[string]*int{"failure_limit": h.FailureLimit, "consecutive_failure_limit": h.ConsecutiveFailureLimit} {
		switch at := append(slices.Clone(path), name); {
		case n == nil:
		case !limited:
			v.add(fmt.Sprintf("it counts the looks that exceed an absolute limit: give %s beside it", limit), at...)
		case *n < 0:
			v.add(fmt.Sprintf("%d is below 0: use how many looks may exceed the limit", *n), at...)
		}
	}
}

func (v *validation) business(name string, b BusinessRule) {
	at := func(attribute string) []string { return []string{"business", name, attribute} }
	if b.Query == "" {
		v.add("it is empty: name what is counted or measured", at("query")...)
	}
	if b.Direction != Up && b.Direction != Down && b.Direction != Either {
		v.add(fmt.Sprintf("%q is no direction: use \"up\" where more is better, \"down\" where less is, or \"either\"", b.Direction), at("direction")...)
	}
	for attribute, ratio := range map[string]*float64{"versus_stable_min": b.VersusStableMin, "versus_stable_max": b.VersusStableMax} {
		if ratio != nil && !(*ratio > 0 && *ratio < 1e6) {
			v.add(fmt.Sprintf("%v is not a ratio: use a number above 0, such as 0.95 for 95 %% of stable's", *ratio), at(attribute)...)
		}
	}
	switch {
	case b.Direction == Up && b.VersusStableMax != nil:
		v.add("more is better here, so there is no bound above: use versus_stable_min, or direction = \"either\"", at("versus_stable_max")...)
	case b.Direction == Down && b.VersusStableMin != nil:
		v.add("less is better here, so there is no bound below: use versus_stable_max, or direction = \"either\"", at("versus_stable_min")...)
	case b.VersusStableMin == nil && b.VersusStableMax == nil && b.Min == nil && b.Max == nil:
		v.add("it judges nothing: give versus_stable_min or versus_stable_max, or for a gauge min or max", "business", name)
	case !b.Gauge && (b.Min != nil || b.Max != nil):
		v.add("a counter grows with the traffic, so it has no absolute limit: use versus_stable_min or versus_stable_max, or gauge = true", "business", name)
	}
	v.handling(b.Handling, b.Min != nil || b.Max != nil, "min or max", "business", name)
}
