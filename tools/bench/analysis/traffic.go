package main

import "time"

// counts is what one side did in one tick.
type counts struct {
	requests, errors, slow, orders int
	// lost is the orders that the candidate's fault cost.
	lost int
}

// tick is what both sides did in one.
type tick struct{ candidate, stable counts }

// traffic draws what a candidate and its stable do, tick by tick.
type traffic struct {
	service *service
	fault   fault
	length  time.Duration // of a tick
	chance  chance

	now time.Duration
	// late moves outages, and the beginning of a later fault, by up to a minute: nobody's interval is in step with them.
	late           time.Duration
	candidateOwes  debt
	stableOwes     debt
	candidateFails bool // has a fault at all
}

func newTraffic(s *service, f fault, length time.Duration, c chance) *traffic {
	return &traffic{
		service: s, fault: f, length: length, chance: c, candidateFails: f != fault{},
		late: time.Duration(c.Float64() * float64(time.Minute)),
	}
}

// bad is when the candidate becomes bad.
func (t *traffic) bad() time.Duration {
	if t.fault.after == 0 {
		return 0
	}
	return t.fault.after + t.late
}

// next draws one tick, in which the candidate has a part of the requests, from 0 to 1.
func (t *traffic) next(part float64) tick {
	s := t.service
	rate := s.rate * s.load(t.now) * t.length.Seconds()
	fault := 0.0
	if t.candidateFails {
		fault = t.covered(t.bad(), 1<<62)
	}
	drawn := tick{
		candidate: t.side(part, rate, fault, &t.candidateOwes),
		stable:    t.side(1-part, rate, 0, &t.stableOwes),
	}
	t.now += t.length
	return drawn
}

// side draws one side, which is at fault for a part of the tick. A request comes at any time of the tick, so it meets the fault with
// the probability of that part.
func (t *traffic) side(part, rate, faulty float64, owes *debt) counts {
	s, f, c := t.service, t.fault, t.chance
	drawn := counts{requests: c.poisson(rate * part)}
	errors := s.errors * s.strain(t.now)
	if s.shape > 0 {
		errors *= c.gamma(s.shape)
	}
	errors = min(1, mixed(errors, f.errors, faulty))
	slow, orders := mixed(s.slow, f.slow, faulty), mixed(s.orders, f.orders, faulty)
	for _, o := range s.outages {
		hit := t.covered(o.after+t.late, o.lasting)
		errors += (1 - errors) * o.errors * hit
		slow += (1 - slow) * o.slow * hit
	}
	drawn.errors = c.binomial(drawn.requests, errors)
	for range s.bursts.hits(c, t.length, part*mixed(1, f.bursts, faulty)) {
		owes.add(c, s.bursts, t.length)
	}
	due := owes.serve()
	if s.bursts.retries {
		drawn.requests += due
	}
	drawn.errors += min(due, drawn.requests-drawn.errors)
	drawn.slow = c.binomial(drawn.requests, slow)
	if s.orders > 0 {
		would := c.binomial(drawn.requests, s.orders)
		drawn.lost = c.binomial(would, 1-orders/s.orders)
		drawn.orders = would - drawn.lost
	}
	return drawn
}

// mixed is a share of which a part is another one; 0 is none.
func mixed(share, other, part float64) float64 {
	if other == 0 {
		return share
	}
	return share + (other-share)*part
}

// covered is the part of the present tick in a time that begins at a moment.
func (t *traffic) covered(begin, lasting time.Duration) float64 {
	from, to := max(t.now, begin), min(t.now+t.length, begin+lasting)
	return max(0, (to-from).Seconds()) / t.length.Seconds()
}

// history draws what stable did, in all, in a time before the release, in which it had all traffic.
func (s *service) history(c chance, during time.Duration) counts {
	seconds := during.Seconds()
	drawn := counts{requests: c.poisson(s.rate * seconds)}
	errors := s.errors
	if s.shape > 0 {
		errors *= c.gamma(s.shape * seconds)
	}
	drawn.errors = c.binomial(drawn.requests, errors)
	for range s.bursts.hits(c, during, 1) {
		size := c.geometric(s.bursts.size)
		if s.bursts.retries {
			drawn.requests += size
		} else {
			size = min(size, c.poisson(s.rate*s.bursts.spread().Seconds()))
		}
		drawn.errors += size
	}
	drawn.slow = c.binomial(drawn.requests, s.slow)
	drawn.orders = c.binomial(drawn.requests, s.orders)
	return drawn
}
