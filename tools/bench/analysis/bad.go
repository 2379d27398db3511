package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/bench/result"
)

// slack is how much slower than the trial, which had no guards, the judge may be.
const slack = 1.25

// reaction is how somebody dealt with the bad releases of a case.
type reaction struct {
	// after is the seconds from the fault to the restore, answers the bad ones until then.
	after, answers sample
	// early counts the releases that were ended before they were bad; they are in none of the samples.
	early int
}

func (r *reaction) add(end time.Duration, c *course, answers int) {
	switch {
	case end == never:
		r.after = append(r.after, math.Inf(1))
	case end <= c.bad && c.bad > 0:
		r.early++
		return
	default:
		r.after = append(r.after, (end - c.bad).Seconds())
	}
	r.answers = append(r.answers, float64(answers))
}

// reacts tells whether at least half of the releases were still there to be restored, and of those half were.
func (r *reaction) reacts() bool { return len(r.after) > r.early && !math.IsInf(r.after.median(), 1) }

// sickness is what the bad runs of a case came to.
type sickness struct {
	*badCase
	judge reaction
	// rules are those of the grid; nil where they cannot be applied.
	rules [][]reaction
	// twin is the same service with a healthy candidate, under the rules alone.
	twin *wellness
	// dearer are the medians with two and three metrics over that with one.
	dearer []float64
}

// bad runs a case.
func (o *options) bad(ctx context.Context, c *badCase) (*sickness, error) {
	courses, err := c.simulate(ctx, o.seed, c.fault, 0, o.runs)
	if err != nil {
		return nil, fmt.Errorf("simulate %s: %w", c.name, err)
	}
	s := &sickness{badCase: c}
	for i := range courses {
		s.add(&courses[i])
	}
	if s.rules == nil {
		return s, nil
	}
	twin := &healthyCase{c.base}
	twin.name, twin.unjudged = c.name+", healthy", true
	if courses, err = twin.simulate(ctx, o.seed, fault{}, 0, o.runs); err != nil {
		return nil, fmt.Errorf("simulate %s: %w", twin.name, err)
	}
	s.twin = &wellness{healthyCase: twin}
	s.twin.add(courses)
	return s, nil
}

func (s *sickness) add(c *course) {
	s.judge.add(c.restored, c, c.answers)
	for len(s.rules) < len(c.ended) {
		s.rules = append(s.rules, make([]reaction, len(grid)))
	}
	for rule, ends := range c.ended {
		for setting, at := range ends {
			end := time.Duration(never)
			if at != never {
				end = time.Duration(at) * time.Second
			}
			s.rules[rule][setting].add(end, c, c.served[rule][setting])
		}
	}
}

// dearer runs the case again with a second and a third metric, in which nothing is wrong.
func (o *options) dearer(ctx context.Context, s *sickness) error {
	for metrics := 2; metrics <= 3; metrics++ {
		c := withMetrics(*s.badCase, metrics)
		more, err := o.bad(ctx, &c)
		if err != nil {
			return err
		}
		s.dearer = append(s.dearer, finite(more.judge.after.median())/finite(s.judge.after.median()))
	}
	return nil
}

// choice is a rule's setting.
type choice struct{ rule, setting int }

func (c choice) String() string {
	return fmt.Sprintf("%s, %s", rules[c.rule].name, grid[c.setting])
}

// best is the legal setting with the least of something; false where there is none that is admitted and reacts.
func (s *sickness) best(admitted func(choice) bool, least func(choice, *reaction) float64) (best choice, found bool) {
	smallest := math.Inf(1)
	for rule := range s.rules {
		for setting := range s.rules[rule] {
			c, r := choice{rule, setting}, &s.rules[rule][setting]
			if !rules[rule].legal(grid[setting]) || !admitted(c) || !r.reacts() {
				continue
			}
			if x := least(c, r); !found || x < smallest {
				best, smallest, found = c, x, true
			}
		}
	}
	return best, found
}

const badRow = "%-58s %10s %10s %12s %10s %10s %s\n"

