package acceptance_test

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/machinetest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store/cloudtest"
)

// Stores and routers that do not answer, in the middle of a release. They are runs of the crash matrix as well (fault_test.go).

// behindProxy is a rig whose store is a real S3 server, behind a network that can be spoilt.
func behindProxy(t *testing.T) (*rig, *cloudtest.Proxy) {
	t.Helper()
	endpoint := cloudtest.S3(t)
	cloudtest.CreateS3Bucket(t, endpoint, "releases")
	network := cloudtest.Before(t, strings.TrimPrefix(endpoint, "http://"))
	r := newRig(t, true)
	// Long enough for a slow machine to give the traffic back in the part of it that is left then.
	r.env = append(r.env, "DEPLOY_LOCK_LEASE=15s")
	r.storeURL = "s3://releases/ours?use_path_style=true&endpoint=" + url.QueryEscape("http://"+network.Address)
	return r, network
}

// cutOff spoils the network in the middle of a split: the traffic goes back to stable before anybody else can have the lease, the
// apply fails, and with a network again a recovery puts the rest right.
func cutOff(spoil, mend func(*cloudtest.Proxy)) func(*testing.T) {
	return func(t *testing.T) {
		r, network := behindProxy(t)
		r.deploy(config{Version: "1"})
		stop := r.traffic()
		run := r.inTheMiddle(service.StageTrafficSplit, "2")
		spoil(network)
		r.await("the traffic to be with stable", func() bool { return strings.TrimSpace(readAll(r.ShareFile())) == "0000" })
		if code := r.wait(run); code != 1 {
			t.Errorf("terraform exited with %d:\n%s", code, run.output.String())
		}
		mend(network)
		r.await("the run's lease to be over", func() bool { return !r.view(web).Alive })
		r.operator(0, "recover", string(web), "--yes")
		r.runs("1")
		r.deploy(config{Version: "2"})
		r.runs("2")
		wantActions(t, r.plan(), map[string]string{})
		if lost := stop().lost; len(lost) > 0 {
			t.Errorf("%d requests were lost: %v", len(lost), lost[:min(len(lost), 3)])
		}
		r.oneEndEach()
	}
}

// spoilt releases and rolls back over a network that is bad: in the end it is done, and an apply that was cut short says so and leaves
// what ran before.
func spoilt(spoil func(*cloudtest.Proxy)) func(*testing.T) {
	return func(t *testing.T) {
		r, network := behindProxy(t)
		spoil(network)
		before := ""
		for _, version := range []string{"1", "2", "1"} {
			r.write(config{Version: version}.hcl(r))
			for try := 1; ; try++ {
				res := r.run("apply", "-auto-approve", "-no-color", "-input=false")
				if res.code == 0 {
					break
				}
				if stable := r.view(web).State.Stable; try == 5 || stable.Version() != before && stable != "" {
					t.Fatalf("apply %d of %s exited with %d, and %q is stable:\n%s", try, version, res.code, stable, res.output)
				}
				r.await("the run's lease to be over", func() bool { return !r.view(web).Alive })
			}
			r.runs(version)
			before = version
			wantActions(t, r.plan(), map[string]string{})
		}
		r.oneEndEach()
	}
}

func unreachable() []fault {
	none := time.Duration(0).Nanoseconds()
	return []fault{
		{name: "store/unreachable", sampled: true, run: cutOff(
			func(p *cloudtest.Proxy) { p.Unreachable.Store(true) }, func(p *cloudtest.Proxy) { p.Unreachable.Store(false) })},
		{name: "store/stuck", run: cutOff(
			func(p *cloudtest.Proxy) { p.Delay.Store(time.Hour.Nanoseconds()) }, func(p *cloudtest.Proxy) { p.Delay.Store(none) })},
		{name: "store/slow", run: spoilt(func(p *cloudtest.Proxy) { p.Delay.Store((100 * time.Millisecond).Nanoseconds()) })},
		{name: "store/answers-lost", run: spoilt(func(p *cloudtest.Proxy) { p.LoseAnswers.Store(true) })},
		{name: "router/gone", run: routerGone},
		{name: "router/stuck", sampled: true, run: routerStuck},
	}
}

// routerGone ends the router in the middle of a split and interrupts the run: what is restored without it holds when it is back.
func routerGone(t *testing.T) {
	r := newRig(t, true)
	r.deploy(config{Version: "1"})
	run := r.inTheMiddle(service.StageTrafficSplit, "2")
	r.caddy.Stop(t)
	if err := syscall.Kill(-run.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := r.wait(run); code != 1 {
		t.Errorf("terraform exited with %d:\n%s", code, run.output.String())
	}
	r.caddy.Restart(t)
	r.runs("1")
	r.deploy(config{Version: "2"})
	r.runs("2")
	wantActions(t, r.plan(), map[string]string{})
	r.oneEndEach()
}

// routerStuck has the router take no weights during a restore: the restore fails and says so, nothing is taken away from under the
// traffic, the service takes no release, and once the router is mended a recovery finishes it.
func routerStuck(t *testing.T) {
	r := newRig(t, true)
	r.deploy(config{Version: "1"})
	stop := r.traffic()
	run := r.inTheMiddle(service.StageTrafficSplit, "2")
	share := r.ShareFile()
	aside := share + ".aside"
	// Caddy goes on with what the directory's file says: the file is only moved out of the provider's reach.
	if err := os.Rename(share, aside); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(share, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(-run.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := r.wait(run); code != 1 || !strings.Contains(run.output.String(), "Restore Failed") {
		t.Errorf("terraform exited with %d:\n%s", code, run.output.String())
	}
	if n := len(r.processesOf(web)); n != 2 {
		t.Errorf("%d releases run, want both: the traffic could not be moved", n)
	}
	r.write(config{Version: "2"}.hcl(r))
	if p := r.plan(); p.actions()["service"] != "update" {
		t.Errorf("the plan does not show what is broken: %v", p.actions())
	}
	if err := os.Remove(share); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(aside, share); err != nil {
		t.Fatal(err)
	}
	r.operator(0, "recover", string(web), "--yes")
	r.runs("1")
	r.apply(0)
	r.runs("2")
	wantActions(t, r.plan(), map[string]string{})
	if lost := stop().lost; len(lost) > 0 {
		t.Errorf("%d requests were lost: %v", len(lost), lost[:min(len(lost), 3)])
	}
	r.oneEndEach()
}

// The servers' credentials are the same for all, so that tests with them can be parallel.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == asApart {
		os.Exit(apart(os.Args[2:]))
	}
	for name, value := range cloudtest.S3Environment() {
		if err := os.Setenv(name, value); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(machinetest.Main(m))
}
