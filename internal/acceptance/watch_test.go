package acceptance_test

import (
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// A candidate that goes bad while it is parked between two pull requests is rolled back by the guard, and a plan offers it again
// with a warning.
func TestGuardRollsAParkedCandidateBack(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	r.deploy(config{Version: "1"})
	stop := r.traffic()
	faulty, fail := r.failsOnCommand()
	// The first pull request parks it, while it is good.
	r.deploy(config{Version: "2", Weight: 25, Fails: service.StageFinalization, Config: faulty,
		Without: map[service.Stage]bool{service.StageVerification: true, service.StageFinalization: true}})
	if a := r.view(web).State.OpenAttempt(); a == nil || a.Weight != 25 {
		t.Fatalf("nothing is parked at 25 %%: %+v", a)
	}
	fail()
	out := r.operator(1, "watch", string(web), "--guard", "--yes")
	for _, want := range []string{"Release Rolled Back", "errors", "all traffic is with production/web/1-"} {
		if !strings.Contains(out, want) {
			t.Errorf("the guard does not say %q:\n%s", want, out)
		}
	}
	r.runs("1")
	if lost := withoutBadAnswers(stop().lost); len(lost) > 0 {
		t.Errorf("%d requests were lost: %v", len(lost), lost[:min(len(lost), 3)])
	}
	if out := r.plan().text; !strings.Contains(out, "Release Failed Before") {
		t.Errorf("the plan does not warn:\n%s", out)
	}
	if out := r.operator(0, "watch", string(web)); !strings.Contains(out, "stable: production/web/1-") {
		t.Errorf("watch does not say what stands:\n%s", out)
	}
	if out := r.operator(1, "watch", "production/nobody"); !strings.Contains(out, "its services are production/web") {
		t.Errorf("it does not list the services:\n%s", out)
	}
}
