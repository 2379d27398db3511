package main

import "time"

// base is what all cases have.
type base struct {
	name    string
	service service
	// part of the requests that the candidate gets, from 0 to 1.
	part   float64
	judged judgement
	// interval of the judge's looks; 0: a second.
	interval time.Duration
	// steps are parts that a release walks through, each as soon as it passes; none: it stays at part.
	steps []float64
	// unjudged: the rules look at it alone.
	unjudged bool
}

// badCase is a candidate that is to be restored.
type badCase struct {
	base
	fault fault
	// medianGoal in seconds and badGoal in bad answers are what a plain mixture without a guard reached; 0: it was not tried.
	medianGoal, badGoal float64
}

// healthyCase is a candidate that is as good as stable.
type healthyCase struct{ base }

const (
	// horizon is how long a release is looked at.
	horizon = 30 * time.Minute
	// past is how long stable had run before it.
	past = time.Hour
)

func of(rate, errors float64) service { return service{rate: rate, errors: errors} }

// fails is a candidate with that share of errors, from its beginning.
func fails(errors float64) fault { return fault{errors: errors} }

// trial are the cases of the table.
var trial = []badCase{
	{base{name: "100 rps, half bad over 0", service: of(100, 0), part: 0.1}, fails(0.5), 1, 5},
	{base{name: "100 rps, half bad over 0, at 200 ms", service: of(100, 0), part: 0.1, interval: 200 * time.Millisecond}, fails(0.5), 0.6, 3},
	{base{name: "100 rps, 5 % over 0", service: of(100, 0), part: 0.1}, fails(0.05), 6, 3},
	{base{name: "100 rps, 1 % over 0.1 %", service: of(100, 0.001), part: 0.1}, fails(0.01), 50, 6},
	{base{name: "20 rps, 1 % over 0", service: of(20, 0), part: 0.1}, fails(0.01), 136, 3},
	{base{name: "20 rps, 1 % over 0.1 %", service: of(20, 0.001), part: 0.1}, fails(0.01), 237, 6},
}

var badCases = append(trial, []badCase{
	{base: base{name: "100 rps, half bad over 0.1 %", service: of(100, 0.001), part: 0.1}, fault: fails(0.5)},
	{base: base{name: "100 rps, half bad over 0.1 %, at 200 ms", service: of(100, 0.001), part: 0.1, interval: 200 * time.Millisecond}, fault: fails(0.5)},
	{base: base{name: "100 rps, half bad over 1 %", service: of(100, 0.01), part: 0.1}, fault: fails(0.5)},
	{base: base{name: "100 rps, 5 % over 0.1 %", service: of(100, 0.001), part: 0.1}, fault: fails(0.05)},

	{base: base{name: "100 rps at 1 %, 5 % over 0.1 %", service: of(100, 0.001), part: 0.01}, fault: fails(0.05)},
	{base: base{name: "100 rps at 5 %, 5 % over 0.1 %", service: of(100, 0.001), part: 0.05}, fault: fails(0.05)},
	{base: base{name: "100 rps at 25 %, 5 % over 0.1 %", service: of(100, 0.001), part: 0.25}, fault: fails(0.05)},
	{base: base{name: "100 rps at 50 %, 5 % over 0.1 %", service: of(100, 0.001), part: 0.5}, fault: fails(0.05)},
	{base: base{name: "100 rps at 100 %, 5 % over 0.1 %", service: of(100, 0.001), part: 1}, fault: fails(0.05)},
	{base: base{name: "100 rps at 100 %, half bad over 0.1 %", service: of(100, 0.001), part: 1}, fault: fails(0.5)},

	{base: base{name: "5 rps, half bad over 0.1 %", service: of(5, 0.001), part: 0.1}, fault: fails(0.5)},
	{base: base{name: "5 rps, 5 % over 0.1 %", service: of(5, 0.001), part: 0.1}, fault: fails(0.05)},
	{base: base{name: "20 rps, half bad over 0.1 %", service: of(20, 0.001), part: 0.1}, fault: fails(0.5)},
	{base: base{name: "20 rps, 5 % over 0.1 %", service: of(20, 0.001), part: 0.1}, fault: fails(0.05)},
	{base: base{name: "1000 rps, half bad over 0.1 %", service: of(1000, 0.001), part: 0.1}, fault: fails(0.5)},
	{base: base{name: "1000 rps, 5 % over 0.1 %", service: of(1000, 0.001), part: 0.1}, fault: fails(0.05)},
	{base: base{name: "1000 rps, 1 % over 0.1 %", service: of(1000, 0.001), part: 0.1}, fault: fails(0.01)},

	{base: base{name: "half bad after 5 min", service: of(100, 0.001), part: 0.1}, fault: fault{after: 5 * time.Minute, errors: 0.5}},
	{base: base{name: "half bad after 20 min", service: of(100, 0.001), part: 0.1}, fault: fault{after: 20 * time.Minute, errors: 0.5}},
	{base: base{name: "5 % after 5 min", service: of(100, 0.001), part: 0.1}, fault: fault{after: 5 * time.Minute, errors: 0.05}},
	{base: base{name: "5 % after 20 min", service: of(100, 0.001), part: 0.1}, fault: fault{after: 20 * time.Minute, errors: 0.05}},
	{base: base{name: "half bad after an outage of both", service: withOutages(0.001, outage{2 * time.Minute, time.Minute, 0.3, 0}), part: 0.1},
		fault: fault{after: 5 * time.Minute, errors: 0.5}},
	{base: base{name: "5 % after an outage of both", service: withOutages(0.001, outage{2 * time.Minute, time.Minute, 0.3, 0}), part: 0.1},
		fault: fault{after: 5 * time.Minute, errors: 0.05}},
	{base: base{name: "bursts 5 x as frequent", service: withBursts(0.001, bursts{every: 30 * time.Second, size: 10}), part: 0.1}, fault: fault{bursts: 5}},
	{base: base{name: "half bad over bursts", service: withBursts(0.001, bursts{every: time.Minute, size: 10}), part: 0.1}, fault: fails(0.5)},
	{base: base{name: "5 % over bursts", service: withBursts(0.001, bursts{every: time.Minute, size: 10}), part: 0.1}, fault: fails(0.05)},

	{base: base{name: "20 % slow over 1 %", service: service{rate: 100, errors: 0.001, slow: 0.01}, part: 0.1, judged: judgement{latency: true}}, fault: fault{slow: 0.2}},
	{base: base{name: "5 % slow over 1 %", service: service{rate: 100, errors: 0.001, slow: 0.01}, part: 0.1, judged: judgement{latency: true}}, fault: fault{slow: 0.05}},
	{base: base{name: "orders down to 80 %", service: service{rate: 100, errors: 0.001, orders: 0.1}, part: 0.1, judged: judgement{business: true}}, fault: fault{orders: 0.08}},
}...)

// withMetrics is a case of the trial under a judge that has more to judge, all of it well.
func withMetrics(c badCase, metrics int) badCase {
	c.judged.latency, c.judged.business = metrics >= 2, metrics >= 3
	c.service.slow, c.service.orders = 0.01, 0.1
	return c
}

func withBursts(errors float64, b bursts) service {
	return service{rate: 100, errors: errors, bursts: b}
}

func withOutages(errors float64, o ...outage) service {
	return service{rate: 100, errors: errors, outages: o}
}
