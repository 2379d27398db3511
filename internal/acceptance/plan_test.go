package acceptance_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

var update = flag.Bool("update", false, "write the golden files anew")

// all eight resources with one action each.
func allOf(action string, without ...string) map[string]string {
	actions := map[string]string{}
	for _, s := range append([]service.Stage{"service"}, service.Stages...) {
		actions[string(s)] = action
	}
	for _, w := range without {
		delete(actions, w)
	}
	return actions
}

func wantActions(t *testing.T, p plan, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, p.actions()); diff != "" {
		t.Fatalf("the plan differs (-want +got):\n%s\n%s", diff, p.text)
	}
}

// wantRelease asserts that every stage of a plan goes from one release to another, both known.
func wantRelease(t *testing.T, p plan, from, to string) {
	t.Helper()
	for _, s := range service.Stages {
		before, after := p.change("deploy_" + string(s) + ".web")
		if after == nil {
			t.Errorf("%s is not in the plan", s)
			continue
		}
		old, _ := before["release"].(string)
		next, _ := after["release"].(string)
		if !strings.HasPrefix(old, from) || from == "" && old != "" || !strings.HasPrefix(next, to) || next == "" {
			t.Errorf("%s goes from %q to %q, want %s… to %s…", s, old, next, from, to)
		}
	}
}

