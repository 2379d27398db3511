package acceptance_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/connect"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// The crash matrix: a run is recorded, and then made again for each point that it passed, killed there by kill -9, and
// followed by one of the ways out; and the other faults (fault_test.go). DEPLOY_CRASH says how much of it: "all" (each point, with one way out, in turn),
// "thorough" (each point with every way out), else a sample. DEPLOY_CRASH_ONLY is a scenario, or scenario/point, or scenario/point/way, to repeat runs.

// scenario is a run that is killed.
type scenario struct {
	name string
	// base is the version that stands before, "" for none; prepare what is done beside it.
	base    string
	prepare func(*rig)
	// release is what the killed run applies, and reverted the configuration before it.
	release  config
	reverted config
	// fails: the release does not pass; its run restores base.
	fails bool
	// backups: the release's checkpoint saves data.
	backups bool
	// command is what is killed instead of an apply: an operator's. It comes to base with release.
	command []string
}

func scenarios() []scenario {
	all := []scenario{
		{name: "install", release: config{Version: "1"}},
		{name: "update", base: "1", release: config{Version: "2"}, reverted: config{Version: "1"}, backups: true},
		{name: "operator", base: "1", prepare: func(r *rig) { r.deploy(config{Version: "2"}) }, release: config{Version: "1"}, reverted: config{Version: "2"}, command: []string{"rollback", string(web), "--yes"}},
		{name: "rollback", base: "1", prepare: func(r *rig) { r.deploy(config{Version: "2"}) }, release: config{Version: "1"}, reverted: config{Version: "2"}},
		{name: "recovery", base: "1", prepare: killedInTheSplit, release: config{Version: "2"}, reverted: config{Version: "1"}},
	}
	for _, stage := range service.Stages {
		all = append(all, scenario{name: "fails-" + strings.ReplaceAll(string(stage), "_", "-"), base: "1", release: failing(stage, "2"), reverted: config{Version: "1"}, fails: true})
	}
	return all
}

func killedInTheSplit(r *rig) {
	run := r.inTheMiddle(service.StageTrafficSplit, "2")
	if killProviders(r.t, run.Process.Pid) == 0 {
		r.t.Fatal("the provider's process is not there")
	}
	r.wait(run)
	r.await("the attempt to be interrupted", func() bool { return r.view(web).Interrupted() != nil })
}

// crashRig is a rig in which the scenario can begin.
func (s scenario) rig(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, true)
	r.env = append(r.env, "TF_CLI_CONFIG_FILE="+built.crashConfig)
	if s.base != "" {
		r.deploy(config{Version: s.base})
	}
	if s.prepare != nil {
		s.prepare(r)
	}
	if s.backups {
		s.release.Backups = filepath.Join(r.dir, "uploads")
		if err := os.Mkdir(s.release.Backups, 0o700); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(s.release.Backups, "note"), strings.Repeat("data\n", 1000))
	}
	r.write(s.release.hcl(r))
	return r
}

// crash applies what is written, or runs the scenario's command, with a program that is told to record or to kill itself.
func (s scenario) crash(r *rig, variable, value string) result {
	if s.command != nil {
		cmd := exec.CommandContext(context.Background(), built.crashing, append(s.command, "--store", r.storeURL)...)
		cmd.Env = append(cleanEnvironment(), variable+"="+value, "DEPLOY_LOCK_LEASE=6s")
		out, _ := cmd.CombinedOutput()
		return result{code: cmd.ProcessState.ExitCode(), output: string(out)}
	}
	kept := r.env
	defer func() { r.env = kept }()
	r.env = append(append([]string(nil), kept...), variable+"="+value)
	return r.run("apply", "-auto-approve", "-no-color", "-input=false")
}

