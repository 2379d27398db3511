package acceptance_test

import "testing"

// A release whose command before its program fails cannot start: that speaks against it, and it is not tried for ever.
func TestMachinesBeforeFails(t *testing.T) {
	r := newFleetRig(t)
	r.deploy(config{Version: "1"})
	r.fleet.more = "      systemd = { before = [[\"/bin/sh\", \"-c\", \"echo cannot migrate; exit 7\"]] }\n"
	r.write(config{Version: "2"}.hcl(r))
	wantSaid(t, r.apply(1), "Release Rolled Back", "died while it started", "what is run before it (systemd.before) ended with exit status 7", "cannot migrate")
	r.runs("1")
	counted := 0
	for release, n := range r.view(web).State.Failures {
		if release.Version() == "2" {
			counted += n
		}
	}
	if counted != 1 {
		t.Errorf("%d failures on evidence, want 1", counted)
	}
}
