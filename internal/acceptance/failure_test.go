package acceptance_test

import (
	"os"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// A failing apply at each stage, on first install and on update: what it says, what is in the state, in the ledger, in
// the world, and in the next plan.
func TestFailureAtEachStage(t *testing.T) {
	t.Parallel()
	for _, stage := range service.Stages {
		for _, first := range []bool{true, false} {
			name := string(stage) + " on update"
			if first {
				name = string(stage) + " on first install"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				failAt(t, stage, first)
			})
		}
	}
}

func failAt(t *testing.T, stage service.Stage, first bool) {
	t.Helper()
	r := newRig(t, true)
	good := config{Version: "1"}
	bad := failing(stage, "2")
	fail := func() {}
	if stage == service.StageFinalization {
		// Judged by errors under traffic while it bakes, of which it makes none before.
		bad.Config, fail = r.failsOnCommand()
		bad.Bake = "5m"
	}
	if !first {
		r.deploy(good)
	}
	if first && stage == service.StageTrafficSplit {
		// The first release has nothing to be compared with, but its router may break.
		bad = config{Version: "2", BreakRouter: true}
	}
	r.write(bad.hcl(r))
	stop := func() asked { return asked{} }
	if stage == service.StageTrafficSplit || stage == service.StageFinalization {
		stop = r.traffic()
	}
	var out string
	if stage == service.StageFinalization {
		run := r.until("the bake", func() bool { a := r.view(web).State.OpenAttempt(); return a != nil && a.Stage == stage })
		fail()
		if code := r.waitFor(run, 2*patience); code != 1 {
			t.Fatalf("terraform exited with %d:\n%s", code, run.output.String())
		}
		out = run.output.String()
	} else {
		out = r.apply(1)
	}
	stop()
	if bad.BreakRouter {
		if err := os.Remove(r.ShareFile()); err != nil {
			t.Error(err)
		}
	}
	if strings.Count(out, "Error:") != 1 {
		t.Errorf("want one error:\n%s", out)
	}
	for _, part := range []string{"Restored and verified:", "Running now:", "Next:", "Record:"} {
		if !strings.Contains(out, part) {
			t.Errorf("the error lacks %q:\n%s", part, out)
		}
	}
	if first {
		r.wantState(stage, "", "2")
	} else {
		r.wantState(stage, "1", "2")
	}
	state := r.view(web).State
	last := state.Attempts[len(state.Attempts)-1]
	if last.End != service.EndRestored {
		t.Errorf("the attempt ended as %q", last.End)
	}
	if record := strings.TrimPrefix(last.Record, "file://"); record == "" {
		t.Error("there is no record")
	} else if text, err := os.ReadFile(record); err != nil || !strings.Contains(string(text), "## Timeline") {
		t.Errorf("the record cannot be read: %v", err)
	}
	if first {
		if n := len(r.processes()); n != 0 {
			t.Errorf("%d processes are left", n)
		}
		wantActions(t, r.plan(), allOf("create", "service"))
		r.deploy(good)
		wantActions(t, r.plan(), map[string]string{})
		r.runs("1")
		return
	}
	r.runs("1")
	p := r.plan()
	wantActions(t, p, allOf("update", "service"))
	wantRelease(t, p, "production/web/1-", "production/web/2-")
	if n := strings.Count(p.text, "Warning:"); n != 1 {
		t.Errorf("%d warnings, want one:\n%s", n, p.text)
	}
	r.write(good.hcl(r))
	wantActions(t, r.plan(), map[string]string{})
}

// Each stage left out in turn, and the least form.
func TestStagesLeftOut(t *testing.T) {
	t.Parallel()
	for _, stage := range service.Stages {
		if stage == service.StageRelease {
			continue
		}
		t.Run(string(stage), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, true)
			without := map[service.Stage]bool{stage: true}
			r.deploy(config{Version: "1", Without: without})
			wantActions(t, r.plan(), map[string]string{})
			second := config{Version: "2", Without: without}
			r.write(second.hcl(r))
			if stage == service.StageTrafficSplit {
				// A candidate stays at 0 %, and what needs all of the traffic says so.
				if out := r.apply(1); !strings.Contains(out, "deploy_traffic_split") {
					t.Errorf("the error does not say what is missing:\n%s", out)
				}
				return
			}
			r.apply(0)
			wantActions(t, r.plan(), map[string]string{})
			if stage == service.StageFinalization {
				if a := r.view(web).State.OpenAttempt(); a == nil || a.Weight != 100 {
					t.Fatalf("want an open attempt at 100: %+v", a)
				}
				r.deploy(config{Version: "3", Without: without})
				if stable := r.view(web).State.Stable; stable.Version() != "2" {
					t.Errorf("the next release should have finalized 2, stable is %s", stable)
				}
				return
			}
			r.runs("2")
		})
	}
	t.Run("least", func(t *testing.T) {
		t.Parallel()
		for _, oneSlot := range []bool{true, false} {
			r := newRig(t, false)
			without := map[service.Stage]bool{}
			for _, stage := range service.Stages {
				without[stage] = stage != service.StageRelease
			}
			c := config{Version: "1", Without: without, NoRouter: true, OneSlot: oneSlot}
			r.deploy(c)
			wantActions(t, r.plan(), map[string]string{})
			c.Version = "2"
			r.write(c.hcl(r))
			p := r.plan()
			wantActions(t, p, map[string]string{"release": "update"})
			if _, after := p.change("deploy_release.web"); after["interrupts"] != oneSlot {
				t.Errorf("interrupts is %v with one slot %v", after["interrupts"], oneSlot)
			}
			r.apply(0)
			wantActions(t, r.plan(), map[string]string{})
			c.Version, c.Config = "3", map[string]string{"FAULT": "never-healthy"}
			r.write(c.hcl(r))
			r.apply(1)
			r.await("version 2 to run", func() bool { return len(r.processesOf(web)) == 1 })
			c.Version, c.Config = "2", nil
			r.write(c.hcl(r))
			wantActions(t, r.plan(), map[string]string{})
		}
	})
}
