package acceptance_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// managed is what Terraform's state has of each stage, by its name: the release, and whether it is tainted.
func (r *rig) managed() map[string]string {
	r.t.Helper()
	res := r.run("state", "pull")
	var state struct {
		Resources []struct {
			Mode      string
			Type      string
			Instances []struct {
				Status     string
				Attributes struct{ Release string }
			}
		}
	}
	if res.code != 0 {
		r.t.Fatalf("state pull: %s", res.output)
	}
	if err := json.Unmarshal([]byte(res.output), &state); err != nil {
		r.t.Fatal(err)
	}
	stages := map[string]string{}
	for _, resource := range state.Resources {
		if resource.Mode != "managed" || resource.Type == "deploy_service" {
			continue
		}
		for _, instance := range resource.Instances {
			version := ""
			if release := instance.Attributes.Release; release != "" {
				version = service.ReleaseID(release).Version()
			}
			stages[strings.TrimPrefix(resource.Type, "deploy_")] = strings.TrimSpace(version + " " + instance.Status)
		}
	}
	return stages
}

// wantState wants what a failed apply leaves in the state: nothing of the stage that failed and of those behind it on a first
// install, and the prior release on an update; never a taint.
func (r *rig) wantState(failed service.Stage, before, after string) {
	r.t.Helper()
	managed, passed := r.managed(), true
	for _, stage := range service.Stages {
		passed = passed && stage != failed
		want := before
		if passed {
			want = after
		}
		if got := managed[string(stage)]; got != want {
			r.t.Errorf("after %s failed the state has %q of %s, want %q", failed, got, stage, want)
		}
	}
}

// broken brings a service of version 1 into the state in which the restore of version 2 failed: the router cannot be written.
func broken(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, true)
	r.deploy(config{Version: "1"})
	r.write(config{Version: "2", BreakRouter: true}.hcl(r))
	out := r.apply(1)
	wantSaid(t, out, "Restore Failed", "NOT restored:", "Running now:", "recover production/web", "accept production/web")
	r.wantState(service.StageTrafficSplit, "1", "2")
	p := r.plan()
	wantSaid(t, p.text, "Restore Unfinished")
	for _, contradiction := range []string{"Release Failed Before", "was undone", "Release Held"} {
		if strings.Contains(p.text, contradiction) {
			t.Errorf("beside a restore that failed it says %q:\n%s", contradiction, p.text)
		}
	}
	before, after := p.change("deploy_service.web")
	if before["status"] != "restore_failed" || after["status"] != "ready" {
		t.Errorf("the service's status goes from %v to %v", before["status"], after["status"])
	}
	return r
}

func (r *rig) mendRouter() {
	r.t.Helper()
	if err := os.Remove(r.ShareFile()); err != nil {
		r.t.Fatal(err)
	}
}

// A restore that failed: no release is taken until the world is mended, and an apply, or recover, has finished the restore.
func TestRestoreFailedAndMended(t *testing.T) {
	t.Parallel()
	r := broken(t)
	r.write(config{Version: "3"}.hcl(r))
	if out := r.apply(1); !strings.Contains(flat(out), "Restore") {
		t.Errorf("refused for another reason:\n%s", out)
	}
	if a := r.view(web).State.LastAttempt; a != 2 {
		t.Errorf("attempt %d began on a broken service", a)
	}
	r.mendRouter()
	r.operator(0, "recover", string(web), "--yes")
	r.runs("1")
	r.write(config{Version: "1"}.hcl(r))
	wantActions(t, r.plan(), map[string]string{})
	r.deploy(config{Version: "3"})
	r.runs("3")
}

func TestRestoreFailedAndAccepted(t *testing.T) {
	t.Parallel()
	r := broken(t)
	r.mendRouter()
	writeFile(t, r.ShareFile(), "0000")
	r.operator(0, "accept", string(web), "--yes")
	if state := r.view(web).State; state.Broken != nil || state.Stable.Version() != "1" {
		t.Errorf("stable is %s, broken %v", state.Stable, state.Broken)
	}
	r.write(config{Version: "1"}.hcl(r))
	r.plan()
	r.deploy(config{Version: "3"})
	wantActions(t, r.plan(), map[string]string{})
	r.runs("3")
}

