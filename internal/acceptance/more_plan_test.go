package acceptance_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const weightLine = "weight  = 100"

// flat is what Terraform says without frames and line breaks.
func flat(out string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("│", " ", "╷", " ", "╵", " ").Replace(out)), " ")
}

// wantSaid wants each part in what Terraform says, wherever it breaks its lines.
func wantSaid(t *testing.T, out string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(flat(out), part) {
			t.Errorf("it does not say %q:\n%s", part, out)
		}
	}
}

// eventsAfter are the events of the ledger behind a number.
func (r *rig) eventsAfter(number int) []ledger.Event {
	r.t.Helper()
	var events []ledger.Event
	for {
		number++
		data, err := os.ReadFile(filepath.Join(r.store, string(web), "ledger", eventName(number)))
		if os.IsNotExist(err) {
			return events
		}
		var e ledger.Event
		if err == nil {
			err = json.Unmarshal(data, &e)
		}
		if err != nil {
			r.t.Fatal(err)
		}
		events = append(events, e)
	}
}

// weightsSet are the targets of the changes of weights behind an event.
func (r *rig) weightsSet(number int) []string {
	r.t.Helper()
	var targets []string
	for _, e := range r.eventsAfter(number) {
		if e.Type == ledger.ChangeIntended && e.Change.Action == "weights" {
			targets = append(targets, e.Change.Target)
		}
	}
	return targets
}

// kill ends all processes of a version, its supervisor first, as a machine that is out of memory may.
func (r *rig) kill(version string) {
	r.t.Helper()
	for _, pid := range r.processesOf(web) {
		executable, _ := os.Readlink(procPath(pid, "exe"))
		if !strings.Contains(executable, "/"+version+"-") {
			continue
		}
		status, _ := os.ReadFile(procPath(pid, "status"))
		var parent int
		for line := range strings.Lines(string(status)) {
			if _, err := fmt.Sscanf(line, "PPid:\t%d", &parent); err == nil {
				break
			}
		}
		if parent > 1 {
			_ = syscall.Kill(parent, syscall.SIGKILL)
		}
		_ = syscall.Kill(pid, syscall.SIGKILL)
		r.await("the process to be gone", func() bool { return !slices.Contains(r.processesOf(web), pid) })
	}
}

// Steps, analysis, or the bake time alone: that resource, the same release, and its apply deploys nothing.
func TestPlanOfArgumentsAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	hcl := config{Version: "1"}.hcl(r)
	r.write(hcl)
	r.apply(0)
	attempts := r.view(web).State.LastAttempt
	for _, change := range []struct{ stage, from, to, attribute string }{
		{"traffic_split", weightLine, weightLine + "\n  steps = [{ weight = 5, pause = \"1h\" }]", "steps"},
		{"traffic_split", weightLine, weightLine + "\n  analysis = { errors = { max_rate = 0.5 }, min_requests = 100000 }", "analysis"},
		{"finalization", "resource \"deploy_finalization\" \"web\" {", "resource \"deploy_finalization\" \"web\" {\n  bake_time = \"1h\"", "bake_time"},
	} {
		hcl = strings.Replace(hcl, change.from, change.to, 1)
		r.write(hcl)
		number := r.view(web).State.Number
		p := r.plan()
		wantActions(t, p, map[string]string{change.stage: "update"})
		before, after := p.change("deploy_" + change.stage + ".web")
		if before["release"] != after["release"] || before["attempt"] != after["attempt"] || cmp.Equal(before[change.attribute], after[change.attribute]) {
			t.Errorf("%s: the plan goes from %v to %v", change.attribute, before, after)
		}
		r.apply(0)
		if set := r.weightsSet(number); len(set) > 0 {
			t.Errorf("%s alone set weights: %v", change.attribute, set)
		}
		wantActions(t, r.plan(), map[string]string{})
	}
	if now := r.view(web).State.LastAttempt; now != attempts {
		t.Errorf("arguments alone began attempt %d", now)
	}
	// Weights that were moved by hand go back without steps, although there are some to walk for hours.
	number := r.view(web).State.Number
	writeFile(t, r.ShareFile(), "4000")
	r.apply(0)
	if set := r.weightsSet(number); len(set) != 1 || !strings.Contains(set[0], "100") {
		t.Errorf("the repair set the weights %v, want one change to 100", set)
	}
	r.runs("1")
}

