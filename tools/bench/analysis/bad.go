package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/bench/result"
)

// slack is how much slower than the trial, which had no guards, the judge may be.
const slack = 1.25

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

// bad runs a case, and what is shown beside it.
func (o *options) bad(ctx context.Context, c *badCase) (*sickness, error) {
	s, err := o.sick(ctx, c)
	if err != nil {
		return nil, err
	}
	if c.medianGoal > 0 {
		if err := o.dearer(ctx, s); err != nil {
			return nil, err
		}
	}
	if s.rules == nil {
		return s, nil
	}
	twin := &healthyCase{c.base}
	twin.name, twin.unjudged = c.name+", healthy", true
	courses, err := twin.simulate(ctx, o.seed, fault{}, 0, o.runs)
	if err != nil {
		return nil, fmt.Errorf("simulate %s: %w", twin.name, err)
	}
	s.twin = &wellness{healthyCase: twin}
	s.twin.add(courses)
	return s, nil
}

func (o *options) sick(ctx context.Context, c *badCase) (*sickness, error) {
	courses, err := c.simulate(ctx, o.seed, c.fault, 0, o.runs)
	if err != nil {
		return nil, fmt.Errorf("simulate %s: %w", c.name, err)
	}
	s := &sickness{badCase: c}
	for i := range courses {
		s.add(&courses[i])
	}
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
		more, err := o.sick(ctx, &c)
		if err != nil {
			return err
		}
		s.dearer = append(s.dearer, finite(more.judge.after.median())/finite(s.judge.after.median()))
	}
	return nil
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

func (s *sickness) results(healthy []*wellness) []result.Result {
	if len(s.judge.after) == 0 {
		return nil // All were ended before they were bad.
	}
	median := result.Lower(s.name+": time to restore, median", finite(s.judge.after.median()), "s")
	answers := result.Lower(s.name+": bad answers, median", s.judge.answers.median(), "answers")
	if s.medianGoal > 0 {
		median, answers = median.AtMost(slack*s.medianGoal), answers.AtMost(slack*s.badGoal)
	}
	all := []result.Result{median, result.Lower(s.name+": time to restore, p95", finite(s.judge.after.p95()), "s"), answers}
	// In a part of the cases many are calm.
	if c, found := s.leastBad(func(c choice) bool { return c.worst(healthy) <= allowed }); found && len(healthy) == len(healthyCases) {
		calm := s.rules[c.rule][c.setting].answers.median()
		all = append(all, result.Lower(s.name+": bad answers beside the best calm rule's", s.judge.answers.median(), "answers").AtMost(calm))
	}
	all = append(all, result.Lower(s.name+": mean time over the bound", s.judge.after.mean(horizon.Seconds())/s.bound(), "times"))
	for i, ratio := range s.dearer {
		all = append(all, result.Lower(fmt.Sprintf("%s: median with %d metrics over that with one", s.name, i+2), ratio, "times"))
	}
	return all
}
