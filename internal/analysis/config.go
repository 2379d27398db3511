package analysis

import (
	"fmt"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Validate lists what is wrong with a config; paths are relative to the attribute that holds it. A config without
// any rule is valid: such a judge counts requests only.
func Validate(c Config) []service.Problem {
	var problems []service.Problem
	add := func(detail string, path ...string) {
		problems = append(problems, service.Problem{Path: path, Detail: detail})
	}
	share := func(x float64, path ...string) {
		// Written so that NaN is refused.
		if !(x >= 0 && x <= 1) {
			add(fmt.Sprintf("%v is not a share: use a number from 0 to 1, such as 0.05 for 5 %%", x), path...)
		}
	}
	if !(c.Confidence > 0 && c.Confidence < 1) {
		add(fmt.Sprintf("%v is not a confidence: use a number above 0 and below 1, such as 0.99", c.Confidence), "confidence")
	}
	if c.MinRequests < 0 {
		add(fmt.Sprintf("%d is below 0: use the least number of the candidate's requests that a step may end with", c.MinRequests), "min_requests")
	}
	if e := c.Errors; e != nil {
		if e.MaxRate == nil && !e.VersusStable {
			add("it judges nothing: give at least one of max_rate and versus_stable = true", "errors")
		}
		if e.MaxRate != nil {
			share(*e.MaxRate, "errors", "max_rate")
		}
		share(e.Margin, "errors", "margin")
	}
	if l := c.Latency; l != nil {
		if l.MaxRatio == nil && !l.VersusStable {
			add("it judges nothing: give at least one of max_ratio and versus_stable = true", "latency")
		}
		if l.Threshold <= 0 {
			add(fmt.Sprintf("%v is not a bound: use the duration above which a request is slow, such as \"400ms\"", l.Threshold), "latency", "threshold")
		}
		if l.MaxRatio != nil {
			share(*l.MaxRatio, "latency", "max_ratio")
		}
	}
	return problems
}

// rules counts the rules that the wanted confidence is shared by.
func (c Config) rules() int {
	n := 0
	for _, present := range []bool{
		c.Errors != nil && c.Errors.MaxRate != nil, c.Errors != nil && c.Errors.VersusStable,
		c.Latency != nil && c.Latency.MaxRatio != nil, c.Latency != nil && c.Latency.VersusStable,
	} {
		if present {
			n++
		}
	}
	return n
}
