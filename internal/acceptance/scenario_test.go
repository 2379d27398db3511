package acceptance_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// scenario is a run that is killed: an apply, or an operator's command.
type scenario struct {
	name string
	// base stands before, none where it has no version; prepare is what is done beside it.
	base    config
	prepare func(*rig)
	// release is what the killed run applies; of a command it is the configuration that follows it. reverted is the one before it.
	release, reverted config
	// args of the apply beside the usual ones.
	args []string
	// command is what is killed instead of an apply: an operator's.
	command []string
	// fails: the release does not pass; its run restores base.
	fails bool
	// backups: each checkpoint saves a directory.
	backups bool
	// noRouter: nothing splits the traffic; quiet: users are not served all the time, by its nature.
	noRouter, quiet bool
	// machines: three of them behind two HAProxy, in the place of this one and of Caddy.
	machines bool
	// ends asserts what is there when the run has come to its end; nil: the release runs.
	ends func(*rig)
	// ways out; nil: all.
	ways []string
	// since is the point from which on the run is another than one that is killed everywhere already; empty: from its beginning.
	since string
}

func scenarios() []scenario {
	v := func(version string) config { return config{Version: version} }
	deployed := func(configs ...config) func(*rig) {
		return func(r *rig) {
			for _, c := range configs {
				r.deploy(c)
			}
		}
	}
	parked := config{Version: "2", Weight: 25}
	simple := func(version string) config { return config{Version: version, NoRouter: true} }
	single := func(version string) config { return config{Version: version, NoRouter: true, OneSlot: true} }
	both := func(version string) config { return config{Version: version, KeepPrevious: 2} }
	fallen := failing(service.StageVerification, "2")
	nothing := func(r *rig) {
		if n := r.processes(); len(n) > 0 || r.running(web) > 0 {
			r.t.Errorf("processes are left: %v, and %d releases", n, r.running(web))
		}
	}
	back := []string{"same", "recover"}
	all := []scenario{
		{name: "install", release: v("1"), ways: back},
		{name: "update", base: v("1"), release: v("2"), reverted: v("1"), backups: true},
		{name: "rollback", base: v("1"), prepare: deployed(v("2")), release: v("1"), reverted: v("2")},
		{name: "recovery", base: v("1"), prepare: killedInTheSplit, release: v("2"), reverted: v("1")},
		{name: "recovery-of-restore", base: v("1"), prepare: killedOn(fallen, "after change_intended remove"), release: v("3"), reverted: v("1")},
		{name: "recovery-of-rollback", base: v("1"), prepare: func(r *rig) { r.deploy(v("2")); killedOn(v("1"), "after change_made weights")(r) }, release: v("3"), reverted: v("1")},
		{name: "park", base: v("1"), release: parked, reverted: v("1"), ends: func(r *rig) { r.parked("1", "2", 25) }},
		{name: "raise", base: v("1"), prepare: deployed(parked), release: v("2"), reverted: v("1")},
		{name: "abandon", base: v("1"), prepare: deployed(parked), release: v("3"), reverted: v("1")},
		{name: "no-router", base: simple("1"), release: simple("2"), reverted: simple("1"), noRouter: true, quiet: true},
		{name: "one-slot", base: single("1"), release: single("2"), reverted: single("1"), noRouter: true, quiet: true},
		{name: "destroy", base: config{Version: "1", Unprotected: true}, release: config{Version: "1", Unprotected: true}, args: []string{"-destroy"}, quiet: true, ends: nothing, ways: []string{"same"}},
		{name: "operator-rollback", base: v("1"), prepare: deployed(v("2")), release: v("1"), command: []string{"rollback", string(web), "--yes"}, ways: back},
		{name: "operator-rollback-of-three", base: both("1"), prepare: deployed(both("2"), both("3")), release: both("2"), command: []string{"rollback", string(web), "--yes"}, ways: back},
		{name: "operator-rollback-parked", base: v("1"), prepare: deployed(parked), release: v("1"), command: []string{"rollback", string(web), "--yes"}, ways: back},
		{name: "operator-recover", base: v("1"), prepare: killedInTheSplit, release: v("1"), command: []string{"recover", string(web), "--yes"}, ways: back},
		{name: "operator-accept", base: v("1"), prepare: killedInTheSplit, release: v("3"), // The next release takes away what was accepted beside stable.
			command: []string{"accept", string(web), "--yes"}, ways: []string{"same"}},
		{name: "operator-restore", base: v("1"), backups: true, prepare: func(r *rig) { r.deploy(config{Version: "2", Backups: r.uploads()}); r.spoilUploads() }, release: v("1"),
			command: []string{"restore", string(web), "2", "--data", "--yes"}, ways: back, ends: func(r *rig) { r.runs("1"); r.uploadsAreBack() }},
		{name: "operator-adopt", base: v("1"), prepare: func(r *rig) { r.loseStore() }, release: v("1"), command: []string{"adopt", string(web), "--state", "terraform.tfstate", "--yes"}, ways: []string{"same"}},
	}
	for _, stage := range service.Stages {
		all = append(all, scenario{name: "fails-" + strings.ReplaceAll(string(stage), "_", "-"), base: v("1"), release: failing(stage, "2"), reverted: v("1"), fails: true, since: "before stage_opened " + string(stage)})
	}
	return append(all, machineScenarios()...)
}

