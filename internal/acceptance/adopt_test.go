package acceptance_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// loseStore empties the store as a lost disk does.
func (r *rig) loseStore() {
	r.t.Helper()
	if err := os.RemoveAll(r.store); err != nil {
		r.t.Fatal(err)
	}
}

// The store is lost, and the services run: a new ledger is made from what runs, and Terraform goes on with it.
func TestAdoptAfterTheStoreIsLost(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	r.deploy(config{Version: "1"})
	r.deploy(config{Version: "2"})
	was, _ := r.stateOf("deploy_service.web", "store_id")
	r.loseStore()
	if out := r.planFails(); !strings.Contains(out, "Ledger Lost") || !strings.Contains(out, "adopt production/web") {
		t.Errorf("the plan does not say what to do:\n%s", out)
	}
	state := filepath.Join(r.dir, "terraform.tfstate")
	if out := r.operator(3, "adopt", string(web), "--state", state); !strings.Contains(out, "add --yes") {
		t.Errorf("it did not ask:\n%s", out)
	}
	if _, err := os.Stat(filepath.Join(r.store, "store.json")); err == nil {
		t.Error("it wrote before it was confirmed")
	}
	out := r.operator(0, "adopt", string(web), "--state", state, "--yes")
	for _, want := range []string{fmt.Sprint(was), "2-", "slot green is stable", "kept ready", "terraform plan"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	wantActions(t, r.plan(), map[string]string{})
	r.apply(0)
	if is, _ := r.stateOf("deploy_service.web", "store_id"); is == was || is == "" {
		t.Errorf("the state names store %v, which is lost", is)
	}
	wantActions(t, r.plan(), map[string]string{})
	if out := r.operator(1, "adopt", string(web), "--state", state, "--yes"); !strings.Contains(out, "Ledger Not Lost") {
		t.Errorf("adopted twice:\n%s", out)
	}
	// The kept release is ready, and the next one goes its way, also where it fails.
	r.write(failing("verification", "3").hcl(r))
	r.apply(1)
	r.runs("2")
	r.write(config{Version: "2"}.hcl(r))
	wantActions(t, r.plan(), map[string]string{})
	r.operator(0, "rollback", string(web), "--yes")
	r.runs("1")
	r.deploy(config{Version: "3"})
	r.runs("3")
	wantActions(t, r.plan(), map[string]string{})
}

// Killed in the middle of a split, and then the store is lost too: what was being introduced is taken back.
func TestAdoptInTheMiddleOfASplit(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	r.deploy(config{Version: "1"})
	stop := r.traffic()
	killedInTheSplit(r)
	r.loseStore()
	out := r.operator(0, "adopt", string(web), "--state", filepath.Join(r.dir, "terraform.tfstate"), "--yes")
	if !strings.Contains(out, "runs beside it") || !strings.Contains(out, "recover production/web") {
		t.Errorf("it does not say what is to be done:\n%s", out)
	}
	r.operator(0, "recover", string(web), "--yes")
	r.runs("1")
	if lost := stop().lost; len(lost) > 0 {
		t.Errorf("%d requests were lost: %v", len(lost), lost[:min(len(lost), 3)])
	}
	// What the state had of the stages before the split was release 2's: those are made known anew, and nothing is deployed.
	r.write(config{Version: "1"}.hcl(r))
	before := r.processes()
	wantActions(t, r.plan(), map[string]string{"preflight": "create", "checkpoint": "create", "release": "create", "smoke_test": "create"})
	r.apply(0)
	if after := r.processes(); !slices.Equal(before, after) {
		t.Errorf("processes were %v and are %v", before, after)
	}
	wantActions(t, r.plan(), map[string]string{})
	r.deploy(config{Version: "2"})
	r.runs("2")
}

func TestAdoptNeedsTheState(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	r.deploy(config{Version: "1"})
	r.loseStore()
	if out := r.operator(2, "adopt", string(web), "--yes"); !strings.Contains(out, "--state") {
		t.Errorf("it does not say where the state is looked for:\n%s", out)
	}
	if out := r.operator(1, "adopt", "production/other", "--state", filepath.Join(r.dir, "terraform.tfstate"), "--yes"); !strings.Contains(out, "no deploy_service of production/other") {
		t.Errorf("it adopted a stranger:\n%s", out)
	}
	if err := os.WriteFile(filepath.Join(r.dir, "garbage"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := r.operator(1, "adopt", string(web), "--state", filepath.Join(r.dir, "garbage"), "--yes"); !strings.Contains(out, "no state of Terraform") {
		t.Errorf("it read garbage:\n%s", out)
	}
	if len(r.processes()) == 0 {
		t.Error("what ran does not run any more")
	}
}
