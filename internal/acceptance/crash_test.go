package acceptance_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// The crash matrix: a run is recorded, and then made again for each point that it passed, killed there by kill -9, and
// followed by one of the ways out (scenario_test.go); and the other faults (fault_test.go, unreachable_test.go).
// DEPLOY_CRASH says how much of it: "all" (each point, with one way out, in turn), "thorough" (each point with every way out), a number
// (of all, one in so many), else a sample. Of runs that fail at a stage, all but thorough leave out the points before it: the run that
// goes through is killed at those. DEPLOY_CRASH_ONLY is a scenario, or scenario/point, or scenario/point/way, or a fault, to repeat runs; or
// "machines", for each point of those that are on machines; or several of these, with commas. With a number in DEPLOY_CRASH it is one in so many of them.

// sampled is how many kills make test does, of the scenarios sampledScenarios.
const sampled = 8

var sampledScenarios = map[string]bool{"update": true, "fails-traffic-split": true, "operator-restore": true}

// onlyMachines is what DEPLOY_CRASH_ONLY calls all of the runs on machines.
const onlyMachines = "machines"

// ways out of a kill.
var ways = []string{"same", "reverted", "recover"}

// amount is how much of the matrix is wanted.
type amount struct {
	whole, thorough bool
	// every n-th of the runs of all.
	every int
	only  string
}

func wantedAmount() amount {
	a := amount{only: os.Getenv("DEPLOY_CRASH_ONLY"), every: 1}
	wanted := os.Getenv("DEPLOY_CRASH")
	if n, err := strconv.Atoi(wanted); err == nil && n > 1 {
		a.every, wanted = n, "all"
	}
	a.thorough = wanted == "thorough"
	a.whole = a.thorough || wanted == "all"
	return a
}

// sample: not all, and nothing by name.
func (a amount) sample() bool { return !a.whole && a.only == "" }

// named tells whether something is meant by one of the names that are wanted.
func (a amount) named(means func(one string) bool) bool {
	return a.only != "" && slices.ContainsFunc(strings.Split(a.only, ","), means)
}

// meant: one is the scenario, or runs of it.
func (s scenario) meant(one string) bool {
	return strings.HasPrefix(one+"/", s.name+"/") || s.machines && one == onlyMachines
}

func (a amount) scenarios() []scenario {
	var chosen []scenario
	for _, s := range scenarios() {
		if a.sample() && sampledScenarios[s.name] || a.only == "" && a.whole || a.named(s.meant) {
			chosen = append(chosen, s)
		}
	}
	return chosen
}

func (a amount) faults() []fault {
	var chosen []fault
	for _, f := range faults() {
		if a.sample() && f.sampled || a.only == "" && a.whole || a.named(func(one string) bool { return strings.HasPrefix(f.name+"/", one+"/") }) {
			chosen = append(chosen, f)
		}
	}
	return chosen
}

// crash is one kill and one way out.
type crash struct {
	scenario
	point     int
	what, way string
}

func (c crash) name() string { return fmt.Sprintf("%s/%d/%s", c.scenario.name, c.point, c.way) }

func (c crash) meant(one string) bool {
	return strings.HasPrefix(c.name()+"/", one+"/") || c.machines && one == onlyMachines
}

func (a amount) crashes(chosen []scenario, recorded [][]string) []crash {
	var runs []crash
	matching := 0
	each := a.only == "" || a.only == onlyMachines // and none by its name
	for i, s := range chosen {
		out := s.ways
		if out == nil {
			out = ways
		}
		since := max(0, slices.Index(recorded[i], s.since))
		for n, what := range recorded[i] {
			if n < since && !a.thorough && each {
				continue
			}
			taken := out
			if !a.thorough && each {
				taken = out[n%len(out):][:1]
			}
			for _, way := range taken {
				c := crash{s, n + 1, what, way}
				switch {
				case a.only == "" && n%a.every == 0:
					runs = append(runs, c)
				case a.named(c.meant):
					if matching++; matching%a.every == 0 {
						runs = append(runs, c)
					}
				}
			}
		}
	}
	if a.sample() {
		seeded := rand.New(rand.NewPCG(4, 2)) //nolint:gosec // the same sample each time
		seeded.Shuffle(len(runs), func(i, j int) { runs[i], runs[j] = runs[j], runs[i] })
		runs = runs[:min(sampled, len(runs))]
	}
	return runs
}

func TestCrashMatrix(t *testing.T) {
	a := wantedAmount()
	if a.sample() {
		t.Parallel()
	}
	var failures, done atomic.Int64
	counted := func(t *testing.T, name string, run func(*testing.T)) {
		t.Helper()
		t.Parallel()
		defer func() {
			if !t.Skipped() {
				done.Add(1)
			}
			if t.Failed() {
				failures.Add(1)
				t.Logf("to repeat it: make crash ONLY=%s", name)
			}
		}()
		run(t)
	}
	chosen := a.scenarios()
	recorded := make([][]string, len(chosen))
	t.Run("points", func(t *testing.T) {
		for i, s := range chosen {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				defer func() {
					if t.Failed() { // Its points are not known: none of its runs is made.
						failures.Add(1)
					}
				}()
				recorded[i] = s.points(t)
			})
		}
	})
	points := 0
	for _, p := range recorded {
		points += len(p)
	}
	t.Run("runs", func(t *testing.T) {
		for _, c := range a.crashes(chosen, recorded) {
			t.Run(c.name(), func(t *testing.T) {
				counted(t, c.name(), func(t *testing.T) { c.run(t, c.point, c.what, c.way) })
			})
		}
		for _, f := range a.faults() {
			t.Run(f.name, func(t *testing.T) { counted(t, f.name, f.run) })
		}
	})
	if done.Load() == 0 {
		t.Errorf("nothing was run: there is no %q", a.only)
	}
	line := fmt.Sprintf("crash: %d points, %d runs, %d failures", points, done.Load(), failures.Load())
	t.Log(line)
	if path := os.Getenv("DEPLOY_CRASH_SUMMARY"); path != "" {
		if err := os.WriteFile(path, []byte(line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