func killedInTheSplit(r *rig) {
	run := r.inTheMiddle(service.StageTrafficSplit, "2")
	if killProviders(r.t, run.Process.Pid) == 0 {
		r.t.Fatal("the provider's process is not there")
	}
	r.wait(run)
	r.await("the attempt to be interrupted", func() bool { return r.view(web).Interrupted() != nil })
}

// killedOn applies a configuration and kills the provider at the first point of that name.
func killedOn(c config, point string) func(*rig) {
	return func(r *rig) {
		r.write(c.hcl(r))
		kept := r.env
		r.env = append(slices.Clone(kept), "DEPLOY_CRASH_ON="+point)
		result := r.run("apply", "-auto-approve", "-no-color", "-input=false")
		r.env = kept
		r.await(fmt.Sprintf("the run to be interrupted %s; it said:\n%s", point, result.output), func() bool { return r.view(web).Interrupted() != nil })
	}
}

// uploads is a directory that checkpoints save.
func (r *rig) uploads() string { return filepath.Join(r.dir, "uploads") }

const uploaded = "what users uploaded\n"

func (r *rig) spoilUploads() { writeFile(r.t, filepath.Join(r.uploads(), "note"), "spoilt\n") }

func (r *rig) uploadsAreBack() {
	r.t.Helper()
	if now := readAll(filepath.Join(r.uploads(), "note")); now != uploaded {
		r.t.Errorf("the data that was to be put back is %q", now)
	}
}

// rig is one in which the scenario can begin.
func (s *scenario) rig(t *testing.T) *rig {
	t.Helper()
	var r *rig
	if s.machines {
		r = newFleetRig(t)
		r.fleet.alone = s.noRouter
	} else {
		r = newRig(t, !s.noRouter)
	}
	r.pause = 15 * time.Millisecond // Hundreds of these runs share a machine.
	r.env = append(r.env, "TF_CLI_CONFIG_FILE="+built.crashConfig)
	if s.backups {
		if err := os.Mkdir(r.uploads(), 0o700); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(r.uploads(), "note"), uploaded)
	}
	if s.base.Version != "" {
		r.deploy(s.base)
	}
	if s.prepare != nil {
		s.prepare(r)
	}
	r.write(s.wanted(r).hcl(r))
	return r
}

// wanted is the configuration that the scenario applies.
func (s *scenario) wanted(r *rig) config {
	c := s.release
	if s.backups && s.command == nil {
		c.Backups = r.uploads()
	}
	return c
}