func TestPlanOfDriftWhileParked(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	r.deploy(config{Version: "1"})
	r.deploy(config{Version: "2", Weight: 25})
	attempt := r.view(web).State.LastAttempt
	for _, drift := range []struct {
		name string
		do   func()
		want map[string]string
	}{
		{"weights by hand", func() { writeFile(t, r.ShareFile(), "8000") }, map[string]string{"traffic_split": "update"}},
		{"candidate gone", func() { r.kill("2") }, map[string]string{"release": "update"}},
		{"stable gone", func() { r.kill("1") }, map[string]string{"release": "update"}},
	} {
		t.Run(drift.name, func(t *testing.T) {
			r.t = t
			drift.do()
			p := r.plan()
			wantActions(t, p, drift.want)
			r.apply(0)
			wantActions(t, r.plan(), map[string]string{})
			a := r.view(web).State.OpenAttempt()
			if a == nil || a.Number != attempt || a.Weight != 25 {
				t.Errorf("not parked in attempt %d at 25 any more: %+v", attempt, a)
			}
			if share, err := os.ReadFile(r.ShareFile()); err != nil || strings.TrimSpace(string(share)) != "4000" {
				t.Errorf("the share file holds %q (%v)", share, err)
			}
			if n := len(r.processesOf(web)); n != 2 {
				t.Errorf("%d processes run, want stable and candidate", n)
			}
		})
	}
}

// A digest that is known at apply alone, and is another one then: the release goes its way.
func TestUnknownDigestThatTurnsOutDifferent(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	c := config{Version: "1", ArtifactPath: "${terraform_data.path.output}"}
	extra := func(path, trigger string) string {
		return "\nresource \"terraform_data\" \"path\" {\n  triggers_replace = \"" + trigger + "\"\n  input = \"" + path + "\"\n}\n"
	}
	r.write(c.hcl(r) + extra(built.web, "one"))
	r.apply(0)
	first := r.view(web).State.Stable
	binary, err := os.ReadFile(built.web)
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(r.dir, "web")
	if err := os.WriteFile(other, append(binary, "another digest"...), 0o755); err != nil { //nolint:gosec // it is run
		t.Fatal(err)
	}
	r.write(c.hcl(r) + extra(other, "two"))
	p := r.plan()
	for _, s := range service.Stages {
		if _, after := p.change("deploy_" + string(s) + ".web"); after == nil || after["release"] != nil {
			t.Errorf("%s: release is %v, want unknown", s, after["release"])
		}
	}
	r.apply(0)
	wantActions(t, r.plan(), map[string]string{})
	if now := r.view(web).State; now.Stable == first || now.LastAttempt != 2 {
		t.Errorf("stable is %s after attempt %d", now.Stable, now.LastAttempt)
	}
	r.runs("1")
}

// A release that stands is not replaced, protected or not, and nothing is stopped.
func TestReplacementIsRefusedInThePlan(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	c := config{Version: "1", NoRouter: true, Unprotected: true}
	r.deploy(c)
	before := r.processes()
	wantSaid(t, r.planFails("-replace=deploy_release.web"), "Release In Use", "another `restart`", "Nothing was changed")
	wantSaid(t, r.apply(1, "-replace=deploy_release.web"), "Release In Use")
	if after := r.processes(); !slices.Equal(before, after) {
		t.Errorf("processes were %v and are %v", before, after)
	}
	if res := r.run("taint", "deploy_smoke_test.web"); res.code != 0 {
		t.Fatal(res.output)
	}
	wantSaid(t, r.planFails(), "Already Managed", "terraform untaint deploy_smoke_test.")
	if res := r.run("untaint", "deploy_smoke_test.web"); res.code != 0 {
		t.Fatal(res.output)
	}
	wantActions(t, r.plan(), map[string]string{})
	c.ExtraContent = `    restart = "again"`
	r.deploy(c)
	r.runs("1")
}