var volatile = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`/\S*/(configuration|store|host)\b`), "/<dir>/$1"},
	{regexp.MustCompile(`/\S*/web\.share`), "/<dir>/web.share"},
	{regexp.MustCompile(`file:/\S*@sha256:[0-9a-f]{64}`), "file:<web>@sha256:<digest>"},
	{regexp.MustCompile(`/\S*/build/acceptance/web`), "<web>"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:<port>"},
	{regexp.MustCompile(`port( +)= \d+`), "port$1= <port>"},
	{regexp.MustCompile(`(production/web/[\w.]+)-[0-9a-f]{8}`), "$1-<hash>"},
	{regexp.MustCompile(`\b([1-9])-[0-9a-f]{8}\b`), "$1-<hash>"},
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "<uuid>"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| UTC)?`), "<time>"},
	{regexp.MustCompile(`data\.deploy_artifact\.web: (Reading|Read complete).*\n`), ""},
	{regexp.MustCompile(`(?m)^.*: Refreshing state.*\n`), ""},
	{regexp.MustCompile(`last log lines: .*? Record:`), "last log lines: <lines> Record:"},
	{regexp.MustCompile(`Date: [\w, :]+ GMT`), "Date: <date>"},
	{regexp.MustCompile(`\b(in|took|after) [\d.]+(µs|ms|s)|\([\d.]+(µs|ms|s)\)`), "<took>"},
}

// golden compares a plan's text with what was recorded, without what differs from run to run.
func golden(t *testing.T, name, text string) {
	t.Helper()
	// Warnings are wrapped by the length of their words, which differs: each becomes one line.
	plan, warnings, _ := strings.Cut(text, "\nWarning: ")
	if warnings != "" {
		plan += "\nWarning: " + strings.Join(strings.Fields(warnings), " ") + "\n"
	}
	text = plan
	for _, v := range volatile {
		text = v.pattern.ReplaceAllString(text, v.with)
	}
	path := filepath.Join("testdata", "plans", name+".txt")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Errorf("the plan's text differs from %s (-want +got):\n%s", path, diff)
	}
}

// The table "What plans show", first to last, on one service.
func TestPlansOfGoodReleases(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)

	r.write(config{Version: "1"}.hcl(r))
	p := r.plan()
	wantActions(t, p, allOf("create"))
	wantRelease(t, p, "", "production/web/1-")
	golden(t, "first-install", p.text)
	r.apply(0)

	p = r.plan()
	wantActions(t, p, map[string]string{})
	golden(t, "nothing-changed", p.text)
	wantActions(t, r.plan("-refresh=false"), map[string]string{})

	r.write(config{Version: "2"}.hcl(r))
	p = r.plan()
	wantActions(t, p, allOf("update", "service"))
	wantRelease(t, p, "production/web/1-", "production/web/2-")
	golden(t, "new-version", p.text)
	r.apply(0)
	wantActions(t, r.plan(), map[string]string{})

	r.write(config{Version: "2", Config: map[string]string{"COLOR": "blue"}}.hcl(r))
	p = r.plan()
	wantActions(t, p, allOf("update", "service"))
	golden(t, "config-alone", p.text)
	r.apply(0)
	wantActions(t, r.plan(), map[string]string{})

	attempts := r.view(web).State.LastAttempt
	colored := config{Version: "2", Config: map[string]string{"COLOR": "blue"}, MinHealthyTime: "200ms"}
	r.write(colored.hcl(r))
	p = r.plan()
	wantActions(t, p, map[string]string{"release": "update"})
	golden(t, "health-alone", p.text)
	r.apply(0)
	colored.SmokeLatency = "5s"
	r.write(colored.hcl(r))
	wantActions(t, r.plan(), map[string]string{"smoke_test": "update"})
	r.apply(0)
	wantActions(t, r.plan(), map[string]string{})
	if now := r.view(web).State.LastAttempt; now != attempts {
		t.Errorf("arguments alone began attempt %d", now)
	}
}

func TestPlanOfAWeight(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	r.deploy(config{Version: "1", Weight: 25})
	wantActions(t, r.plan(), map[string]string{}) // The first release has nothing to split with.
	r.deploy(config{Version: "1"})
	r.deploy(config{Version: "2", Weight: 25})
	wantActions(t, r.plan(), map[string]string{})
	if a := r.view(web).State.OpenAttempt(); a == nil || a.Weight != 25 {
		t.Fatalf("not parked at 25: %+v", a)
	}
	r.write(config{Version: "2"}.hcl(r))
	p := r.plan()
	wantActions(t, p, map[string]string{"traffic_split": "update", "verification": "update", "finalization": "update"})
	golden(t, "weight-raised", p.text)

	t.Run("reverted while at 25", func(t *testing.T) {
		r.t = t
		r.write(config{Version: "1", Weight: 25}.hcl(r))
		p := r.plan()
		wantActions(t, p, map[string]string{"preflight": "update", "checkpoint": "update", "release": "update", "smoke_test": "update", "traffic_split": "update"})
		if _, after := p.change("deploy_release.web"); after["mode"] != "rollback" {
			t.Errorf("mode is %v, want rollback", after["mode"])
		}
		r.apply(0)
		wantActions(t, r.plan(), map[string]string{})
		r.runs("1")
	})
	t.Run("raised to 100", func(t *testing.T) {
		r.t = t
		r.deploy(config{Version: "2", Weight: 25})
		r.deploy(config{Version: "2"})
		wantActions(t, r.plan(), map[string]string{})
		r.runs("2")
	})
}

func TestPlansAfterARestore(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	good := config{Version: "1"}
	r.deploy(good)
	r.write(failing(service.StageSmokeTest, "2").hcl(r))
	r.apply(1)
	r.runs("1")

	p := r.plan()
	wantActions(t, p, allOf("update", "service"))
	wantRelease(t, p, "production/web/1-", "production/web/2-")
	if n := strings.Count(p.text, "Warning:"); n != 1 || !strings.Contains(p.text, "checkout") {
		t.Errorf("%d warnings, want one that names the failed check:\n%s", n, p.text)
	}
	golden(t, "after-a-restore-same", p.text)

	r.write(good.hcl(r))
	p = r.plan()
	wantActions(t, p, map[string]string{})
	golden(t, "after-a-restore-reverted", p.text)
}

func TestPlanWithoutRefreshAfterARestoreIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	r.deploy(config{Version: "1"})
	r.write(failing(service.StageVerification, "2").hcl(r))
	r.apply(1)
	if out := r.planFails("-refresh=false"); !strings.Contains(out, "Service Changed Since Plan") {
		t.Errorf("the plan is refused for another reason:\n%s", out)
	}
}

func TestPlanAfterTheFirstReleaseFailed(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	r.write(failing(service.StageSmokeTest, "1").hcl(r))
	r.apply(1)
	if n := len(r.processes()); n != 0 {
		t.Errorf("%d processes run", n)
	}
	p := r.plan()
	wantActions(t, p, allOf("create", "service"))
	golden(t, "after-the-first-release-failed", p.text)
	r.deploy(config{Version: "2"})
	wantActions(t, r.plan(), map[string]string{})
	r.runs("2")
}

func TestPlanOfARollback(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	first := config{Version: "1"}
	r.deploy(first)
	r.deploy(config{Version: "2"})
	r.write(first.hcl(r))
	p := r.plan()
	wantActions(t, p, allOf("update", "service"))
	_, after := p.change("deploy_release.web")
	if after["mode"] != "rollback" || !strings.HasPrefix(after["replaces"].(string), "production/web/2-") { //nolint:forcetypeassert // a test
		t.Errorf("not marked as a rollback of 2: mode %v, replaces %v", after["mode"], after["replaces"])
	}
	golden(t, "reverted-after-finalization", p.text)
	r.apply(0)
	wantActions(t, r.plan(), map[string]string{})
	r.runs("1")
}

func TestPlanOfDrift(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	r.deploy(config{Version: "1"})
	r.deploy(config{Version: "2"})
	t.Run("weights moved by hand", func(t *testing.T) {
		r.t = t
		if err := os.WriteFile(r.ShareFile(), []byte("4000"), 0o600); err != nil {
			t.Fatal(err)
		}
		wantActions(t, r.plan(), map[string]string{"traffic_split": "update"})
		r.apply(0)
		wantActions(t, r.plan(), map[string]string{})
		r.runs("2")
	})
	t.Run("instance gone", func(t *testing.T) {
		r.t = t
		r.end()
		wantActions(t, r.plan(), map[string]string{"release": "update"})
		r.apply(0)
		wantActions(t, r.plan(), map[string]string{})
		r.runs("2")
	})
}

func TestPlanOfAnUnknownDigest(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	c := config{Version: "1", ArtifactPath: "${terraform_data.path.output}"}
	extra := "\nresource \"terraform_data\" \"path\" {\n  input = \"" + built.web + "\"\n}\n"
	r.write(c.hcl(r) + extra)
	r.apply(0)
	wantActions(t, r.plan(), map[string]string{})
	attempts := r.view(web).State.LastAttempt
	r.write(c.hcl(r) + strings.Replace(extra, "input =", "triggers_replace = \"again\"\n  input =", 1))
	p := r.plan()
	got := p.actions()
	delete(got, "terraform_data.path")
	if diff := cmp.Diff(allOf("update", "service"), got); diff != "" {
		t.Errorf("want every stage to be known after apply (-want +got):\n%s", diff)
	}
	r.apply(0)
	wantActions(t, r.plan(), map[string]string{})
	if now := r.view(web).State.LastAttempt; now != attempts {
		t.Errorf("the digest turned out the same, and attempt %d began", now)
	}
}

func TestProtectionIsRefusedInThePlan(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	c := config{Version: "1"}
	r.deploy(c)
	for name, args := range map[string][]string{"destroy": {"-destroy"}, "replace": {"-replace=deploy_release.web"}} {
		if out := r.planFails(args...); !strings.Contains(out, "deletion_protection") {
			t.Errorf("%s is refused for another reason:\n%s", name, out)
		}
	}
	r.write(strings.ReplaceAll(c.hcl(r), `"production"`, `"staging"`))
	if out := r.planFails(); !strings.Contains(out, "deletion_protection") {
		t.Errorf("another service is refused for another reason:\n%s", out)
	}
	r.write(c.hcl(r))
	wantActions(t, r.plan(), map[string]string{})
	c.Unprotected = true
	r.deploy(c)
	if res := r.run("destroy", "-auto-approve", "-no-color", "-input=false"); res.code != 0 {
		t.Fatalf("destroy: %s", res.output)
	}
	if n := len(r.processes()); n != 0 {
		t.Errorf("%d processes run after the destroy", n)
	}
	r.deploy(config{Version: "1", Unprotected: true})
	r.runs("1")
}

func TestSavedPlanIsRefusedAfterAnotherRelease(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	r.deploy(config{Version: "1"})
	other := r.elsewhere()
	r.write(config{Version: "2"}.hcl(r))
	r.plan()
	other.deploy(config{Version: "3"})
	res := r.run("apply", "-no-color", "-input=false", "plan")
	if res.code != 1 || !strings.Contains(res.output, "Service Changed Since Plan") {
		t.Fatalf("exit %d:\n%s", res.code, res.output)
	}
	r.runs("3")
	if n := r.view(web).State.LastAttempt; n != 2 {
		t.Errorf("attempt %d was opened", n)
	}
}

func TestStoreThatIsNotTheOne(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	c := config{Version: "1"}
	r.deploy(c)
	kept := r.store + ".kept"
	t.Run("lost", func(t *testing.T) {
		r.t = t
		if err := os.Rename(r.store, kept); err != nil {
			t.Fatal(err)
		}
		r.planFails()
	})
	t.Run("another", func(t *testing.T) {
		r.t = t
		if err := os.MkdirAll(r.store, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(r.store, "store.json"), []byte(`{"id":"another"}`), 0o600); err != nil {
			t.Fatal(err)
		}
		if out := r.planFails(); !strings.Contains(out, "another") {
			t.Errorf("the other store is not named:\n%s", out)
		}
	})
	r.t = t
	if err := os.RemoveAll(r.store); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(kept, r.store); err != nil {
		t.Fatal(err)
	}
	wantActions(t, r.plan(), map[string]string{})
}

func TestHeldRelease(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	r.deploy(config{Version: "1"})
	r.deploy(config{Version: "2"})
	r.operator(0, "rollback", string(web), "--yes")
	r.runs("1")
	p := r.plan()
	wantActions(t, p, allOf("update", "service"))
	if !strings.Contains(p.text, "eld") || strings.Count(p.text, "Warning:") != 1 {
		t.Errorf("want one warning that it is held:\n%s", p.text)
	}
	if out := r.apply(1); !strings.Contains(out, "Release Held") {
		t.Errorf("apply is refused for another reason:\n%s", out)
	}
	r.write(config{Version: "1"}.hcl(r))
	wantActions(t, r.plan(), map[string]string{})
	r.write(config{Version: "2"}.hcl(r))
	r.operator(0, "unhold", string(web), "--yes")
	r.apply(0)
	r.runs("2")
}