// crash applies what is written, or runs the scenario's command, with a program that is told to record or to kill itself.
func (s *scenario) crash(r *rig, variables ...string) result {
	if s.command != nil {
		return r.command1(built.crashing, s.command, append([]string{"DEPLOY_LOCK_LEASE=6s"}, variables...))
	}
	kept := r.env
	defer func() { r.env = kept }()
	r.env = append(slices.Clone(kept), variables...)
	return r.run(append([]string{"apply", "-auto-approve", "-no-color", "-input=false"}, s.args...)...)
}

// begin starts what crash runs.
func (s *scenario) begin(r *rig, variables ...string) *running {
	r.t.Helper()
	cmd := r.command(context.Background(), append([]string{"apply", "-auto-approve", "-no-color", "-input=false"}, s.args...)...)
	if s.command != nil {
		program := exec.CommandContext(context.Background(), built.crashing, append(slices.Clone(s.command), "--store", r.storeURL)...)
		program.Dir, program.SysProcAttr = r.dir, cmd.SysProcAttr
		program.Env = slices.Concat(cleanEnvironment(), r.env, []string{"DEPLOY_LOCK_LEASE=6s"})
		cmd = program
	}
	cmd.Env = append(cmd.Env, variables...)
	return r.begun(cmd)
}

// command1 runs a command of the operator's once.
func (r *rig) command1(program string, arguments, environment []string) result {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, append(slices.Clone(arguments), "--store", r.storeURL)...)
	cmd.Dir = r.dir
	cmd.Env = slices.Concat(cleanEnvironment(), r.env, environment)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		r.t.Fatalf("%s: %v\n%s", arguments[0], err, out)
	}
	return result{code: cmd.ProcessState.ExitCode(), output: string(out)}
}

// points records the scenario's run.
func (s *scenario) points(t *testing.T) []string {
	t.Helper()
	r := s.rig(t)
	if len(r.urls()) > 0 {
		stop := r.traffic() // a split is judged by it
		defer stop()
	}
	record := filepath.Join(t.TempDir(), "points")
	result := s.crash(r, "DEPLOY_CRASH_RECORD="+record)
	if want := map[bool]int{false: 0, true: 1}[s.fails]; result.code != want {
		t.Fatalf("%s: the run exited with %d:\n%s", s.name, result.code, result.output)
	}
	if a := r.view(web).State.OpenAttempt(); s.fails && a != nil {
		t.Fatalf("%s: the run did not end attempt %d:\n%s", s.name, a.Number, result.output)
	}
	points := readPoints(t, record)
	if len(points) == 0 {
		t.Fatalf("%s has no points", s.name)
	}
	numbered := make([]string, len(points))
	for n, what := range points {
		numbered[n] = fmt.Sprintf("%d %s", n+1, what)
	}
	t.Logf("%s: %s", s.name, strings.Join(numbered, ", "))
	return points
}

// unnamed is a point without the name of its node: fleets have machines of other names.
func unnamed(point string) string {
	what, _, _ := strings.Cut(point, " of node ")
	return what
}

// readPoints are those that a run passed, in order.
func readPoints(t *testing.T, path string) []string {
	t.Helper()
	var points []string
	for line := range strings.Lines(readAll(path)) {
		number, what, found := strings.Cut(strings.TrimSpace(line), " ")
		var n int
		if _, err := fmt.Sscan(number, &n); err != nil || !found {
			t.Fatalf("point %q: %v", line, err)
		}
		for len(points) < n {
			points = append(points, "")
		}
		points[n-1] = what
	}
	return points
}

