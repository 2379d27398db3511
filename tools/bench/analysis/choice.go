package main

import (
	"fmt"
	"math"
)

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
