// Package judging measures how long the users of a release that turns bad suffer until it is taken out: real Terraform, the real
// provider, Caddy, Prometheus and a service that turns bad on command.
package judging

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Setting is one way to judge a release.
type Setting struct {
	// Name, for people and on the command line.
	Name string
	// Interval of the looks; 0: the provider's default.
	Interval time.Duration
	// Scrapes is the interval at which Prometheus scrapes, whose answers then are the metrics; 0: the provider asks the instances.
	Scrapes time.Duration
	// BadForGoal and BadAnswersGoal bound the medians; nil: no goal.
	BadForGoal     *time.Duration
	BadAnswersGoal *float64
}

func some[T any](value T) *T { return &value }

// Settings are all of them, the fastest first.
var Settings = []Setting{
	{Name: "scrape-200ms", Interval: 200 * time.Millisecond, BadForGoal: some(1600 * time.Millisecond), BadAnswersGoal: some(8.0)},
	{Name: "scrape-1s", Interval: time.Second},
	{Name: "prometheus-1s", Scrapes: time.Second},
	{Name: "prometheus-15s", Scrapes: 15 * time.Second},
}

// Choose picks settings by their names, which commas separate; "all" is all of them.
func Choose(names string) ([]Setting, error) {
	if names == "all" {
		return Settings, nil
	}
	var chosen []Setting
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(Settings, func(s Setting) bool { return s.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no setting %q: there are %s, and all", name, strings.Join(settingNames(), ", "))
		}
		if slices.ContainsFunc(chosen, func(s Setting) bool { return s.Name == name }) {
			return nil, fmt.Errorf("setting %s is named twice", name)
		}
		chosen = append(chosen, Settings[i])
	}
	return chosen, nil
}

func settingNames() []string {
	var names []string
	for _, s := range Settings {
		names = append(names, s.Name)
	}
	return names
}

const (
	// wellLeast and wellSpread are how long a candidate is well under traffic before it turns bad: at least, and how much longer by
	// chance, so that the moment falls anywhere between two looks.
	wellLeast  = 2 * time.Second
	wellSpread = 3 * time.Second
)

// well is for how long a candidate is well under traffic, chance being from 0 to 1. With Prometheus it is scraped at least once in
// that time.
func (s Setting) well(chance float64) time.Duration {
	return wellLeast + s.Scrapes + time.Duration(chance*float64(max(wellSpread, s.Scrapes)))
}

// about says it in a sentence.
func (s Setting) about() string {
	if s.Scrapes > 0 {
		return fmt.Sprintf("Prometheus, which scrapes every %s", s.Scrapes)
	}
	return fmt.Sprintf("the instances are asked every %s", s.Interval)
}
