package main

import (
	"slices"
	"testing"
)

// seconds of one candidate: requests and bad ones in each.
func seriesOf(requests, bad []int) *series {
	s := &series{}
	for i := range requests {
		s.add(requests[i], bad[i])
	}
	return s
}

// each is n seconds with the same number in each, but for the given ones.
func each(n, number int, other map[int]int) []int {
	all := slices.Repeat([]int{number}, n)
	for second, x := range other {
		all[second-1] = x
	}
	return all
}

func TestRules(t *testing.T) {
	const none = never
	for name, c := range map[string]struct {
		series           *series
		interval, window int
		argo, flagger    []int
	}{
		"well": {seriesOf(each(60, 10, nil), each(60, 0, nil)), 10, 5,
			[]int{none, none, none, none, none}, []int{none, none, none, none, none}},
		"bad throughout": {seriesOf(each(80, 10, nil), each(80, 5, nil)), 10, 5,
			[]int{10, 20, 30, 40, 60}, []int{20, 30, 40, 50, 70}},
		"exactly at the limit": {seriesOf(each(60, 100, nil), each(60, 1, nil)), 10, 5,
			[]int{none, none, none, none, none}, []int{none, none, none, none, none}},
		// Measured from the 6th to the 10th, and from the 16th to the 20th second: what lies between is never seen.
		"between two windows": {seriesOf(each(60, 10, nil), each(60, 0, map[int]int{11: 9, 15: 9})), 10, 5,
			[]int{none, none, none, none, none}, []int{none, none, none, none, none}},
		// One bad second is in as many measurements as fit into the window.
		"one second": {seriesOf(each(60, 10, nil), each(60, 0, map[int]int{20: 9})), 1, 5,
			[]int{20, 21, 22, 23, none}, []int{21, 22, 23, 24, none}},
		"good measurements forgive nothing": {seriesOf(each(60, 10, nil), each(60, 0, map[int]int{10: 9, 50: 9})), 10, 5,
			[]int{10, 50, none, none, none}, []int{20, 60, none, none, none}},
		// The one takes NaN for good, the other for a failed check.
		"no requests": {seriesOf(each(60, 0, nil), each(60, 0, nil)), 10, 5,
			[]int{none, none, none, none, none}, []int{20, 30, 40, 50, none}},
		"the last check comes too late": {seriesOf(each(60, 10, nil), each(60, 0, map[int]int{60: 9})), 10, 5,
			[]int{60, none, none, none, none}, []int{none, none, none, none, none}},
		"a window longer than the time": {seriesOf(each(60, 10, nil), each(60, 0, map[int]int{1: 9})), 30, 60,
			[]int{30, 60, none, none, none}, []int{60, none, none, none, none}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := argo.ends(c.series, maxErrors, c.interval, c.window); !slices.Equal(got, c.argo) {
				t.Errorf("Argo Rollouts: %v, want %v", got, c.argo)
			}
			if got := flagger.ends(c.series, maxErrors, c.interval, c.window); !slices.Equal(got, c.flagger) {
				t.Errorf("Flagger: %v, want %v", got, c.flagger)
			}
		})
	}
}

func TestTheGridIsInTheOrderOfVerdicts(t *testing.T) {
	s := seriesOf(each(600, 10, nil), each(600, 5, nil))
	legal := 0
	for i, at := range argo.verdicts(s, maxErrors) {
		if want := grid[i].interval * (grid[i].limit + 1); at != want {
			t.Errorf("%s: %d, want %d", grid[i], at, want)
		}
		if flagger.legal(grid[i]) {
			legal++
		}
	}
	if len(grid) != 75 || legal != 45 {
		t.Errorf("%d settings, %d of them legal", len(grid), legal)
	}
}
