package main

import (
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
)

// judgement is what of a release is judged, the same in all cases but for what a case is about.
type judgement struct {
	// maxRate is the absolute limit of errors; 0: none. Errors are always compared with stable's.
	maxRate float64
	// latency and business add their comparisons with stable.
	latency, business bool
}

const (
	confidence  = 0.99
	minRequests = 100
	// usualMargin is asked where it is measured how long a healthy release takes to go through. It decides about nothing else, and takes
	// most of a judge's time.
	usualMargin = 0.05
	// slowFrom is above which a request is slow.
	slowFrom = 400 * time.Millisecond
	// leastOrders is the ratio to stable's that a business counter may have at least.
	leastOrders = 0.95
)

// rules counts the rules that share the risk of a false restore.
func (g judgement) rules() int {
	n := 1
	for _, present := range []bool{g.maxRate > 0, g.latency, g.business} {
		if present {
			n++
		}
	}
	return n
}

// alpha is the risk of a false restore that each rule has.
func (g judgement) alpha() float64 { return (1 - confidence) / float64(g.rules()) }

// new makes the judge of a release; a margin of 0 is not asked.
func (g judgement) new(margin float64) (analysis.Judge, error) {
	config := analysis.Config{
		Confidence:  confidence,
		MinRequests: minRequests,
		Errors:      &analysis.ErrorRule{VersusStable: true, Margin: margin},
	}
	if g.maxRate > 0 {
		config.Errors.MaxRate = &g.maxRate
	}
	if g.latency {
		config.Latency = &analysis.LatencyRule{Threshold: slowFrom, VersusStable: true}
	}
	if g.business {
		least := leastOrders
		config.Business = map[string]analysis.BusinessRule{orders: {Query: orders, Direction: analysis.Up, VersusStableMin: &least}}
	}
	return analysis.New(config)
}

// orders is what the business rule is called.
const orders = "orders"

// look shows a judge what was counted in the time since the last one.
func (g judgement) look(j analysis.Judge, took time.Duration, t tick) analysis.Verdict {
	l := analysis.Look{Took: took, Candidate: g.counted(t.candidate), Stable: g.counted(t.stable)}
	if g.business {
		l.Series = map[string]analysis.Pair{orders: {Candidate: float64(t.candidate.orders), Stable: float64(t.stable.orders)}}
	}
	return j.Look(l)
}

// counted is what a judge is told about a side. Requests are timed where it judges latency.
func (g judgement) counted(c counts) analysis.Counts {
	told := analysis.Counts{Requests: float64(c.requests), Errors: float64(c.errors)}
	if g.latency {
		told.Timed, told.Slow, told.Threshold = float64(c.requests), float64(c.slow), slowFrom
	}
	return told
}

func (t *tick) add(o tick) {
	t.candidate.add(o.candidate)
	t.stable.add(o.stable)
}

func (c *counts) add(o counts) {
	c.requests += o.requests
	c.errors += o.errors
	c.slow += o.slow
	c.orders += o.orders
	c.lost += o.lost
}
