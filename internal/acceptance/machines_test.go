package acceptance_test

import (
	"strings"
	"testing"
)

// The whole procedure on three machines behind two HAProxy.
func TestMachines(t *testing.T) {
	r := newFleetRig(t)
	r.deploy(config{Version: "1"})
	r.runs("1")
	wantActions(t, r.plan(), map[string]string{})
	stop := r.traffic()
	r.deploy(config{Version: "2", Pause: "1s"})
	r.runs("2")
	wantActions(t, r.plan(), map[string]string{})
	r.write(failing("smoke_test", "3").hcl(r))
	if out := r.apply(1); !strings.Contains(out, "Release Rolled Back") {
		t.Errorf("a bad release: %s", out)
	}
	r.runs("2")
	r.deploy(config{Version: "1"}) // a rollback
	r.runs("1")
	seen := stop()
	t.Logf("%d requests", seen.requests)
	if len(seen.lost) > 0 {
		t.Errorf("%d of %d requests were lost: %v", len(seen.lost), seen.requests, seen.lost[:min(3, len(seen.lost))])
	}
}
