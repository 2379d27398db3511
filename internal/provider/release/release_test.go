package release

import (
	"context"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/configtest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/stage"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const (
	reference = "file:web@sha256:5c1f9e0b5c1f9e0b5c1f9e0b5c1f9e0b5c1f9e0b5c1f9e0b5c1f9e0b5c1f9e0b"
	least     = `{"service":"production/web","content":{"version":"1.8.2","artifact":"` + reference + `","host":{"command":["./web"]}}}`
)

func modelOf(t *testing.T, text string) model {
	t.Helper()
	return configtest.Model[model](t, resourceSchema(), text)
}

// The resource and the function release_id must come to the same id; the function's golden test has this very content.
func TestTarget(t *testing.T) {
	for text, want := range map[string]string{
		least: "production/web/1.8.2-1a074b43",
		strings.Replace(least, `"version"`, `"config":{"UNSET":null},"secrets":{},"restart":"","version"`, 1): "production/web/1.8.2-1a074b43",
		strings.Replace(least, reference, configtest.Unknown, 1):                                              "<unknown>",
		strings.Replace(least, "production/web", configtest.Unknown, 1):                                       "<unknown>",
	} {
		got, diags := modelOf(t, text).target(t.Context())
		if diags.HasError() || strings.Trim(got.String(), `"`) != want {
			t.Errorf("%s: got %s (%v), want %s", text, got, diags, want)
		}
	}
}

func TestValidate(t *testing.T) {
	with := func(health string) string {
		return strings.Replace(least, `"content"`, `"health":`+health+`,"content"`, 1)
	}
	for name, test := range map[string]struct{ text, at, want string }{
		"least":             {least, "", ""},
		"no host":           {strings.Replace(least, `,"host":{"command":["./web"]}`, "", 1), "content", "exactly one of: host"},
		"a null argument":   {strings.Replace(least, `["./web"]`, `["./web",null]`, 1), "content.host.command[1]", "leave it out"},
		"an empty secret":   {strings.Replace(least, `"host"`, `"secrets":{"A":""},"host"`, 1), `content.secrets["A"]`, "name of a credential"},
		"an unknown secret": {strings.Replace(least, `"host"`, `"secrets":{"A":"<unknown>"},"host"`, 1), "", ""},
		"no checkpoint":     {strings.Replace(least, `"content"`, `"checkpoint":"","content"`, 1), "checkpoint", "leave it out"},
		"kubernetes":        {strings.Replace(least, `"host":{"command":["./web"]}`, `"kubernetes":{"manifest":"x"}`, 1), "content.kubernetes", "use host"},
		"two platforms":     {strings.Replace(least, `"host"`, `"kubernetes":{},"host"`, 1), "content", "host and kubernetes are set"},
		"version":           {strings.Replace(least, "1.8.2", "1 8", 1), "content.version", "is not a version"},
		"artifact":          {strings.Replace(least, reference, "web", 1), "content.artifact", "data.deploy_artifact"},
		"unknown artifact":  {strings.Replace(least, reference, configtest.Unknown, 1), "", ""},
		"reserved variable": {strings.Replace(least, `"host"`, `"config":{"PORT":"1"},"host"`, 1), `content.config["PORT"]`, "choose another name"},
		"probe's path":      {with(`{"http":{"path":"healthz"}}`), "health.http.path", "slash"},
		"probe's status":    {with(`{"http":{"path":"/","status":[200,99]}}`), "health.http.status[1]", "100 to 599"},
		"pattern":           {with(`{"deny_logs":["ok","("]}`), "health.deny_logs[1]", "regular expression"},
		"too long":          {with(`{"min_healthy_time":"10m"}`), "health.min_healthy_time", "healthy_deadline"},
		"unknown health":    {with(`"<unknown>"`), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			diags := validate(t.Context(), modelOf(t, test.text))
			if test.want == "" {
				if diags.HasError() {
					t.Errorf("refused: %v", diags)
				}
				return
			}
			if len(diags) != 1 {
				t.Fatalf("got %v, want one error", diags)
			}
			placed, ok := diags[0].(diag.DiagnosticWithPath)
			if !ok || placed.Path().String() != test.at || !strings.Contains(strings.ToLower(placed.Detail()), test.want) {
				t.Errorf("got %v, want %q at %s", diags[0], test.want, test.at)
			}
		})
	}
}

type warnings []string

func (w *warnings) add(summary, detail string) { *w = append(*w, summary+": "+detail) }

func planningOf(t *testing.T, text string, change stage.Change, w *warnings) stage.Planning[model] {
	t.Helper()
	m := modelOf(t, text)
	release, diags := m.target(t.Context())
	if diags.HasError() {
		t.Fatal(diags)
	}
	m.Release = release
	return stage.Planning[model]{Plan: &m, ReleaseChanges: change, Warn: w.add}
}

