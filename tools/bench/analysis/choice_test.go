package main

import (
	"testing"
	"time"
)

func TestTheBestRuleIsLegalCalmAndReacts(t *testing.T) {
	// In 200 healthy releases, and in three that are bad after 10 s: the seconds in which each setting ends one, and the bad answers.
	type fate struct {
		falseEnds int
		ends      [3]int
		answers   int
	}
	const never = never
	hasty := setting{1, 5, 0}
	fates := map[string]map[setting]fate{
		"Argo Rollouts": {hasty: {100, [3]int{11, 11, 12}, 1}, {5, 15, 1}: {2, [3]int{15, 20, 25}, 20}, {10, 60, 0}: {2, [3]int{5, 5, 20}, 3}, {60, 60, 5}: {0, [3]int{never, never, 60}, 0}},
		// Of these the first is not legal.
		"Flagger": {{5, 5, 0}: {0, [3]int{12, 12, 12}, 2}, {10, 60, 5}: {0, [3]int{40, 40, 40}, 99}},
	}
	s, w := &sickness{}, &wellness{runs: 200}
	for _, rule := range rules {
		reactions, ends := make([]reaction, len(grid)), make([]int, len(grid))
		for i, at := range grid {
			f, known := fates[rule.name][at]
			if !known {
				f = fate{200, [3]int{never, never, never}, 0}
			}
			ends[i] = f.falseEnds
			for _, second := range f.ends {
				end := time.Duration(never)
				if second != never {
					end = time.Duration(second) * time.Second
				}
				reactions[i].add(end, &course{bad: 10 * time.Second}, f.answers)
			}
		}
		s.rules, w.ended = append(s.rules, reactions), append(w.ended, ends)
	}
	healthy := []*wellness{{runs: 200}, w}
	calm, found := s.leastBad(func(c choice) bool { return c.worst(healthy) <= allowed })
	if !found || calm.String() != "Argo Rollouts, 5 s on 15 s, 1 borne" {
		t.Errorf("calm: %s, %v", calm, found)
	}
	fastest, found := s.best(func(choice) bool { return true }, func(_ choice, r *reaction) float64 { return r.after.median() })
	if !found || grid[fastest.setting] != hasty || s.rules[fastest.rule][fastest.setting].after.median() != 1 {
		t.Errorf("fastest: %s, %v", fastest, found)
	}
	if _, found := s.leastBad(func(choice) bool { return false }); found {
		t.Error("one was found that was not admitted")
	}
	if usual := fastest.usual(healthy); usual != 0.5 {
		t.Errorf("%v of the healthy ones are ended", usual)
	}
}
