package main

import (
	"cmp"
	"math"
	"time"
)

// bound is the least mean time, in seconds, in which any judge finds the fault: it needs to be told enough, and no one decides before the
// first look at it, which is half an interval away where the fault begins at any time.
func (c *badCase) bound() float64 {
	look := cmp.Or(c.interval, time.Second).Seconds()
	if c.fault.after > 0 {
		look /= 2
	}
	return max(look, c.told())
}

// told is the least mean time, in seconds, in which the rule's kind of bad event tells a judge enough, if it may restore a healthy
// release with a probability of at most alpha and knows all but when to stop: the rates, and how events are marked. Bad events
// of candidate and stable come at rates a and b; each tells what a mark with probability a/(a+b) tells against one with
// probability rho, the candidate's part of the requests. By Wald's inequality (A. Wald, Sequential Analysis, 1947, appendix; for a
// fault that begins later G. Lorden, Procedures for reacting to a change in distribution, Annals of Mathematical Statistics 42, 1971,
// to first order) the mean time is at least ln(1/alpha) over what is told in a second. Without stable's traffic, its rate is
// known instead; 0 where a single event tells all.
func (c *badCase) told() float64 {
	sum := 0.0
	for _, e := range c.events() {
		sum += information(e.candidate, e.stable, e.rho(c.part))
	}
	return math.Log(1/c.judged.alpha()) / sum
}

// events are the rates of independent events on both sides, a second, once the candidate is bad.
type events struct {
	candidate, stable float64
	// ratio to stable's share that the candidate may have.
	ratio float64
}

// rho is the part of the events that the candidate may have.
func (e events) rho(part float64) float64 { return e.ratio * part / (e.ratio*part + 1 - part) }

func (c *badCase) events() []events {
	s, f := &c.service, c.fault
	on, off := s.rate*c.part, s.rate*(1-c.part)
	if c.part == 1 {
		off = s.rate // its history
	}
	var all []events
	add := func(ratio, usual, faulty float64) {
		if faulty != 0 && faulty != usual {
			all = append(all, events{on * faulty, off * usual, ratio})
		}
	}
	add(1, s.errors, f.errors)
	add(1, s.slow, f.slow)
	add(leastOrders, s.orders, f.orders)
	if f.bursts > 0 {
		add(1, 1/s.bursts.every.Seconds()/s.rate, f.bursts/s.bursts.every.Seconds()/s.rate)
	}
	return all
}

// information is what events tell in a second, in nats.
func information(a, b, rho float64) float64 {
	if rho == 1 {
		if b == 0 {
			return math.Inf(1)
		}
		return a*math.Log(a/b) - a + b
	}
	return (a + b) * divergence(a/(a+b), rho)
}

// divergence of Kullback and Leibler of a mark with probability p from one with probability q.
func divergence(p, q float64) float64 {
	d := 0.0
	if p > 0 {
		d += p * math.Log(p/q)
	}
	if p < 1 {
		d += (1 - p) * math.Log((1-p)/(1-q))
	}
	return d
}