func TestOtherCheckpoint(t *testing.T) {
	taken := service.Content{Version: "1.8.1", Config: map[string]string{"A": "1"}, Host: &service.HostContent{Command: []string{"./web"}}}
	id := taken.ReleaseID("production/web")
	var w warnings
	p := planningOf(t, strings.Replace(least, `"content"`, `"checkpoint":"`+delivery.CheckpointID(id)+`","content"`, 1), stage.Changed, &w)
	p.View = &ledger.View{State: ledger.State{Releases: map[service.ReleaseID]service.Release{id: {ID: id, Content: taken}}}}
	diags := plan(t.Context(), p)
	if len(diags) != 1 || diags[0].Summary() != "Checkpoint Not Retaken" {
		t.Fatalf("got %v", diags)
	}
	for _, part := range []string{"version: 1.8.1, and 1.8.2", "config: A", "artifact's digest"} {
		if !strings.Contains(diags[0].Detail(), part) {
			t.Errorf("%q is not in %s", part, diags[0].Detail())
		}
	}
	p.View.State.Releases = nil // What is not in the ledger is told apart by its id.
	if diags := plan(t.Context(), p); len(diags) != 1 || !strings.Contains(diags[0].Detail(), "they differ in version: 1.8.1, and 1.8.2") {
		t.Errorf("got %v", diags)
	}
	right := planningOf(t, least, stage.Changed, &w)
	right.Plan.Checkpoint = types.StringValue(right.Plan.Release.ValueString() + "/checkpoint")
	if diags := plan(t.Context(), right); diags.HasError() {
		t.Errorf("its own checkpoint is refused: %v", diags)
	}
}

func TestMissingInstanceIsRepaired(t *testing.T) {
	var w warnings
	p := planningOf(t, least, stage.Unchanged, &w)
	release := p.Plan.Release
	p.Plan.Slot = types.StringValue("blue")
	whole := types.MapValueMust(types.StringType, map[string]attr.Value{"blue/0": release, "blue/1": release})
	prior := *p.Plan
	prior.Instances = types.MapValueMust(types.StringType, map[string]attr.Value{"blue/0": release, "blue/1": types.StringValue("")})
	p.Plan.Instances, p.Prior = prior.Instances, &prior
	if diags := plan(t.Context(), p); diags.HasError() {
		t.Fatal(diags)
	}
	if !p.Plan.Instances.Equal(whole) || !rerun(prior, *p.Plan) {
		t.Errorf("got %s", p.Plan.Instances)
	}
	// Stable's, beside a candidate, are repaired as well, and then they are stable's alone.
	prior.Instances = types.MapValueMust(types.StringType, map[string]attr.Value{"blue/0": release, "blue/1": release, "green/0": types.StringValue("")})
	p.Plan.Instances, p.Prior = prior.Instances, &prior
	if diags := plan(t.Context(), p); diags.HasError() {
		t.Fatal(diags)
	}
	if !p.Plan.Instances.Equal(whole) || !rerun(prior, *p.Plan) {
		t.Errorf("got %s", p.Plan.Instances)
	}
	prior.Instances = whole
	p.Plan.Instances = whole
	if diags := plan(t.Context(), p); diags.HasError() || rerun(prior, *p.Plan) {
		t.Errorf("what is whole is repaired: %s (%v)", p.Plan.Instances, diags)
	}
}

func TestWarnings(t *testing.T) {
	var w warnings
	failed := planningOf(t, least, stage.Changed, &w)
	release := service.ReleaseID(failed.Plan.Release.ValueString())
	state := ledger.State{
		Tries: map[service.ReleaseID]int{release: 2},
		LastFailure: map[service.ReleaseID]ledger.LastFailure{release: {
			Attempt: 5, Stage: service.StageSmokeTest, Failure: ledger.Failure{Reason: "1 of 2 checks failed", Evidence: []string{"checkout: 500"}}, Record: "file:///r.md",
		}},
	}
	failed.View, failed.Run = &ledger.View{State: state}, "mine"
	if diags := plan(t.Context(), failed); diags.HasError() {
		t.Fatal(diags)
	}
	if len(w) != 1 {
		t.Fatalf("got %d warnings, want one: %v", len(w), w)
	}
	for _, part := range []string{"Release Failed Before", "2 times", "number 5", "1 of 2 checks failed", "checkout: 500", "file:///r.md", "outside of Terraform"} {
		if !strings.Contains(w[0], part) {
			t.Errorf("%q is not in %s", part, w[0])
		}
	}
	state.Held = map[service.ReleaseID]string{release: "it failed 3 times"}
	failed.View = &ledger.View{State: state}
	w = nil
	warn(failed)
	if len(w) != 1 || !strings.Contains(w[0], "Release Held") || !strings.Contains(w[0], "unhold production/web") {
		t.Errorf("got %v", w)
	}
	w = nil
	failed.ReleaseChanges = stage.Unchanged
	warn(failed)
	if len(w) != 0 {
		t.Errorf("a release that stays warns: %v", w)
	}
	failed.ReleaseChanges = stage.Changed
	failed.View.State.LeaseRun = "mine"
	warn(failed)
	if len(w) != 0 {
		t.Errorf("the apply says again what the plan said: %v", w)
	}
}