func TestHeldByMaxAttempts(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	r.deploy(config{Version: "1"})
	bad := strings.Replace(failing(service.StageSmokeTest, "2").hcl(r), "  content    = local.web\n", "  content    = local.web\n  max_attempts = 2\n", 1)
	r.write(bad)
	r.apply(1)
	if p := r.plan(); strings.Contains(p.text, "Release Held") || !strings.Contains(p.text, "Release Failed Before") {
		t.Errorf("held after one failure:\n%s", p.text)
	}
	r.apply(1)
	p := r.plan()
	wantActions(t, p, allOf("update", "service"))
	if n := strings.Count(p.text, "Warning:"); n != 1 {
		t.Errorf("%d warnings, want one:\n%s", n, p.text)
	}
	wantSaid(t, p.text, "Release Held", "checkout", "unhold production/web")
	tried := r.view(web).State.LastAttempt
	wantSaid(t, r.apply(1), "Release Held", "unhold production/web")
	if now := r.view(web).State.LastAttempt; now != tried {
		t.Errorf("the held release was tried in attempt %d", now)
	}
	r.runs("1")
	r.operator(0, "unhold", string(web), "--yes")
	if out := r.apply(1); strings.Contains(out, "Release Held") {
		t.Errorf("still held:\n%s", out)
	}
	r.runs("1")
}

// A saved plan, and another release that has begun since and is parked: nothing is touched.
func TestSavedPlanIsRefusedAfterAnotherReleaseBegan(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	r.deploy(config{Version: "1"})
	other := r.elsewhere()
	r.write(config{Version: "2"}.hcl(r))
	r.plan()
	other.deploy(config{Version: "3", Weight: 25})
	number, before := r.view(web).State.Number, r.processes()
	res := r.run("apply", "-no-color", "-input=false", "plan")
	if res.code != 1 {
		t.Fatalf("exit %d:\n%s", res.code, res.output)
	}
	wantSaid(t, res.output, "Service Changed Since Plan", "production/web/3-", "Nothing was changed")
	if set := r.weightsSet(number); len(set) > 0 || !slices.Equal(before, r.processes()) {
		t.Errorf("the world was touched: %v, %v and %v", set, before, r.processes())
	}
	if a := r.view(web).State.OpenAttempt(); a == nil || a.Release.Version() != "3" || a.Weight != 25 {
		t.Errorf("3 is not parked any more: %+v", a)
	}
}

// A name that is known at apply alone, and is the same then, replaces nothing.
func TestUnknownNameThatTurnsOutTheSame(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	hcl := func(trigger string) string {
		return strings.Replace(config{Version: "1", NoRouter: true}.hcl(r), `name        = "web"`, `name        = terraform_data.name.output`, 1) +
			"\nresource \"terraform_data\" \"name\" {\n  triggers_replace = \"" + trigger + "\"\n  input = \"web\"\n}\n"
	}
	r.write(hcl("one"))
	r.apply(0)
	attempts, before := r.view(web).State.LastAttempt, r.processes()
	r.write(hcl("two"))
	r.plan()
	r.apply(0)
	wantActions(t, r.plan(), map[string]string{})
	if now := r.view(web).State.LastAttempt; now != attempts || !slices.Equal(before, r.processes()) {
		t.Errorf("attempt %d began; processes were %v and are %v", now, before, r.processes())
	}
}

// A second rollback in a row: `mode` stays what it is, so that the plan does not show it, and a warning does.
func TestPlanOfASecondRollback(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	for _, version := range []string{"1", "2", "3", "2"} {
		r.deploy(config{Version: version, KeepPrevious: 2})
	}
	r.write(config{Version: "1", KeepPrevious: 2}.hcl(r))
	p := r.plan()
	if before, after := p.change("deploy_release.web"); before["mode"] != "rollback" || after["mode"] != "rollback" {
		t.Errorf("mode goes from %v to %v", before["mode"], after["mode"])
	}
	wantSaid(t, p.text, "Rollback Planned", "production/web/1-", "kept ready")
	r.apply(0)
	r.runs("1")
}
