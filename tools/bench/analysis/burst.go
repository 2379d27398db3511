package main

import "time"

// bursts are failures with one cause: a pause of one instance, a client that asks for the impossible over and over. Each hits one
// side, with the probability of that side's part of the traffic.
type bursts struct {
	// every is the mean time between two of them on the whole service; 0: there are none.
	every time.Duration
	// size is the mean number of failures, whose distribution is geometric.
	size float64
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
	lasting := b.lasting
	if lasting == 0 {
		lasting = time.Second
	}
	begin := c.Float64()
	for range c.geometric(b.size) {
		n := int(begin + c.Float64()*lasting.Seconds()/tick.Seconds())
		for len(*d) <= n {
			*d = append(*d, 0)
		}
		(*d)[n]++
	}
}

// serve takes what is due out, but no more than there are requests that can fail: the rest is due in the next tick.
func (d *debt) serve(requests int) int {
	if len(*d) == 0 {
		return 0
	}
	due := (*d)[0]
	*d = (*d)[1:]
	served := min(due, requests)
	if rest := due - served; rest > 0 {
		if len(*d) == 0 {
			*d = append(*d, 0)
		}
		(*d)[0] += rest
	}
	return served
}