func TestDeletionProtection(t *testing.T) {
	unprotected := strings.Replace(least, `"content"`, `"deletion_protection":false,"content"`, 1)
	running := &ledger.View{State: ledger.State{Stable: "production/web/1.8.2-1a074b43"}}
	for name, test := range map[string]struct {
		text               string
		view               *ledger.View
		facts              stage.Facts
		replacing, refused bool
	}{
		"runs":                        {least, running, stage.Facts{}, false, true},
		"runs, unprotected":           {unprotected, running, stage.Facts{}, false, false},
		"replaced, unprotected":       {unprotected, running, stage.Facts{}, true, true},
		"nothing to replace":          {least, &ledger.View{}, stage.Facts{}, true, false},
		"nothing runs":                {least, &ledger.View{}, stage.Facts{}, false, false},
		"nobody can be asked":         {least, nil, stage.Facts{Carries: "production/web/1.8.2-1a074b43"}, false, true},
		"nobody asked, nothing known": {least, nil, stage.Facts{}, false, false},
	} {
		diags := planDelete(context.Background(), modelOf(t, test.text), test.facts, test.view, test.replacing)
		if diags.HasError() != test.refused {
			t.Errorf("%s: got %v", name, diags)
		}
	}
}

// After a restore that failed one warning says so; nothing beside it speaks of the same attempt as undone.
func TestWarningsDoNotContradict(t *testing.T) {
	var w warnings
	p := planningOf(t, least, stage.Changed, &w)
	release := service.ReleaseID(p.Plan.Release.ValueString())
	state := ledger.State{
		Attempts:    []ledger.Attempt{{Number: 5, Release: release, End: service.EndRestoreFailed}},
		LastFailure: map[service.ReleaseID]ledger.LastFailure{release: {Attempt: 5}}, Broken: &ledger.Broken{Attempt: 5, Leftovers: []string{"the router"}},
		Held: map[service.ReleaseID]string{release: "it failed 3 times"},
	}
	p.View, p.Run = &ledger.View{State: state}, "mine"
	warn(p)
	if len(w) != 1 || !strings.Contains(w[0], "Restore Unfinished") {
		t.Errorf("got %v, want one warning of the restore", w)
	}
	p.View.State.Broken, p.View.State.Held = nil, nil
	for want, a := range map[string]ledger.Attempt{
		"an operator accepted": {Number: 5, End: service.EndRestoreFailed, Accepted: true}, "was rolled back": {Number: 5, End: service.EndRolledBack},
		"was undone": {Number: 5, End: service.EndRestored}, "was abandoned": {Number: 5, End: service.EndAbandoned},
		"and was later": {Number: 5, End: service.EndRestoreFailed},
	} {
		w = nil
		p.View.State.Attempts = []ledger.Attempt{a}
		warn(p)
		if len(w) != 1 || !strings.Contains(w[0], want) {
			t.Errorf("got %v, want one with %q", w, want)
		}
	}
}

// `mode` of a second rollback in a row is the same as before, and no plan shows what stays.
func TestSecondRollbackIsSaid(t *testing.T) {
	for before, want := range map[service.Mode]int{service.ModeRollback: 1, service.ModeUpdate: 0} {
		var w warnings
		p := planningOf(t, least, stage.Changed, &w)
		prior := modelOf(t, least)
		prior.Mode = types.StringValue(string(before))
		p.Prior, p.Mode, p.View, p.Run = &prior, service.ModeRollback, &ledger.View{}, "mine"
		warn(p)
		if len(w) != want {
			t.Errorf("after %s: got %v, want %d warnings", before, w, want)
		}
	}
}

// What is shown of each instance is what it runs and goes on to run.
func TestInstancesThatAreShown(t *testing.T) {
	t.Parallel()
	const id = "production/web/1.8.2-5c1f9e0b"
	on := func(name string) service.Instance { return service.Instance{Name: name} }
	m := model{}
	refresh(&m, delivery.Refreshed{Snapshot: service.Snapshot{Instances: []service.InstanceState{
		{Instance: on("blue/0"), Running: true, Release: id},
		{Instance: on("blue/1"), Running: true, Release: id, Stopping: true},
		{Instance: on("blue/2"), Running: true, Release: id, Unsupervised: true},
		{Instance: on("blue/3"), Release: id},
	}}}, nil)
	want := types.MapValueMust(types.StringType, map[string]attr.Value{
		"blue/0": types.StringValue(id), "blue/1": types.StringValue(""), "blue/2": types.StringValue(""), "blue/3": types.StringValue(""),
	})
	if !m.Instances.Equal(want) {
		t.Errorf("%s", m.Instances)
	}
}
