package acceptance_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// A unit that somebody wrote by hand is taken over as it runs. A bad first release goes back to it, and after a good one a rollback
// starts it again.
func TestMachinesTakenOver(t *testing.T) {
	r := newFleetRig(t)
	f := r.fleet
	f.byHand()
	existing := `      existing = { unit = "web.service", version = "0", slot = "blue" }` + "\n"
	f.more = existing
	started := f.startedByHand()
	stop := r.traffic()
	r.write(failing(service.StageSmokeTest, "1").hcl(r))
	out := r.apply(1)
	wantSaid(t, out, "Service Taken Over", "Release Rolled Back")
	r.runsByHand()
	if now := f.startedByHand(); now != started {
		t.Errorf("what was taken over was started anew: %s, before %s", now, started)
	}
	f.more = ""
	r.write(config{Version: "2", Pause: "1s"}.hcl(r))
	wantSaid(t, r.planFails(), "Existing Unit In Use", "web.service", "Nothing was changed")
	f.more = existing
	r.write(config{Version: "2", Pause: "1s"}.hcl(r))
	r.apply(0)
	r.runs("2")
	for _, h := range f.hosts {
		if h.Run(t, "systemctl is-active web.service || :") == "active\n" {
			t.Errorf("host %s: the unit still runs", h.Name)
		}
	}
	wantActions(t, r.plan(), map[string]string{})
	r.operator(0, "rollback", string(web), "--yes")
	r.runsByHand()
	if lost := stop().lost; len(lost) > 0 {
		t.Errorf("%d requests were lost: %v", len(lost), lost[:min(len(lost), 3)])
	}
	r.oneEndEach()
}

// byHand is what an administrator did before: the program, and a unit with a port of slot blue.
func (f *fleet) byHand() {
	f.t.Helper()
	program, err := os.ReadFile(built.web)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, h := range f.hosts {
		h.WriteFile(f.t, "/opt/web/web", string(program), 0o755)
		h.WriteFile(f.t, "/etc/systemd/system/web.service", fmt.Sprintf(`[Service]
ExecStart=/opt/web/web
Environment=PORT=%d DEPLOY_ADDRESS=%s DEPLOY_RELEASE=by-hand
Restart=always
[Install]
WantedBy=multi-user.target
`, f.ports["blue"], h.Address), 0o644)
		h.Run(f.t, "systemctl daemon-reload; systemctl enable --now web.service")
		f.t.Cleanup(func() {
			h.Run(f.t, "systemctl disable --now web.service; rm -rf /opt/web /etc/systemd/system/web.service; systemctl daemon-reload")
		})
	}
}

// startedByHand says when and as which processes the units run.
func (f *fleet) startedByHand() string {
	f.t.Helper()
	var all strings.Builder
	for _, h := range f.hosts {
		all.WriteString(h.Run(f.t, "systemctl show -p MainPID -p ActiveEnterTimestampMonotonic web.service"))
	}
	return all.String()
}

// runsByHand asserts that what was taken over runs, and nothing else.
func (r *rig) runsByHand() {
	r.t.Helper()
	stable := r.view(web).State.StableRelease()
	if stable == nil || stable.ID.Version() != "0" || len(stable.Placement.Instances) != len(r.fleet.hosts) {
		r.t.Fatalf("stable is %+v, want what was taken over, on each host", stable)
	}
	r.await("the release to be gone", func() bool { return r.running(web) == 0 })
	r.awaitWeights(map[string]int{"blue": 100, "green": 0})
	for _, url := range r.urls() {
		for range 10 {
			if body, code := get(url + "/"); code != 200 || !strings.Contains(body, "by-hand") {
				r.t.Errorf("%s answers %d %s", url, code, body)
			}
		}
	}
	for _, i := range stable.Placement.Instances {
		if body, code := get("http://" + i.Address + "/"); code != 200 || !strings.Contains(body, "by-hand") {
			r.t.Errorf("%s answers %d %s", i.Name, code, body)
		}
	}
}