// run kills the scenario's run at a point and takes a way out.
func (s *scenario) run(t *testing.T, point int, what, way string) {
	t.Helper()
	r := s.rig(t)
	lost := func() []string { return nil }
	if s.base.Version != "" && !s.quiet {
		stop, below := r.traffic(), r.watchStable()
		lost = func() []string {
			seen := stop().lost
			if s.fails {
				seen = withoutBadAnswers(seen)
			}
			return append(seen, below()...)
		}
	}
	record := filepath.Join(t.TempDir(), "points")
	killed := s.crash(r, "DEPLOY_CRASH_RECORD="+record, fmt.Sprintf("DEPLOY_CRASH_AT=%d", point))
	t.Logf("%s killed at point %d, %s: exit code %d", s.name, point, what, killed.code)
	if passed := readPoints(t, record); len(passed) != point || unnamed(passed[point-1]) != unnamed(what) {
		t.Errorf("it was to be killed at point %d, %s, and passed %d: %v", point, what, len(passed), passed)
	}
	switch way {
	case "same":
		s.same(r, what)
	case "reverted":
		r.write(s.reverted.hcl(r))
		r.apply(0)
		r.runs(s.reverted.Version)
		wantActions(t, r.plan(), map[string]string{})
	case "recover":
		s.recover(r, what)
	}
	if l := lost(); len(l) > 0 {
		t.Errorf("%d requests were lost, or stable did not answer: %v", len(l), l[:min(len(l), 3)])
	}
	r.oneEndEach()
	r.nothingUnknown()
	r.machinesAreTrue()
	r.listedBackupsAreWhole()
	if t.Failed() {
		t.Logf("the killed run:\n%s", killed.output)
	}
}

// same applies the same configuration again; a command is given again before that, unless it had told that it was done.
func (s *scenario) same(r *rig, what string) {
	r.t.Helper()
	if s.command != nil && what != "after lease_released" && !s.recovered(r) {
		again := r.command1(built.provider, s.command, nil)
		// Where it had come to its end there may be nothing left to do.
		if again.code != 0 && !strings.Contains(again.output, "Nothing To Roll Back To") && !strings.Contains(again.output, "Ledger Not Lost") {
			r.t.Errorf("%s again exited with %d:\n%s", s.command[0], again.code, again.output)
		}
	}
	if s.fails {
		r.apply(1)
		r.runs(s.base.Version)
		wantActions(r.t, r.plan(), allOf("update", "service"))
		return
	}
	r.apply(0, s.args...)
	if s.ends != nil {
		s.ends(r)
	} else {
		r.runs(s.release.Version)
	}
	if len(s.args) > 0 {
		return
	}
	wantActions(r.t, r.plan(), map[string]string{})
	r.stateIsTrue()
}

// recovered tells whether a recovery has brought an operator's rollback to its end: given again, the command would go back further.
func (s *scenario) recovered(r *rig) bool {
	r.t.Helper()
	state := r.view(web).State
	n := len(state.Attempts)
	return state.Definition != nil && state.OpenAttempt() == nil && state.Stable.Version() == s.release.Version &&
		n > 0 && state.Attempts[n-1].ByOperator && !slices.Contains(state.LostRuns, state.Attempts[n-1].EndedRun)
}

// recover does it from outside; what is then planned is the interrupted release or nothing.
func (s *scenario) recover(r *rig, what string) {
	r.t.Helper()
	if r.view(web).State.Definition != nil {
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
		if !slices.Contains([]string{s.base.Version, s.release.Version, s.reverted.Version}, stands) && s.command == nil {
			r.t.Errorf("%q stands after the recovery", stands)
		}
		p := r.plan()
		for address, action := range p.actions() {
			if action != "update" && action != "create" {
				r.t.Errorf("the plan is to %s %s", action, address)
			}
		}
		if _, after := p.change("deploy_release.web"); p.actions()["release"] != "" && !strings.HasPrefix(fmt.Sprint(after["release"]), string(web)+"/"+s.release.Version+"-") {
			r.t.Errorf("the plan offers %v, want %s", after["release"], s.release.Version)
		}
	}
	s.same(r, what)
}
