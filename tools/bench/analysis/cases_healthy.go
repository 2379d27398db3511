package main

import (
	"fmt"
	"time"
)

// healthyCases are releases without a fault of their own. In 30 minutes no more than one in a hundred may be restored.
var healthyCases = func() []healthyCase {
	var all []healthyCase
	add := func(b base) { all = append(all, healthyCase{b}) }
	for _, errors := range []float64{0, 0.001, 0.008, 0.02} {
		add(base{name: "100 rps, " + percent(errors), service: of(100, errors), part: 0.1})
	}
	for _, rate := range []float64{5, 20, 1000} {
		for _, errors := range []float64{0.001, 0.008} {
			add(base{name: fmt.Sprintf("%v rps, %s", rate, percent(errors)), service: of(rate, errors), part: 0.1})
		}
	}
	for _, part := range []float64{0.05, 0.5, 1} {
		for _, errors := range []float64{0.001, 0.008} {
			add(base{name: fmt.Sprintf("100 rps at %s, %s", percent(part), percent(errors)), service: of(100, errors), part: part})
		}
	}
	add(base{name: "100 rps, 0.8 %, at 200 ms", service: of(100, 0.008), part: 0.1, interval: 200 * time.Millisecond})

	for _, every := range []time.Duration{10 * time.Second, time.Minute, 10 * time.Minute} {
		for _, size := range []float64{3, 10, 30} {
			for _, floor := range []float64{0, 0.001} {
				add(base{name: fmt.Sprintf("bursts of %v every %s over %s", size, short(every), percent(floor)), part: 0.1,
					service: withBursts(floor, bursts{every: every, size: size})})
			}
		}
	}
	for _, size := range []float64{10, 30} {
		add(base{name: fmt.Sprintf("bursts of %v every 1m lasting 3s", size), part: 0.1, service: withBursts(0.001, bursts{every: time.Minute, size: size, lasting: 3 * time.Second})})
		add(base{name: fmt.Sprintf("bursts of %v every 1m at 50 %%", size), part: 0.5, service: withBursts(0.001, bursts{every: time.Minute, size: size})})
		add(base{name: fmt.Sprintf("bursts of %v every 1m at 100 %%", size), part: 1, service: withBursts(0.001, bursts{every: time.Minute, size: size})})
		add(base{name: fmt.Sprintf("bursts of %v every 1m, 20 rps", size), part: 0.1,
			service: service{rate: 20, errors: 0.001, bursts: bursts{every: time.Minute, size: size}}})
		for _, rate := range []float64{20, 100} {
			add(base{name: fmt.Sprintf("%v retries every 1m, %v rps", size, rate), part: 0.1,
				service: service{rate: rate, errors: 0.001, bursts: bursts{every: time.Minute, size: size, retries: true}}})
		}
	}
	add(base{name: "bursts of 10 every 1m, at 200 ms", part: 0.1, interval: 200 * time.Millisecond, service: withBursts(0.001, bursts{every: time.Minute, size: 10})})
	for _, shape := range []float64{0.1, 1} {
		add(base{name: fmt.Sprintf("0.8 %%, negative binomial, shape %v", shape), service: service{rate: 100, errors: 0.008, shape: shape}, part: 0.1})
	}
	add(base{name: "time of day, 0.5 %", service: service{rate: 100, errors: 0.005, day: true}, part: 0.1})
	add(base{name: "load doubles, 0.5 %", service: service{rate: 100, errors: 0.005, doubles: 10 * time.Minute}, part: 0.1})

	for _, o := range outages {
		for _, part := range []float64{0.05, 0.1, 0.5} {
			add(base{name: fmt.Sprintf("%s at %s", o.name, percent(part)), service: withOutages(0.001, o.outages...), part: part})
		}
		add(base{name: o.name + ", with max_rate", service: withOutages(0.001, o.outages...), part: 0.1, judged: judgement{maxRate: 0.05}})
	}
	slower := service{rate: 100, errors: 0.001, slow: 0.01, outages: []outage{{10 * time.Minute, 20 * time.Minute, 0, 0.2}}}
	add(base{name: "both get slow", service: slower, part: 0.1, judged: judgement{latency: true}})

	for _, rate := range []float64{20, 100, 1000} {
		for _, errors := range []float64{0, 0.001, 0.008} {
			add(base{name: fmt.Sprintf("steps 5-25-50-100, %v rps, %s", rate, percent(errors)), service: of(rate, errors), steps: []float64{0.05, 0.25, 0.5, 1}})
		}
	}
	return all
}()

// outages are what a broken database does to both sides.
var outages = []struct {
	name    string
	outages []outage
}{
	{"outage of both, 10 s", []outage{{5 * time.Minute, 10 * time.Second, 1, 0}}},
	{"outage of both, 60 s of 30 %", []outage{{5 * time.Minute, time.Minute, 0.3, 0}}},
	{"three outages of both", []outage{
		{5 * time.Minute, 10 * time.Second, 1, 0}, {10 * time.Minute, 30 * time.Second, 0.3, 0}, {15 * time.Minute, time.Minute, 0.5, 0},
	}},
}

// percent is a share in words.
func percent(share float64) string { return fmt.Sprintf("%.3g %%", 100*share) }

// short is a duration without the zeros of its smaller units.
func short(d time.Duration) string {
	if d%time.Minute == 0 {
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return d.String()
}
