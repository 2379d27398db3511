package delivery_test

import (
	"context"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// applied makes a provider that has introduced some versions.
func applied(t *testing.T, w *world, objects store.Store, versions ...string) *provider {
	t.Helper()
	p := newProvider(t, w, objects)
	p.backups = map[string]service.Backup{"orders": {}}
	for _, version := range versions {
		w.data = "before " + version
		if err := p.apply(context.Background(), version); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func TestRestoreCheckpoint(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, c := range map[string]struct {
		checkpoint string
		data       bool
		parked     bool
		want       string
		wantData   string
		wantPlan   []string
	}{
		"of the release before":              {checkpoint: "2", want: "1", wantData: "now", wantPlan: []string{string(releaseOf("1")) + " gets all of the traffic", "orders stays as it is"}},
		"with its data":                      {checkpoint: "2", data: true, want: "1", wantData: "before 2", wantPlan: []string{"WHAT WAS WRITTEN SINCE IS LOST"}},
		"by its id":                          {checkpoint: delivery.CheckpointID(releaseOf("2")), data: true, want: "1", wantData: "before 2"},
		"under a parked candidate":           {checkpoint: "3", parked: true, want: "2", wantData: "now", wantPlan: []string{"the introduction of " + string(releaseOf("3")) + " ends"}},
		"under a parked candidate with data": {checkpoint: "3", parked: true, data: true, want: "2", wantData: "before 3"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			p := applied(t, w, newMemoryStore(), "1", "2")
			defer p.close()
			if c.parked {
				w.data = "before 3"
				if err := p.applyWith(ctx, "3", delivery.SplitSpec{Weight: 25}); err != nil {
					t.Fatal(err)
				}
			}
			w.data = "now"
			plan, err := p.service().RestorePlan(ctx, c.checkpoint, c.data)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range c.wantPlan {
				if !strings.Contains(plan, want) {
					t.Errorf("the plan does not say %q: %s", want, plan)
				}
			}
			if _, err := p.service().RestoreCheckpoint(ctx, c.checkpoint, c.data, "a test"); err != nil {
				t.Fatal(err)
			}
			stands(t, w, p, c.want)
			if w.data != c.wantData {
				t.Errorf("the data is %q, want %q", w.data, c.wantData)
			}
			if c.parked || c.want == "1" {
				if held := p.state().Held; len(held) != 1 {
					t.Errorf("held is %v", held)
				}
			}
		})
	}
}

func TestRestoreCheckpointRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := applied(t, w, newMemoryStore(), "1", "2", "3")
	defer p.close()
	for name, want := range map[string]string{
		"7": "Checkpoint Not Found",
		"1": "Nothing To Restore",      // the first release had nothing before it
		"2": "Nothing To Roll Back To", // release 1 is not kept any more
	} {
		_, err := p.service().RestoreCheckpoint(context.Background(), name, true, "")
		_ = wantSummary(t, err, want)
		_, err = p.service().RestorePlan(context.Background(), name, true)
		_ = wantSummary(t, err, want)
	}
	stands(t, w, p, "3")
	if w.data != "before 3" {
		t.Errorf("the data is %q", w.data)
	}
}

func TestRollbackPlan(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := applied(t, newWorld(), newMemoryStore(), "1", "2")
	defer p.close()
	plan, err := p.service().RollbackPlan(ctx, "")
	if err != nil || !strings.Contains(plan, string(releaseOf("1"))+" gets all of the traffic at once, "+string(releaseOf("2"))+" is taken out") {
		t.Errorf("%v: %s", err, plan)
	}
	_, err = p.service().RollbackPlan(ctx, releaseOf("9"))
	if refusal := wantSummary(t, err, "Nothing To Roll Back To"); !strings.Contains(refusal.What, "it keeps "+string(releaseOf("1"))) {
		t.Errorf("it does not say what is kept: %s", refusal.What)
	}
}

// remembered is what a state would still know.
func remembered(passages map[service.Stage]ledger.Passage) delivery.Remembered {
	return delivery.Remembered{
		Definition: service.Definition{ID: web}, Owner: "owner", StoreID: "lost",
		Passed: map[service.ReleaseID]delivery.Passed{releaseOf("2"): {Attempt: 7, Passages: passages}},
	}
}

func TestAdopt(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld()
	applied(t, w, newMemoryStore(), "1", "2").close()
	objects := newMemoryStore() // the other is lost
	p := newProvider(t, w, objects)
	defer p.close()
	passages := map[service.Stage]ledger.Passage{service.StageRelease: {Attempt: 7, Release: releaseOf("2"), Owner: "o", Exports: []byte("{}")}}
	// A record that was changed is no record of that release.
	placed := w.records[releaseOf("1")]
	changed := placed
	changed.Content.Config = map[string]string{"WORKERS": "8"}
	w.records[placed.ID] = changed
	_, _, err := p.service().Adopt(ctx, remembered(passages))
	if e := wantSummary(t, err, "Record Damaged"); !strings.Contains(e.Detail(), "The record of "+string(placed.ID)) {
		t.Error(e.Detail())
	}
	if keys, _ := objects.List(ctx, ""); len(keys) > 0 {
		t.Errorf("it wrote %v", keys)
	}
	w.records[placed.ID] = placed
	survey, identity, err := p.service().Adopt(ctx, remembered(passages))
	if err != nil {
		t.Fatal(err)
	}
	if found, _, err := ledger.Identify(ctx, objects); err != nil || identity != found || found == "" {
		t.Errorf("identity %q, the store's is %q (%v)", identity, found, err)
	}
	if survey.Stable == nil || survey.Stable.ID != releaseOf("2") || survey.Candidate != nil || len(survey.Kept) != 1 {
		t.Errorf("seen: %s", survey)
	}
	stands(t, w, p, "2")
	state := p.state()
	if p := state.Standing(service.StageRelease, 0, epochLater()); p == nil || p.Attempt != 7 || p.Owner != "o" {
		t.Errorf("the release reads %+v", p)
	}
	if state.AdoptedFrom != "lost" {
		t.Errorf("adopted from %q", state.AdoptedFrom)
	}
	_, _, err = p.service().Adopt(ctx, remembered(nil))
	_ = wantSummary(t, err, "Ledger Not Lost")
	if _, err := p.service().Rollback(ctx, "", ""); err != nil {
		t.Fatal(err)
	}
	stands(t, w, p, "1")
	if err := p.apply(ctx, "3"); err != nil {
		t.Fatal(err)
	}
	stands(t, w, p, "3")
}

// What was being introduced when the store was lost is an introduction that nobody goes on with: it is recovered, traffic first.
func TestAdoptWithACandidate(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld()
	lost := applied(t, w, newMemoryStore(), "1", "2")
	if err := lost.applyWith(ctx, "3", delivery.SplitSpec{Weight: 25}); err != nil {
		t.Fatal(err)
	}
	lost.close()
	objects := newMemoryStore()
	p := newProvider(t, w, objects)
	survey, _, err := p.service().Adopt(ctx, remembered(nil))
	if err != nil {
		t.Fatal(err)
	}
	if survey.Stable == nil || survey.Stable.ID != releaseOf("2") || survey.Candidate == nil || survey.Candidate.ID != releaseOf("3") {
		t.Errorf("seen: %s", survey)
	}
	p.close()
	p = newProvider(t, w, objects)
	defer p.close()
	recovery, err := p.service().Recover(ctx)
	if err != nil || !recovery.Recovered {
		t.Fatalf("recovered: %+v, %v", recovery, err)
	}
	stands(t, w, p, "2")
}

func TestAdoptOfNothingAndOfNobodyKnows(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w, objects := newWorld(), newMemoryStore()
	p := newProvider(t, w, objects)
	defer p.close()
	w.records[releaseOf("1")] = service.Release{ID: releaseOf("1"), Content: content("1"), Placement: service.Placement{Release: releaseOf("1"), Slot: "green", Instances: []service.Instance{{Name: "green/0", Address: "green"}}}}
	w.running["green"] = releaseOf("1") // and the router's weights are with blue
	_, _, err := p.service().Adopt(ctx, remembered(nil))
	_ = wantSummary(t, err, "Stable Release Not Known")
	if keys, _ := objects.List(ctx, ""); len(keys) > 0 {
		t.Errorf("it wrote %v", keys)
	}
	delete(w.running, "green")
	delete(w.records, releaseOf("1"))
	placed := map[service.Stage]ledger.Passage{service.StageRelease: {Attempt: 7, Release: releaseOf("2")}}
	_, _, err = p.service().Adopt(ctx, remembered(placed))
	if e := wantSummary(t, err, "Nothing Found Here"); !strings.Contains(e.Error(), string(releaseOf("2"))) || !strings.Contains(e.Error(), "terraform state rm") {
		t.Errorf("it does not say what is missing and what to do: %v", e)
	}
	if keys, _ := objects.List(ctx, ""); len(keys) > 0 {
		t.Errorf("it wrote %v", keys)
	}
	// A service of which the preflight is all that ever passed.
	if _, _, err := p.service().Adopt(ctx, remembered(map[service.Stage]ledger.Passage{service.StagePreflight: {Attempt: 7, Release: releaseOf("2")}})); err != nil {
		t.Fatal(err)
	}
	if err := p.apply(ctx, "1"); err != nil {
		t.Fatal(err)
	}
	stands(t, w, p, "1")
}

// So is one to what could not be handed its secrets any more.
func TestRollbackWithUnfitSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := applied(t, w, newMemoryStore(), "secretive", "2")
	defer p.close()
	w.set(func() { w.unfit = func(_, value string) bool { return value == secret } })
	e := wantSummary(t, p.apply(t.Context(), "secretive"), "Rollback Refused")
	if !strings.Contains(e.What, "cannot be passed") || strings.Contains(e.Detail(), secret) {
		t.Errorf("it says: %s", e.Detail())
	}
	stands(t, w, p, "2")
}

