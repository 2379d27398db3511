package main

import (
	"cmp"
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
)

// course is what became of one release.
type course struct {
	// bad is when the candidate became so.
	bad time.Duration
	// restored is when the judge decided so, passed when it let the release go on for good where a margin was asked; never: not at all.
	restored, passed time.Duration
	asked            bool
	// answers are the bad ones that the candidate served since it was bad, until restored or the end.
	answers int
	// ended are the seconds in which the rules ended the release, and served the bad answers until then; by rule and setting.
	ended, served [][]int
}

// run simulates one release under the judge, and under the rules where they can measure it.
func (b *base) run(c chance, f fault, margin float64) (course, error) {
	interval := cmp.Or(b.interval, time.Second)
	j, err := b.judged.new(margin)
	if err != nil {
		return course{}, err
	}
	before := b.service.history(c, past)
	j.Baseline(b.judged.counted(before))
	t := newTraffic(&b.service, f, min(interval, time.Second), c)
	r := &release{base: b, traffic: t, judge: j, interval: interval, part: b.part, course: course{bad: t.bad(), restored: never, passed: never, asked: margin > 0}}
	if len(b.steps) > 0 {
		r.part = b.steps[0]
	}
	for t.now < horizon && !r.over() {
		r.tick()
	}
	r.compare()
	return r.course, nil
}

// release is one that is under way.
type release struct {
	*base
	course

	traffic  *traffic
	judge    analysis.Judge
	interval time.Duration
	// part that the candidate has, and step the index of it in steps.
	part float64
	step int
	// seen since the last look, and this second's sum so far.
	seen, second tick
	// measured is what the rules see, answers the bad answers since the candidate is bad.
	measured, since series
}

// over tells whether nothing is left to be seen: where rules are compared, they need the traffic until the end.
func (r *release) over() bool {
	return !r.ruled() && (r.restored != never || len(r.steps) > 0 && r.passed != never)
}

// ruled tells whether the usual rules can be applied: to errors or slow requests at one weight, and within their limit where all is well.
func (r *release) ruled() bool {
	return len(r.steps) == 0 && !r.judged.business && r.service.failing() <= maxErrors
}

func (r *release) tick() {
	drawn := r.traffic.next(r.part)
	now := r.traffic.now
	r.seen.add(drawn)
	r.second.add(drawn)
	if now > r.bad && r.restored == never {
		r.answers += r.harm(drawn.candidate)
	}
	if now%time.Second == 0 {
		r.measured.add(r.second.candidate.requests, r.measure(r.second.candidate))
		harm := 0
		if now > r.bad {
			harm = r.harm(r.second.candidate)
		}
		r.since.add(0, harm)
		r.second = tick{}
	}
	if !r.unjudged && now%r.interval == 0 && r.restored == never && !(len(r.steps) > 0 && r.passed != never) {
		r.look(now)
	}
}

func (r *release) look(now time.Duration) {
	v := r.judged.look(r.judge, r.interval, r.seen)
	r.seen = tick{}
	switch {
	case v.Decision == analysis.Restore:
		r.restored = now
	case v.Decision != analysis.Pass || r.passed != never:
	case r.step+1 < len(r.steps):
		r.step++
		r.part = r.steps[r.step]
		r.judge.Step()
	default:
		r.passed = now
	}
}

// harm is the bad answers: all that the case is about.
func (r *release) harm(c counts) int {
	switch {
	case r.traffic.fault.orders > 0:
		return c.lost
	case r.judged.latency && r.traffic.fault.slow > 0:
		return c.slow
	}
	return c.errors
}

// measure is what the rules count.
func (r *release) measure(c counts) int {
	if r.service.slow > 0 && r.judged.latency {
		return c.slow
	}
	return c.errors
}

// compare lets the rules judge the same traffic.
func (r *release) compare() {
	if !r.ruled() {
		return
	}
	maxShare := maxErrors
	if r.service.slow > 0 && r.judged.latency {
		maxShare = maxSlow
	}
	for _, rule := range rules {
		ended := rule.verdicts(&r.measured, maxShare)
		served := make([]int, len(ended))
		for i, at := range ended {
			if at == never {
				at = r.since.seconds()
			}
			served[i] = r.since.bad[at]
		}
		r.ended, r.served = append(r.ended, ended), append(r.served, served)
	}
}

// throughRuns of a case tell how long a healthy release takes to go through.
const throughRuns = 200

// simulate runs a case from one run up to another, on all processors, and returns the courses in order.
func (b *base) simulate(ctx context.Context, seed uint64, f fault, from, to int) ([]course, error) {
	courses := make([]course, to-from)
	var next atomic.Int64
	var failed sync.Once
	var failure error
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(courses) {
					return
				}
				margin := 0.0
				if f == (fault{}) && (len(b.steps) > 0 || from+i < throughRuns) {
					margin = usualMargin
				}
				c, err := b.run(seeded(seed, b.name, from+i), f, margin)
				if err != nil {
					failed.Do(func() { failure = err })
					return
				}
				courses[i] = c
			}
		})
	}
	group.Wait()
	if failure == nil {
		failure = ctx.Err()
	}
	return courses, failure
}
