package acceptance_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Two services in one configuration: one fails, the other is finalized, untouched by it.
func TestTwoServicesInOneConfiguration(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	orders := service.ID("production/orders")
	both := func(webVersion, ordersVersion string, ordersFault map[string]string) string {
		// One port each is enough: the one that fails has two slots.
		one := config{Version: webVersion, NoRouter: true, OneSlot: true}
		two := config{Name: "orders", Version: ordersVersion, Config: ordersFault, NoRouter: true, Extra: "second"}
		text := one.hcl(r)
		r.ports["blue"], r.ports["third"] = r.ports["third"], r.ports["blue"]
		text += two.hcl(r)
		r.ports["blue"], r.ports["third"] = r.ports["third"], r.ports["blue"]
		return text
	}
	r.ports["third"] = freePort(t)
	r.write(both("1", "1", nil))
	r.apply(0)
	r.write(both("2", "2", map[string]string{"FAULT": "never-healthy"}))
	if out := r.apply(1); strings.Count(out, "Error:") != 1 {
		t.Errorf("want one error:\n%s", out)
	}
	r.runsService(web, "2")
	r.runsService(orders, "1")
	r.write(both("2", "1", nil))
	wantActions(t, r.plan(), map[string]string{})
}

// Two applies at once on one service: one waits, then fails cleanly, or goes on where it has seen what the other did.
func TestTwoAppliesAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	r.deploy(config{Version: "1"})
	other := r.elsewhere()
	r.write(config{Version: "2", Pause: "3s"}.hcl(r))
	other.write(config{Version: "3", Pause: "3s"}.hcl(other))
	args := []string{"apply", "-auto-approve", "-no-color", "-input=false"}
	one, two := r.start(args...), other.start(args...)
	codes := []int{r.wait(one), r.wait(two)}
	versions := []string{"2", "3"}
	var passed []string
	for i, run := range []*running{one, two} {
		if codes[i] == 0 {
			passed = append(passed, versions[i])
		} else if !strings.Contains(run.output.String(), "Service Changed Since Plan") {
			t.Errorf("the one that lost says:\n%s", run.output.String())
		}
	}
	stands := r.view(web).State.Stable.Version()
	if !slices.Contains(passed, stands) {
		t.Fatalf("version %s stands, and those that went through are %q:\n%s\n%s", stands, passed, one.output.String(), two.output.String())
	}
	r.runs(stands)
	r.oneEndEach()
}

func TestSecondConfigurationIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	r.deploy(config{Version: "1"})
	other := r.elsewhere()
	if err := os.Remove(filepath.Join(other.dir, "terraform.tfstate")); err != nil {
		t.Fatal(err)
	}
	out := other.planFails()
	if !strings.Contains(out, "Already Managed") || !strings.Contains(out, "terraform import") {
		t.Errorf("refused for another reason:\n%s", out)
	}
	r.runs("1")
}

// Every resource is imported by its service's id, or a release's, and the next plan is empty.
func TestImport(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	r.deploy(config{Version: "1"})
	other := r.elsewhere()
	if err := os.Remove(filepath.Join(other.dir, "terraform.tfstate")); err != nil {
		t.Fatal(err)
	}
	release := string(r.view(web).State.Stable)
	for i, s := range append([]service.Stage{"service"}, service.Stages...) {
		id := string(web)
		if i > 0 && i%2 == 0 {
			id = release
		}
		if res := other.run("import", "-no-color", "-input=false", "deploy_"+string(s)+".web", id); res.code != 0 {
			t.Fatalf("import %s: %s", s, res.output)
		}
	}
	wantActions(t, other.plan(), map[string]string{})
	other.deploy(config{Version: "2"})
	other.runs("2")
}

// An old copy of the state heals by itself.
func TestOldState(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	r.deploy(config{Version: "1"})
	other := r.elsewhere()
	r.deploy(config{Version: "2"})
	r.deploy(config{Version: "3"})
	other.write(config{Version: "3"}.hcl(other))
	wantActions(t, other.plan(), map[string]string{})
}
