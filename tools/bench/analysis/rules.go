package main

import "fmt"

// The usual rules: every interval, the candidate's share of bad answers in the last window is measured, and one that is above a limit
// fails; more than so many failures in all end the release. They are simulated at their best: every measurement sees all requests
// until its instant, as if Prometheus scraped without pause and delay and rate() did not extrapolate, and restoring takes no time.
//
// The grid was written down before anything was measured. Seconds.
var (
	intervals = []int{1, 5, 10, 30, 60}
	windows   = []int{5, 15, 60}
	// failureLimits are the failures that are borne.
	failureLimits = []int{0, 1, 2, 3, 5}
)

const (
	maxErrors = 0.01
	maxSlow   = 0.05
)

// setting is one point of the grid.
type setting struct{ interval, window, limit int }

func (s setting) String() string {
	return fmt.Sprintf("%d s on %d s, %d borne", s.interval, s.window, s.limit)
}

// rule is what a tool does.
type rule struct {
	name string
	// leastInterval is the shortest one that the tool takes, in seconds.
	leastInterval int
	// ends tells in which second a release ends by each of the failure limits; never: not at all.
	ends func(s *series, maxShare float64, interval, window int) []int
}

const never = -1

var rules = []rule{argo, flagger}

// grid is all settings in the order of verdicts.
var grid = func() (all []setting) {
	for _, interval := range intervals {
		for _, window := range windows {
			for _, limit := range failureLimits {
				all = append(all, setting{interval, window, limit})
			}
		}
	}
	return all
}()

// legal tells whether the tool takes the setting.
func (r rule) legal(s setting) bool { return s.interval >= r.leastInterval }

// verdicts are the seconds in which the rule's settings end the release, in the grid's order.
func (r rule) verdicts(s *series, maxShare float64) []int {
	all := make([]int, 0, len(grid))
	for _, interval := range intervals {
		for _, window := range windows {
			all = append(all, r.ends(s, maxShare, interval, window)...)
		}
	}
	return all
}

// series is what a candidate served, summed up from the beginning to the end of each second; the first element is 0.
type series struct{ requests, bad []int }

func (s *series) seconds() int { return len(s.bad) - 1 }

func (s *series) add(requests, bad int) {
	if len(s.bad) == 0 {
		s.requests, s.bad = append(s.requests, 0), append(s.bad, 0)
	}
	s.requests = append(s.requests, s.requests[len(s.requests)-1]+requests)
	s.bad = append(s.bad, s.bad[len(s.bad)-1]+bad)
}

// share of bad ones in the window that ends at a second; false without requests, which is NaN to Prometheus.
func (s *series) share(at, window int) (float64, bool) {
	from := max(0, at-window)
	requests := s.requests[at] - s.requests[from]
	if requests == 0 {
		return 0, false
	}
	return float64(s.bad[at]-s.bad[from]) / float64(requests), true
}

// nth are the seconds of the failures that each limit does not bear any more, and never where there are too few.
func nth(s *series, interval int, fails func(at int) bool) []int {
	ends := make([]int, len(failureLimits))
	for i := range ends {
		ends[i] = never
	}
	failed, next := 0, 0
	for at := interval; at <= s.seconds() && next < len(ends); at += interval {
		if !fails(at) {
			continue
		}
		for failed++; next < len(ends) && failed > failureLimits[next]; next++ {
			ends[next] = at
		}
	}
	return ends
}