func printBadHead(w io.Writer) {
	fmt.Fprint(w, `Bad releases: seconds and bad answers from the fault to the restore. The bound is the least mean time that any judge needs.
Of the usual rules, those that their tools take: the least bad answers among those that end at most 1 % of the healthy ones in every
case above; the same, chosen in hindsight for this very service; the fastest; and the calmest. False are healthy releases that
are ended: in the mean of all cases above, and on this service.

`)
	fmt.Fprintf(w, badRow, "case", "median s", "p95 s", "bad answers", "restored", "bound s", "mean over it")
}

func (s *sickness) print(w io.Writer, healthy []*wellness) {
	bound := s.bound()
	over := fmt.Sprintf("%.2f", s.judge.after.mean(horizon.Seconds())/bound)
	for i, ratio := range s.dearer {
		over += fmt.Sprintf("; median with %d metrics: x %.2f", i+2, ratio)
	}
	s.judge.print(w, s.name, seconds(bound), over)
	if s.rules == nil {
		fmt.Fprintln(w, "    the usual rules do not measure it")
		return
	}
	row := func(title string, c choice, found bool) {
		if !found {
			fmt.Fprintf(w, "    %s: no such rule reacts\n", title)
			return
		}
		s.rules[c.rule][c.setting].print(w, "    "+title+": "+c.String(), "", fmt.Sprintf("false: %s, here %s",
			percent(c.usual(healthy)), percent(s.twin.share(c.rule, c.setting))))
	}
	c, found := s.leastBad(func(c choice) bool { return c.worst(healthy) <= allowed })
	row("calm in all cases", c, found)
	c, found = s.leastBad(func(c choice) bool { return s.twin.calm(c.rule, c.setting) })
	row("calm on this service", c, found)
	c, found = s.best(func(choice) bool { return true }, func(_ choice, r *reaction) float64 { return r.after.median() })
	row("fastest", c, found)
	c, found = s.best(func(choice) bool { return true }, func(c choice, _ *reaction) float64 { return c.usual(healthy) })
	row("calmest", c, found)
}

func (r *reaction) print(w io.Writer, title, bound, note string) {
	early := ""
	if r.early > 0 {
		early = fmt.Sprintf("; %d ended before it was bad", r.early)
	}
	fmt.Fprintf(w, badRow, title, seconds(r.after.median()), seconds(r.after.p95()), seconds(r.answers.median()), percent(r.after.finite()), bound, note+early)
}

// leastBad is the rule with the least bad answers among those that are admitted.
func (s *sickness) leastBad(admitted func(choice) bool) (choice, bool) {
	return s.best(admitted, func(_ choice, r *reaction) float64 { return r.answers.median() })
}

// worst is the largest share of healthy releases that a rule's setting ends in any case.
func (c choice) worst(healthy []*wellness) float64 {
	worst := 0.0
	for _, w := range healthy {
		worst = max(worst, w.share(c.rule, c.setting))
	}
	return worst
}

// usual is the share of healthy releases that a rule's setting ends in the mean of all cases in which it can be applied.
func (c choice) usual(healthy []*wellness) float64 {
	sum, n := 0.0, 0
	for _, w := range healthy {
		if w.ended != nil {
			sum += w.share(c.rule, c.setting)
			n++
		}
	}
	return sum / float64(max(1, n))
}

func (s *sickness) results(healthy []*wellness) []result.Result {
	median := result.Lower(s.name+": time to restore, median", finite(s.judge.after.median()), "s")
	answers := result.Lower(s.name+": bad answers, median", s.judge.answers.median(), "answers")
	if s.medianGoal > 0 {
		median, answers = median.AtMost(slack*s.medianGoal), answers.AtMost(slack*s.badGoal)
	}
	all := []result.Result{median, result.Lower(s.name+": time to restore, p95", finite(s.judge.after.p95()), "s"), answers}
	if c, found := s.leastBad(func(c choice) bool { return c.worst(healthy) <= allowed }); found {
		calm := s.rules[c.rule][c.setting].answers.median()
		all = append(all, result.Lower(s.name+": bad answers beside the best calm rule's", s.judge.answers.median(), "answers").AtMost(calm))
	}
	all = append(all, result.Lower(s.name+": mean time over the bound", s.judge.after.mean(horizon.Seconds())/s.bound(), "times"))
	for i, ratio := range s.dearer {
		all = append(all, result.Lower(fmt.Sprintf("%s: median with %d metrics over that with one", s.name, i+2), ratio, "times"))
	}
	return all
}