// A judgement that is not conclusive pauses: the candidate stays at its step, the state as it was, and the next apply goes on
// in the same attempt.
func TestPauseAndGoOn(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	r.deploy(config{Version: "1"})
	split := func(policy string) string {
		return strings.Replace(config{Version: "2"}.hcl(r), weightLine, weightLine+`
  steps    = [{ weight = 25, pause = "100ms" }]
  analysis = { interval = "200ms", errors = {}, min_requests = 100000, max_pause = "1s", on_no_data = "continue", on_inconclusive = "`+policy+`" }`, 1)
	}
	r.write(strings.Replace(split("pause"), `on_no_data = "continue"`, `on_no_data = "pause"`, 1))
	wantSaid(t, r.apply(1), "Release Paused", "Next:")
	a := r.view(web).State.OpenAttempt()
	if a == nil || a.Weight != 25 || a.Paused == "" {
		t.Fatalf("not paused at 25: %+v", a)
	}
	r.wantState(service.StageTrafficSplit, "1", "2")
	if share, err := os.ReadFile(r.ShareFile()); err != nil || strings.TrimSpace(string(share)) != "4000" {
		t.Errorf("the share file holds %q (%v)", share, err)
	}
	r.write(split("continue"))
	wantActions(t, r.plan(), map[string]string{"traffic_split": "update", "verification": "update", "finalization": "update"})
	r.apply(0)
	r.runs("2")
	if now := r.view(web).State.LastAttempt; now != a.Number {
		t.Errorf("it went on in attempt %d, not in %d", now, a.Number)
	}
	wantActions(t, r.plan(), map[string]string{})
}

// An output of the finalized release's id tells the truth after a release that failed; one of the id that was wanted does not,
// until the state is refreshed.
func TestOutputsAfterAFailure(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	outputs := "\noutput \"finalized\" {\n  value = deploy_finalization.web.finalized\n}\noutput \"wanted\" {\n  value = deploy_release.web.release\n}\n"
	said := func(name string) string {
		t.Helper()
		res := r.run("output", "-raw", name)
		if res.code != 0 {
			t.Fatalf("output %s: %s", name, res.output)
		}
		return service.ReleaseID(res.output).Version()
	}
	r.write(config{Version: "1"}.hcl(r) + outputs)
	r.apply(0)
	r.write(failing(service.StageVerification, "2").hcl(r) + outputs)
	r.apply(1)
	if finalized := said("finalized"); finalized != "1" {
		t.Errorf("finalized says %s", finalized)
	}
	r.write(config{Version: "1"}.hcl(r) + outputs)
	r.apply(0, "-refresh-only")
	if finalized, wanted := said("finalized"), said("wanted"); finalized != "1" || wanted != "1" {
		t.Errorf("after a refresh: %s finalized, %s wanted", finalized, wanted)
	}
}

// A preflight that is too old when the execution begins: refused, and nothing is touched.
func TestExpiredPreflight(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	r.deploy(config{Version: "1", NoRouter: true})
	slow := config{Version: "2", NoRouter: true}.hcl(r)
	slow = strings.Replace(slow, "resource \"deploy_preflight\" \"web\" {", "resource \"deploy_preflight\" \"web\" {\n  valid_for = \"1s\"", 1)
	slow = strings.Replace(slow, "resource \"deploy_checkpoint\" \"web\" {", "resource \"deploy_checkpoint\" \"web\" {\n  backups = { slow = { command = { save = [\"sh\", \"-c\", \"sleep 2; date > $DEPLOY_BACKUP/date\"], restore = [\"true\"] } } }", 1)
	before := r.processes()
	r.write(slow)
	wantSaid(t, r.apply(1), "Preflight Expired", "good for 1s", "Nothing was changed")
	if after := r.processes(); !slices.Equal(before, after) {
		t.Errorf("processes were %v and are %v", before, after)
	}
	// It stands no more, so it is planned again.
	if got := r.plan().actions()["preflight"]; got == "" {
		t.Error("the preflight that expired is not planned again")
	}
	r.deploy(config{Version: "2", NoRouter: true})
	r.runs("2")
}

