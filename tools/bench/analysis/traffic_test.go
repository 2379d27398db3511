package main

import (
	"math"
	"testing"
	"time"
)

// drawn is what is counted in a time, in pieces of one length.
func drawn(t *traffic, part float64, pieces int, piece time.Duration) (all []tick) {
	for range pieces {
		var sum tick
		for end := t.now + piece; t.now < end; {
			sum.add(t.next(part))
		}
		all = append(all, sum)
	}
	return all
}

func errorsOf(ticks []tick, side func(tick) counts) []float64 {
	x := make([]float64, len(ticks))
	for i, t := range ticks {
		x[i] = float64(side(t).errors)
	}
	return x
}

func candidate(t tick) counts { return t.candidate }
func stable(t tick) counts    { return t.stable }

func TestMeansAndDispersion(t *testing.T) {
	const pieces = 3000
	for name, c := range map[string]struct {
		service
		tick time.Duration
		// candidate and stable are errors a minute; dispersion is variance over mean of stable's.
		candidate, stable, dispersion float64
	}{
		"none":       {of(100, 0), time.Second, 0, 0, 0},
		"one by one": {of(100, 0.01), time.Second, 6, 54, 1},
		"at 200 ms":  {of(100, 0.01), 200 * time.Millisecond, 6, 54, 1},
		// 2·size - 1, where enough is asked for to fail.
		"bursts":          {service{rate: 10_000, bursts: bursts{every: 10 * time.Second, size: 10}}, time.Second, 6, 54, 19},
		"bursts at 200ms": {service{rate: 10_000, bursts: bursts{every: 10 * time.Second, size: 10}}, 200 * time.Millisecond, 6, 54, 19},
		"long bursts":     {service{rate: 10_000, bursts: bursts{every: 10 * time.Second, size: 10, lasting: 3 * time.Second}}, time.Second, 6, 54, 19},
		"retries":         {service{rate: 1, bursts: bursts{every: 10 * time.Second, size: 10, retries: true}}, time.Second, 6, 54, 19},
		// 1 + mean of a tick over shape.
		"negative binomial": {service{rate: 100, errors: 0.01, shape: 0.5}, time.Second, 6, 54, 1 + 0.9/0.5},
	} {
		t.Run(name, func(t *testing.T) {
			ticks := drawn(newTraffic(&c.service, fault{}, c.tick, seeded(1, name, 0)), 0.1, pieces, time.Minute)
			near := func(what string, got, want, relative float64) {
				t.Helper()
				if math.Abs(got-want) > relative*want+1e-9 {
					t.Errorf("%s: %v, want %v", what, got, want)
				}
			}
			requests := 0
			for _, k := range ticks {
				requests += k.candidate.requests
			}
			asked := 6 * c.rate
			if c.bursts.retries {
				asked += c.candidate
			}
			near("requests of the candidate", float64(requests)/pieces, asked, 0.05)
			mean, _ := moments(errorsOf(ticks, candidate))
			near("errors of the candidate", mean, c.candidate, 0.08)
			mean, variance := moments(errorsOf(ticks, stable))
			near("errors of stable", mean, c.stable, 0.04)
			if mean > 0 {
				near("dispersion", variance/mean, c.dispersion, 0.15)
			}
			long := c.history(seeded(2, name, 0), pieces*time.Minute)
			near("errors of the history", float64(long.errors)/pieces, c.candidate+c.stable, 0.05)
		})
	}
}

func TestNoMoreFailThanAreAskedFor(t *testing.T) {
	s := service{rate: 10, bursts: bursts{every: time.Minute, size: 1000}}
	k := newTraffic(&s, fault{}, time.Second, seeded(1, t.Name(), 0))
	in := 0
	for range 36_000 {
		c := k.next(0.5).candidate
		if c.errors > c.requests || c.errors < 0 {
			t.Fatalf("%d of %d failed", c.errors, c.requests)
		}
		if c.errors > 0 && c.errors == c.requests {
			in++
		}
	}
	// 300 bursts hit the candidate; each fills one or two seconds.
	if in < 300 || in > 660 {
		t.Errorf("all failed in %d seconds", in)
	}
	if h := s.history(seeded(2, t.Name(), 0), time.Hour); h.errors < 400 || h.errors > 800 {
		t.Errorf("%d failures in the history, of some 60 bursts with 10 requests each", h.errors)
	}
}

func TestAFaultIsTheCandidatesAlone(t *testing.T) {
	s := service{rate: 1000, slow: 0.01, orders: 0.1}
	k := newTraffic(&s, fault{after: 5 * time.Minute, errors: 0.5, slow: 0.2, orders: 0.08}, time.Second, seeded(1, t.Name(), 0))
	if k.bad() < 5*time.Minute || k.bad() > 6*time.Minute {
		t.Errorf("bad after %v", k.bad())
	}
	var before, after tick
	for k.now < 20*time.Minute {
		if now := k.next(0.5); k.now <= k.bad() {
			before.add(now)
		} else {
			after.add(now)
		}
	}
	for name, c := range map[string]struct {
		counts
		errors, slow, orders float64
	}{
		"candidate, before": {before.candidate, 0, 0.01, 0.1}, "candidate, after": {after.candidate, 0.5, 0.2, 0.08},
		"stable, before": {before.stable, 0, 0.01, 0.1}, "stable, after": {after.stable, 0, 0.01, 0.1},
	} {
		for what, x := range map[string]struct {
			got  int
			want float64
		}{"errors": {c.counts.errors, c.errors}, "slow": {c.counts.slow, c.slow}, "orders": {c.counts.orders, c.orders}} {
			if got := float64(x.got) / float64(c.requests); math.Abs(got-x.want) > 0.03*x.want {
				t.Errorf("%s, %s: %v, want %v", name, what, got, x.want)
			}
		}
	}
	if lost := float64(after.candidate.lost) / float64(after.candidate.requests); math.Abs(lost-0.02) > 0.001 || before.candidate.lost+after.stable.lost > 0 {
		t.Errorf("%v of the orders are lost", lost)
	}
}

func TestAnOutageHitsBothForItsTime(t *testing.T) {
	s := withOutages(0, outage{after: time.Minute, lasting: 10 * time.Second, errors: 0.5})
	s.rate = 10_000
	k := newTraffic(&s, fault{}, time.Second, seeded(1, t.Name(), 0))
	var failed tick
	ticks := 0
	for k.now < 5*time.Minute {
		now := k.next(0.5)
		if now.candidate.errors > 0 {
			ticks++
		}
		failed.add(now)
	}
	if ticks != 11 { // It begins and ends within a tick.
		t.Errorf("%d ticks with errors", ticks)
	}
	for name, errors := range map[string]int{"candidate": failed.candidate.errors, "stable": failed.stable.errors} {
		if math.Abs(float64(errors)-25_000) > 1000 {
			t.Errorf("%s: %d errors, want 25000", name, errors)
		}
	}
}

func TestTheDayAndTheDoubledLoad(t *testing.T) {
	day := service{rate: 1, errors: 0.01, day: true}
	least, most := math.Inf(1), 0.0
	for at := time.Duration(0); at < dayLength; at += time.Second {
		least, most = min(least, day.load(at)), max(most, day.load(at))
	}
	if math.Abs(most/least-3) > 1e-3 {
		t.Errorf("the load varies by %v", most/least)
	}
	double := service{rate: 1, doubles: time.Minute}
	if double.load(59*time.Second) != 1 || double.load(time.Minute) != 2 {
		t.Error("the load does not double after a minute")
	}
}
