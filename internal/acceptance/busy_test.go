package acceptance_test

import (
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Two applies on one service: the second waits for as long as it may, then says for whom it waited and since when, and has touched
// nothing; the first does not notice.
func TestASecondApplyWaitsAndFailsCleanly(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	r.deploy(config{Version: "1"})
	first := r.inTheMiddle(service.StageTrafficSplit, "2")
	before := r.view(web).State

	second := r.elsewhere()
	second.env = append(slices.Clone(r.env), "DEPLOY_LOCK_WAIT=2s")
	second.write(config{Version: "3"}.hcl(r))
	out := flat(second.apply(1))
	wantSaid(t, out, "Service Busy", "production/web is worked on by", "(terraform, pid ", " since 20", "waited 2s for it", "lock.wait", "Nothing was changed")

	after := r.view(web)
	if a := after.State.OpenAttempt(); a == nil || a.Number != before.OpenAttempt().Number || a.Weight != 50 || !after.Alive {
		t.Errorf("the first apply does not go on: %+v", a)
	}
	// An operator's command is the same: a run like any other.
	if out := r.operator(1, "rollback", string(web), "--yes", "--wait", "1s"); !strings.Contains(out, "(terraform, pid ") || !strings.Contains(out, "at work on production/web since 20") || !strings.Contains(out, "Service Busy") {
		t.Errorf("rollback:\n%s", out)
	}
	if err := syscall.Kill(-first.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := r.wait(first); code != 1 || !strings.Contains(first.output.String(), "Release Rolled Back") {
		t.Errorf("the first apply exited with %d:\n%s", code, first.output.String())
	}
	r.runs("1")
	r.oneEndEach()
}

// The same apply twice, by two runs at once: one of them releases, once; the other one finds that done, or says that it came second.
func TestTheSameApplyTwiceAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, true)
	r.deploy(config{Version: "1"})
	second := r.elsewhere()
	stop := r.traffic()
	var runs []*running
	for _, rig := range []*rig{r, second} {
		rig.write(config{Version: "2"}.hcl(r))
		runs = append(runs, rig.start("apply", "-auto-approve", "-no-color", "-input=false"))
	}
	codes := []int{r.wait(runs[0]), second.wait(runs[1])}
	if !slices.Contains(codes, 0) {
		t.Errorf("no apply succeeded: %v\n%s\n%s", codes, runs[0].output.String(), runs[1].output.String())
	}
	if lost := stop().lost; len(lost) > 0 {
		t.Errorf("%d requests were lost: %v", len(lost), lost[:min(len(lost), 3)])
	}
	r.runs("2")
	r.oneEndEach()
	if n := len(r.view(web).State.Attempts); n != 2 {
		t.Errorf("%d attempts, want the first release and one of the second", n)
	}
	for _, rig := range []*rig{r, second} {
		wantActions(t, rig.plan(), map[string]string{})
	}
}
