//go:build linux

package main

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// options of the benchmark.
type options struct {
	root string
	// rates of the load, in requests a second.
	rates []int
	// only are the scenarios by name; empty: all.
	only []string
	// idle is how long the load flows without a release; pause how long each step of a release lasts.
	idle, pause time.Duration
	// kills of an instance, with a release and without.
	kills int
	// byHand is how often a release is made by us and by hand, changes how often weights are.
	byHand, changes int
	// artifact that is uploaded, in MiB, and how often.
	artifact, uploads int
	limit             time.Duration
}

// quick is a sample, which shows that all runs.
const quick = "-rates 500 -only idle,good,restore -idle 1s -pause 1s -by-hand 1 -changes 100 -artifact 32 -uploads 1"

func parse(arguments []string) (options, error) {
	var o options
	set := flag.NewFlagSet("bench-machines", flag.ContinueOnError)
	set.StringVar(&o.root, "root", ".", "the repository")
	rates := set.String("rates", "500,2000", "loads in requests a second, with commas in between")
	only := set.String("only", "", "scenarios, with commas in between: "+strings.Join(scenarioNames(), ", ")+"; all by default, "+noScenario+" for none")
	set.DurationVar(&o.idle, "idle", 10*time.Second, "how long the load flows without a release")
	set.DurationVar(&o.pause, "pause", 5*time.Second, "how long each step of a release lasts")
	set.IntVar(&o.kills, "kills", 5, "how often an instance is killed, with a release and without")
	set.IntVar(&o.byHand, "by-hand", 3, "how often the same release is made by the provider and by hand")
	set.IntVar(&o.changes, "changes", 1000, "how often the weights are changed")
	set.IntVar(&o.artifact, "artifact", 1024, "size of the artifact that is uploaded, in MiB; 0: none is")
	set.IntVar(&o.uploads, "uploads", 3, "how often it is uploaded by us and by scp")
	set.DurationVar(&o.limit, "limit", time.Hour, "longest time for all of it")
	isQuick := set.Bool("quick", false, "a sample in a minute: "+quick)
	if err := set.Parse(arguments); err != nil {
		return o, err
	}
	if *isQuick {
		// What is said beside it counts.
		if err := set.Parse(append(strings.Fields(quick), arguments...)); err != nil {
			return o, err
		}
	}
	for text := range strings.SplitSeq(*rates, ",") {
		rate, err := strconv.Atoi(text)
		if err != nil || rate < 1 {
			return o, fmt.Errorf("-rates: %q is no rate", text)
		}
		o.rates = append(o.rates, rate)
	}
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	for _, name := range o.only {
		if name != noScenario && !slices.Contains(scenarioNames(), name) {
			return o, fmt.Errorf("-only: there is no scenario %q, but %s", name, strings.Join(scenarioNames(), ", "))
		}
	}
	if o.pause < 500*time.Millisecond || o.idle <= 0 || o.kills < 1 || o.byHand < 0 || o.changes < 0 || o.artifact < 0 || o.uploads < 1 {
		return o, errors.New("-pause must be at least 500ms, -idle, -kills and -uploads above 0, and nothing below it")
	}
	return o, nil
}

// wants tells whether a scenario is asked for.
func (o options) wants(name string) bool { return len(o.only) == 0 || slices.Contains(o.only, name) }
