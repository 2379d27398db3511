package main

import (
	"math"
	"time"
)

// service says how traffic comes, and how it is answered by instances that are well. Rates are a second and of both sides together;
// shares are of requests, from 0 to 1.
type service struct {
	rate   float64
	errors float64
	slow   float64
	// orders is the share of requests that add to the business counter.
	orders float64
	bursts bursts
	// shape, where it is above 0, lets the share of errors vary by a gamma factor of variance 1/shape, drawn anew for each side
	// and tick: counts of errors are negative binomial then, as wide as real ones.
	shape float64
	// day: within 30 minutes, rate and share of errors rise and fall by a factor of 3, the one after the other.
	day bool
	// doubles is when the rate does; 0: never.
	doubles time.Duration
	outages []outage
}

// outage is a fault that both sides suffer.
type outage struct {
	after, lasting time.Duration
	// errors and slow are the shares of requests that it makes bad.
	errors, slow float64
}

// fault is what is wrong with a candidate.
type fault struct {
	// after is how long the candidate is as good as stable; 0: not at all.
	after time.Duration
	// errors, slow and orders are the shares in place of the service's; 0: as the service.
	errors, slow, orders float64
	// bursts is how many times more frequent the bursts are than stable's; 0: as the service.
	bursts float64
}

// dayLength is the time in which a day goes by.
const dayLength = 30 * time.Minute

// load is the factor of the rate at a time.
func (s *service) load(at time.Duration) float64 {
	factor := 1.0
	if s.day {
		factor = 1 + math.Sin(2*math.Pi*at.Seconds()/dayLength.Seconds())/2
	}
	if s.doubles > 0 && at >= s.doubles {
		factor *= 2
	}
	return factor
}

// strain is the factor of the share of errors at a time.
func (s *service) strain(at time.Duration) float64 {
	if !s.day {
		return 1
	}
	return 1 + math.Sin(2*math.Pi*at.Seconds()/dayLength.Seconds()-math.Pi/2)/2
}

// failing is at most the share of errors that healthy instances have in the long run, without outages.
func (s *service) failing() float64 { return s.errors + s.bursts.perSecond()/s.rate }
