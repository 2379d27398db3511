package delivery_test

import (
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func TestWorstCase(t *testing.T) {
	t.Parallel()
	const (
		second, minute = service.Duration(time.Second), service.Duration(time.Minute)
		// What there is in each of them.
		overhead = time.Minute
		// Looks while a machine is silent for a minute, this one too, which is found in ten seconds, and the last of them.
		silence, sight = 70 * time.Second, 80 * time.Second
		// They are before each raise, with the weights, and at the end of each step.
		step = sight + 15*time.Second + sight
		// The weights of a slot that had no traffic: HAProxy's checks come first.
		weights, warmedUp = 15 * time.Second, 75 * time.Second
		// A release on three hosts: the upload, three waves that are begun, and the last look at them.
		far = 5*time.Minute + 3*30*time.Second + sight
	)
	analysis := &delivery.AnalysisSpec{InitialDelay: 2 * minute, MaxPause: 10 * minute}
	check := map[string]service.Check{
		"quick": {TCP: &service.TCPCheck{Timeout: second}}, "slow": {HTTP: &service.HTTPCheck{Timeout: minute}},
	}
	hosts := map[string]service.Host{"a": {}, "b": {}, "c": {}}
	proxied := service.Definition{
		Platform: service.Platform{Host: &service.HostPlatform{DrainTimeout: 20 * second, Hosts: hosts}},
		Router:   &service.Router{HAProxy: &service.HAProxyRouter{DrainTimeout: 40 * second}},
	}
	unrouted := proxied
	unrouted.Router = nil
	near := service.Definition{
		Platform: service.Platform{Host: &service.HostPlatform{DrainTimeout: 20 * second}}, Router: &service.Router{Caddy: &service.CaddyRouter{DrainTimeout: 40 * second}},
	}
	in := func(d service.Definition, mode service.Mode, interrupts bool) delivery.Circumstances {
		c := delivery.CircumstancesOf(d, interrupts)
		c.Mode = mode
		return c
	}
	unknown := delivery.Circumstances{Mode: service.ModeUpdate}
	release := delivery.ReleaseSpec{Health: service.Health{HealthyDeadline: 5 * minute, MinHealthyTime: minute}}
	walk := delivery.SplitSpec{Weight: 100, Steps: []delivery.Step{{5, 3 * minute}, {50, minute}}}
	for name, test := range map[string]struct {
		stage interface {
			WorstCase(c delivery.Circumstances) time.Duration
		}
		in   delivery.Circumstances
		want time.Duration
	}{
		"a preflight":              {delivery.PreflightSpec{Checks: check}, unknown, time.Minute},
		"a preflight on hosts":     {delivery.PreflightSpec{}, in(proxied, service.ModeUpdate, false), silence},
		"a preflight of no use":    {delivery.PreflightSpec{Checks: check}, in(proxied, service.ModeRollback, false), 0},
		"backups":                  {delivery.CheckpointSpec{Backups: map[string]service.Backup{"a": {}, "b": {Command: &service.CommandBackup{Timeout: minute}}}}, unknown, 11 * time.Minute},
		"a smoke test":             {delivery.SmokeTestSpec{Checks: check}, unknown, time.Minute},
		"steps alone":              {walk, unknown, weights + 4*time.Minute + 3*step},
		"steps on hosts":           {walk, in(proxied, service.ModeUpdate, false), warmedUp + 4*time.Minute + 3*step},
		"judged for max_pause":     {delivery.SplitSpec{Weight: 100, Steps: []delivery.Step{{5, 3 * minute}}, Analysis: analysis}, unknown, weights + 20*time.Minute + 2*step},
		"judged for the pause":     {delivery.SplitSpec{Weight: 5, Steps: []delivery.Step{{5, 20 * minute}}, Analysis: analysis}, unknown, weights + 20*time.Minute + step},
		"when confident":           {delivery.SplitSpec{Weight: 100, Analysis: analysis, Advance: delivery.WhenConfident}, unknown, weights + 10*time.Minute + step},
		"with checks":              {delivery.SplitSpec{Weight: 100, Steps: []delivery.Step{{5, 3 * minute}}, Checks: check, CheckInterval: minute}, unknown, weights + 3*time.Minute + 2*(2*time.Minute+10*time.Second) + 2*step},
		"of a first release":       {delivery.SplitSpec{Weight: 100, Analysis: analysis, Checks: check}, in(proxied, service.ModeInstall, false), warmedUp},
		"of a rollback":            {delivery.SplitSpec{Weight: 100, Analysis: analysis, Checks: check}, in(near, service.ModeRollback, false), weights},
		"a verification":           {delivery.VerificationSpec{Checks: check, Analysis: analysis, Duration: minute}, unknown, 11*time.Minute + sight},
		"a long verification":      {delivery.VerificationSpec{Analysis: analysis, Duration: 20 * minute}, in(proxied, service.ModeUpdate, false), 20*time.Minute + sight},
		"checks alone":             {delivery.VerificationSpec{Checks: check}, unknown, time.Minute},
		"verifying a rollback":     {delivery.VerificationSpec{Checks: check, Analysis: analysis}, in(near, service.ModeRollback, false), time.Minute},
		"verifying the first":      {delivery.VerificationSpec{Analysis: analysis}, in(near, service.ModeInstall, false), 10*time.Minute + sight},
		"nothing to be verified":   {delivery.VerificationSpec{}, unknown, 0},
		"a release":                {release, in(near, service.ModeUpdate, false), 6*time.Minute + sight},
		"a release on hosts":       {release, in(proxied, service.ModeUpdate, false), far + 18*time.Minute},
		"the first one there":      {release, in(proxied, service.ModeInstall, false), far + 18*time.Minute + warmedUp},
		"in the place of another":  {release, in(unrouted, service.ModeUpdate, true), far + 18*time.Minute + 3*20*time.Second},
		"beside another, unrouted": {release, in(unrouted, service.ModeUpdate, false), far + 18*time.Minute + 20*time.Second},
		"taken over":               {delivery.ReleaseSpec{}, in(near, service.ModeUpdate, false), 5*time.Minute + sight},
		"slow to answer":           {delivery.ReleaseSpec{Health: service.Health{HealthyDeadline: 5 * minute, Timeout: minute}}, in(near, service.ModeUpdate, false), 5*time.Minute + 3*61*time.Second},
		"a slow one finalized":     {delivery.FinalizationSpec{}, delivery.Circumstances{Mode: service.ModeUpdate, Probe: minute}, 3*61*time.Second + 60*time.Second},
		"a rollback":               {release, in(near, service.ModeRollback, false), 5*time.Minute + sight + weights + 60*time.Second},
		"a rollback on hosts":      {release, in(proxied, service.ModeRollback, false), far + 5*time.Minute + warmedUp + 60*time.Second},
		"a rollback in place":      {release, in(unrouted, service.ModeRollback, true), far + 15*time.Minute + 3*20*time.Second},
		"a finalization":           {delivery.FinalizationSpec{}, unknown, sight + 60*time.Second},
		"baking on hosts":          {delivery.FinalizationSpec{BakeTime: 10 * minute}, in(proxied, service.ModeUpdate, false), 10*time.Minute + sight + sight + 60*time.Second},
		"finalizing a rollback":    {delivery.FinalizationSpec{BakeTime: 10 * minute}, in(near, service.ModeRollback, false), 60 * time.Second},
	} {
		if got := test.stage.WorstCase(test.in); got != test.want+overhead {
			t.Errorf("%s: got %s, want %s", name, got, test.want+overhead)
		}
	}
}

// The time that a release is given is what its plan shows, and where the plan did not know the service, what it would have shown: with time to
// stop what runs in the place of each part, and to upload.
func TestTimeForStoppingAndUploading(t *testing.T) {
	t.Parallel()
	const drain = time.Hour
	for name, c := range map[string]struct {
		slots  []string
		router bool
		hosts  []string
		// stops is how often something is stopped.
		stops time.Duration
	}{
		"one slot on three hosts":       {[]string{"blue"}, false, []string{"a", "b", "c"}, 3},
		"two slots and no router":       {[]string{"blue", "green"}, false, []string{"a", "b", "c"}, 1},
		"a router stops nothing":        {[]string{"blue", "green"}, true, []string{"a", "b", "c"}, 0},
		"one slot, and nothing to load": {[]string{"blue"}, false, nil, 1},
	} {
		w, objects := newWorld(), newMemoryStore()
		w.slots, w.router = c.slots, c.router
		p := newProvider(t, w, objects)
		p.platform = onHosts(c.hosts...)
		p.platform.Host.DrainTimeout = service.Duration(drain)
		if c.router {
			p.router = &service.Router{}
		}
		for _, version := range []string{"1", "2"} {
			if err := p.apply(t.Context(), version); err != nil {
				t.Fatal(err)
			}
		}
		p.close()
		shown := delivery.CircumstancesOf(service.Definition{Platform: p.platform, Router: p.router}, len(c.slots) == 1)
		shown.Mode = service.ModeUpdate
		want := delivery.ReleaseSpec{Health: quickHealth}.WorstCase(shown)
		if want < c.stops*drain || want > (c.stops+1)*drain {
			t.Errorf("%s: a plan shows %s", name, want)
		}
		_, events := told(t, objects)
		for _, e := range events {
			if e.Type == ledger.StageOpened && e.Stage == service.StageRelease && e.Release == releaseOf("2") {
				if given := e.Deadline.Sub(e.Time); given > want || given < want-time.Second {
					t.Errorf("%s: it is given %s, and a plan shows %s", name, given, want)
				}
			}
		}
	}
}

// The times of a release's stages are by what is recorded of it: how long its instances may take to answer, and where it stands, what is
// missing of it and of stable may be started, one after the other.
func TestTimeForWhatIsRecorded(t *testing.T) {
	t.Parallel()
	for _, probe := range []time.Duration{0, 10 * time.Minute} {
		w, objects := newWorld(), newMemoryStore()
		p := newProvider(t, w, objects)
		p.probeTimeout = probe
		for _, version := range []string{"1", "2", "2"} {
			weight := 100
			if version == "2" {
				weight = 25
			}
			if err := p.applyWith(t.Context(), version, delivery.SplitSpec{Weight: weight}); err != nil {
				t.Fatal(err)
			}
		}
		p.close()
		_, events := told(t, objects)
		given := map[service.Stage]time.Duration{}
		for _, e := range events {
			if e.Type == ledger.StageOpened && e.Release == releaseOf("2") {
				given[e.Stage] = e.Deadline.Sub(e.Time)
			}
		}
		if probe == 0 && given[service.StageRelease] < 2*2*70*time.Second {
			t.Errorf("a release that stands is given %s beside stable", given[service.StageRelease])
		}
		if given[service.StageTrafficSplit] < 3*probe {
			t.Errorf("the split of one that has %s to answer is given %s", probe, given[service.StageTrafficSplit])
		}
	}
}