// A release that prints its secret and dies: the secret is in nothing that is kept or shown, though its last lines are.
func TestSecretInTheReleasesOwnOutput(t *testing.T) {
	t.Parallel()
	const marker = "0wn-0utput-s3cr3t"
	r := newRig(t, false)
	with := func(c config, command string) string {
		c.NoRouter = true
		c.ExtraProvider = `  credentials = { orders_db = "` + marker + `" }`
		c.ExtraContent = `    secrets = { DATABASE_PASSWORD = "orders_db" }`
		return strings.Replace(c.hcl(r), `command = ["./web"]`, `command = `+command, 1)
	}
	r.write(with(config{Version: "1"}, `["./web"]`))
	r.apply(0)
	r.write(with(config{Version: "2"}, `["/bin/sh", "-c", "echo connecting as web:$DATABASE_PASSWORD@db; exit 3"]`))
	said := r.apply(1)
	if !strings.Contains(flat(said), "connecting as") {
		t.Errorf("the last lines are not in the error, so this test says nothing:\n%s", said)
	}
	said += r.plan().text + r.operator(0, "history", string(web), "--json")
	if strings.Contains(flat(said), marker) {
		t.Errorf("what is shown holds the secret:\n%s", said)
	}
	main := filepath.Join(r.dir, "main.tf")
	for _, root := range []string{r.dir, r.store} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || path == main {
				return err
			}
			data, err := os.ReadFile(path)
			if err == nil && strings.Contains(string(data), marker) {
				t.Errorf("%s holds the secret", path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	r.runs("1")
}

// The least form of all, word for word but for the port and the environment: the default store, the default directory.
func TestLeastForm(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	environment := fmt.Sprintf("least-%d", os.Getpid())
	r.env = append(r.env, "HOME="+r.dir)
	r.host = filepath.Join(r.dir, ".local", "state", "deploy", environment)
	if os.Geteuid() == 0 {
		r.host = filepath.Join("/srv", environment)
		t.Cleanup(func() { r.end(); _ = os.RemoveAll(r.host) })
	}
	binary, err := os.ReadFile(built.web)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.dir, "web"), binary, 0o755); err != nil { //nolint:gosec // it is run
		t.Fatal(err)
	}
	least := `
data "deploy_artifact" "web" { file = "web" }

resource "deploy_service" "web" {
  name        = "web"
  environment = "production"
  platform    = { host = { slots = { blue = { port = 8080 } } } }
}

resource "deploy_release" "web" {
  service = deploy_service.web.id
  content = {
    version  = "1.8.2"
    artifact = data.deploy_artifact.web.reference
    host     = { command = ["./web"] }
  }
}
`
	least = strings.Replace(strings.Replace(least, "8080", fmt.Sprint(r.ports["blue"]), 1), "production", environment, 1)
	r.write("terraform {\n  required_providers {\n    deploy = { source = \"registry.terraform.io/progressive-delivery/deploy\" }\n  }\n}\n" + least)
	wantActions(t, r.plan(), map[string]string{"service": "create", "release": "create"})
	r.apply(0)
	wantActions(t, r.plan(), map[string]string{})
	if _, err := os.Stat(filepath.Join(r.dir, ".deploy", "store.json")); err != nil {
		t.Errorf("the store is not where it lies by default: %v", err)
	}
	if body, code := get("http://" + r.address("blue") + "/"); code != 200 || !strings.Contains(body, environment+"/web/1.8.2-") {
		t.Errorf("it answers %d %s", code, body)
	}
	r.storeURL = "file://" + filepath.Join(r.dir, ".deploy")
	if a := r.view(service.ID(environment + "/web")).State.StandingAttempt(); a == nil || a.Release.Version() != "1.8.2" || a.Weight != 100 {
		t.Errorf("the ledger has %+v", a)
	}
}