// points records the scenario's run.
func (s scenario) points(t *testing.T) []string {
	t.Helper()
	r := s.rig(t)
	if s.base != "" {
		stop := r.traffic() // a split is judged by it
		defer stop()
	}
	record := filepath.Join(t.TempDir(), "points")
	result := s.crash(r, "DEPLOY_CRASH_RECORD", record)
	if want := map[bool]int{false: 0, true: 1}[s.fails]; result.code != want {
		t.Fatalf("%s: terraform exited with %d:\n%s", s.name, result.code, result.output)
	}
	text, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// ways out of a kill.
var ways = []string{"same", "reverted", "recover"}

func (s scenario) ways() []string {
	if s.base == "" || s.command != nil {
		return []string{"same", "recover"}
	}
	return ways
}

// run kills the scenario's run at a point and takes a way out.
func (s scenario) run(t *testing.T, point int, what, way string) {
	t.Helper()
	r := s.rig(t)
	lost := func() []string { return nil }
	if s.base != "" {
		stop := r.traffic()
		lost = func() []string { return withoutBadAnswers(stop().lost) }
	}
	killed := s.crash(r, "DEPLOY_CRASH_AT", fmt.Sprint(point))
	t.Logf("%s killed at point %d, %s: exit code %d", s.name, point, what, killed.code)
	switch way {
	case "same":
		s.same(r)
	case "reverted":
		r.write(s.reverted.hcl(r))
		r.apply(0)
		r.runs(s.reverted.Version)
		wantActions(t, r.plan(), map[string]string{})
	case "recover":
		s.recover(r)
	}
	if l := lost(); len(l) > 0 {
		t.Errorf("%d requests were lost: %v", len(l), l[:min(len(l), 3)])
	}
	r.oneEndEach()
	if s.backups {
		r.listedBackupsAreWhole()
	}
	if t.Failed() {
		t.Logf("the killed run:\n%s", killed.output)
	}
}

// same applies the same configuration again.
func (s scenario) same(r *rig) {
	r.t.Helper()
	if s.command != nil {
		// Where it had come to its end, there is nothing to roll back to any more.
		cmd := exec.CommandContext(context.Background(), built.provider, append(s.command, "--store", r.storeURL)...)
		cmd.Env = cleanEnvironment()
		if out, err := cmd.CombinedOutput(); err != nil && !strings.Contains(string(out), "Nothing To Roll Back To") {
			r.t.Errorf("%s again: %v\n%s", s.command[0], err, out)
		}
	}
	if s.fails {
		r.apply(1)
		r.runs(s.base)
		wantActions(r.t, r.plan(), allOf("update", "service"))
		return
	}
	r.apply(0)
	r.runs(s.release.Version)
	wantActions(r.t, r.plan(), map[string]string{})
}

// recover does it from outside; what is then planned is the interrupted release or nothing.
func (s scenario) recover(r *rig) {
	r.t.Helper()
	if r.view(web).State.Definition == nil {
		return // killed before there was a service
	}
	r.operator(0, "recover", string(web), "--yes")
	view := r.view(web)
	if view.Interrupted() != nil {
		r.t.Errorf("attempt %d is still interrupted", view.Interrupted().Number)
	}
	stands := ""
	if stable := view.State.StableRelease(); stable != nil {
		stands = stable.ID.Version()
	}
	// Killed between two stages, the attempt is open and nothing is to be recovered: the next apply goes on.
	if stands != "" && view.State.OpenAttempt() == nil {
		r.runs(stands)
	}
	if stands != s.base && stands != s.release.Version && stands != s.reverted.Version {
		r.t.Errorf("%q stands after the recovery", stands)
	}
	for address, action := range r.plan().actions() {
		if action != "update" && action != "create" {
			r.t.Errorf("the plan is to %s %s", action, address)
		}
	}
	s.same(r)
}

// withoutBadAnswers leaves out the errors that a bad release itself answered with.
func withoutBadAnswers(lost []string) []string {
	var rest []string
	for _, l := range lost {
		if !strings.HasPrefix(l, "500 ") {
			rest = append(rest, l)
		}
	}
	return rest
}

// oneEndEach asserts that each attempt in the ledger has exactly one end, and that no change is left without an outcome
// that a later attempt would have to know.
func (r *rig) oneEndEach() {
	r.t.Helper()
	s, _, err := connect.Store(context.Background(), r.storeURL)
	if err != nil {
		r.t.Fatal(err)
	}
	events, err := ledger.Open(s, web).Events(context.Background(), 1)
	if err != nil {
		r.t.Fatal(err)
	}
	opened, closed := map[int]int{}, map[int]int{}
	for _, e := range events {
		switch e.Type {
		case ledger.AttemptOpened:
			opened[e.Attempt]++
		case ledger.AttemptClosed:
			closed[e.Attempt]++
		}
	}
	for attempt, n := range opened {
		if n != 1 || closed[attempt] != 1 {
			r.t.Errorf("attempt %d was opened %d times and closed %d times", attempt, n, closed[attempt])
		}
	}
}

// sampled is how many runs of the matrix make test does.
const sampled = 8

func TestCrashMatrix(t *testing.T) {
	amount, only := os.Getenv("DEPLOY_CRASH"), os.Getenv("DEPLOY_CRASH_ONLY")
	whole := amount == "all" || amount == "thorough"
	if !whole && only == "" {
		t.Parallel()
	}
	var chosen []scenario
	for _, s := range scenarios() {
		if only != "" && !strings.HasPrefix(only+"/", s.name+"/") {
			continue
		}
		if !whole && only == "" && s.name != "update" && s.name != "fails-traffic-split" {
			continue // the sample records two of them
		}
		chosen = append(chosen, s)
	}
	recorded := make([][]string, len(chosen))
	t.Run("points", func(t *testing.T) {
		for i, s := range chosen {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				recorded[i] = s.points(t)
			})
		}
	})
	type crash struct {
		scenario
		point     int
		what, way string
	}
	var runs []crash
	points := 0
	for i, s := range chosen {
		points += len(recorded[i])
		for n, what := range recorded[i] {
			ways := s.ways()
			if amount != "thorough" && only == "" {
				ways = ways[n%len(ways):][:1]
			}
			for _, way := range ways {
				runs = append(runs, crash{s, n + 1, what, way})
			}
		}
	}
	if !whole && only == "" {
		seeded := rand.New(rand.NewPCG(4, 2)) //nolint:gosec // the same sample each time
		seeded.Shuffle(len(runs), func(i, j int) { runs[i], runs[j] = runs[j], runs[i] })
		runs = runs[:min(sampled, len(runs))]
	}
	var others []fault
	for _, f := range faults() {
		if only == "" && (whole || f.sampled) || only != "" && strings.HasPrefix(f.name+"/", only+"/") {
			others = append(others, f)
		}
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
	t.Run("runs", func(t *testing.T) {
		for _, c := range runs {
			name := fmt.Sprintf("%s/%d/%s", c.name, c.point, c.way)
			if only != "" && !strings.HasPrefix(name+"/", only+"/") {
				continue
			}
			t.Run(name, func(t *testing.T) {
				counted(t, name, func(t *testing.T) { c.run(t, c.point, c.what, c.way) })
			})
		}
		for _, f := range others {
			t.Run(f.name, func(t *testing.T) { counted(t, f.name, f.run) })
		}
	})
	line := fmt.Sprintf("crash: %d points, %d runs, %d failures", points, done.Load(), failures.Load())
	t.Log(line)
	if path := os.Getenv("DEPLOY_CRASH_SUMMARY"); path != "" {
		if err := os.WriteFile(path, []byte(line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
