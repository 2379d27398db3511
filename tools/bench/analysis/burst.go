package main

import (
	"cmp"
	"time"
)

// bursts are failures with one cause. Each hits one side, with the probability of that side's part of the traffic.
type bursts struct {
	// every is the mean time between two of them on the whole service; 0: there are none.
	every time.Duration
	// size is the mean number of failures, whose distribution is geometric.
	size float64
	// retries: a client asks for the impossible over and over, so the failures are requests of their own. Else something stands still for
	// a moment, and no more can fail than is asked for meanwhile.
	retries bool
	// lasting is how long the failures of one are spread over; 0: a second.
	lasting time.Duration
}

// perSecond is the mean number of failures by bursts.
func (b bursts) perSecond() float64 {
	if b.every == 0 {
		return 0
	}
	return b.size / b.every.Seconds()
}

func (b bursts) spread() time.Duration { return cmp.Or(b.lasting, time.Second) }

// hits draws the number of bursts in a time on a side that has a part of the traffic.
func (b bursts) hits(c chance, during time.Duration, part float64) int {
	if b.every == 0 {
		return 0
	}
	return c.poisson(during.Seconds() / b.every.Seconds() * part)
}

// debt is the failures by bursts that a side has still to serve, by tick, from the present one on.
type debt []int

// add spreads the failures of one burst, which begins within the present tick.
func (d *debt) add(c chance, b bursts, tick time.Duration) {
	begin := c.Float64()
	for range c.geometric(b.size) {
		n := int(begin + c.Float64()*b.spread().Seconds()/tick.Seconds())
		for len(*d) <= n {
			*d = append(*d, 0)
		}
		(*d)[n]++
	}
}

// serve takes out what is due in the present tick.
func (d *debt) serve() int {
	if len(*d) == 0 {
		return 0
	}
	due := (*d)[0]
	*d = (*d)[1:]
	return due
}