// A rollback without the secrets of what it goes back to is refused before it begins, whoever wants it, and names every one that is missing.
func TestRollbackWithoutSecrets(t *testing.T) {
	t.Parallel()
	for name, back := range map[string]func(*provider) error{
		"rollback": func(p *provider) error { _, err := p.service().Rollback(t.Context(), "", "a test"); return err },
		"rollback by its name": func(p *provider) error {
			_, err := p.service().Rollback(t.Context(), releaseOf("secretive"), "")
			return err
		},
		"restore": func(p *provider) error {
			_, err := p.service().RestoreCheckpoint(t.Context(), "2", false, "")
			return err
		},
		"reverted HCL": func(p *provider) error { return p.apply(t.Context(), "secretive") },
	} {
		w := newWorld()
		p := applied(t, w, newMemoryStore(), "secretive", "2")
		defer p.close()
		before := p.state()
		if procedure := before.Attempts[1].Checkpoint.Procedure; !strings.Contains(procedure, "DEPLOY_CREDENTIAL_DATABASE") {
			t.Errorf("%s: the procedure does not name the secret: %s", name, procedure)
		}
		w.set(func() { w.unknown = true })
		e := wantSummary(t, back(p), "Rollback Refused")
		if !strings.Contains(e.What, `the credential "database" is not known`) {
			t.Errorf("%s: it says: %s", name, e.Detail())
		}
		if after := p.state(); after.LastAttempt != before.LastAttempt || len(after.Held) > 0 {
			t.Errorf("%s: attempt %d was opened, held %v", name, after.LastAttempt, after.Held)
		}
		stands(t, w, p, "2")
	}
}
