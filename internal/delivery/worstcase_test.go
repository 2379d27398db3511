package delivery_test

import (
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func TestWorstCaseOfAJudgement(t *testing.T) {
	t.Parallel()
	const overhead, minute = 10 * time.Second, service.Duration(time.Minute)
	analysis := &delivery.AnalysisSpec{InitialDelay: 2 * minute, MaxPause: 10 * minute}
	check := map[string]service.Check{
		"quick": {TCP: &service.TCPCheck{Timeout: service.Duration(time.Second)}}, "slow": {Command: &service.CommandCheck{Timeout: minute}},
	}
	for name, test := range map[string]struct {
		stage interface {
			WorstCase(mode service.Mode) time.Duration
		}
		mode service.Mode
		want time.Duration
	}{
		"steps alone":            {delivery.SplitSpec{Weight: 100, Steps: []delivery.Step{{5, 3 * minute}, {50, minute}}}, service.ModeUpdate, 4 * time.Minute},
		"judged for max_pause":   {delivery.SplitSpec{Weight: 100, Steps: []delivery.Step{{5, 3 * minute}}, Analysis: analysis}, service.ModeUpdate, 20 * time.Minute},
		"judged for the pause":   {delivery.SplitSpec{Weight: 5, Steps: []delivery.Step{{5, 20 * minute}}, Analysis: analysis}, service.ModeUpdate, 20 * time.Minute},
		"when confident":         {delivery.SplitSpec{Weight: 100, Analysis: analysis, Advance: delivery.WhenConfident}, service.ModeUpdate, 10 * time.Minute},
		"with checks":            {delivery.SplitSpec{Weight: 100, Steps: []delivery.Step{{5, 3 * minute}}, Checks: check, CheckInterval: minute}, service.ModeUpdate, 5 * time.Minute},
		"of a first release":     {delivery.SplitSpec{Weight: 100, Analysis: analysis, Checks: check}, service.ModeInstall, 0},
		"of a rollback":          {delivery.SplitSpec{Weight: 100, Analysis: analysis, Checks: check}, service.ModeRollback, 0},
		"a verification":         {delivery.VerificationSpec{Checks: check, Analysis: analysis, Duration: minute}, service.ModeUpdate, 11 * time.Minute},
		"a long verification":    {delivery.VerificationSpec{Analysis: analysis, Duration: 20 * minute}, service.ModeUpdate, 20 * time.Minute},
		"checks alone":           {delivery.VerificationSpec{Checks: check}, service.ModeUpdate, time.Minute},
		"verifying a rollback":   {delivery.VerificationSpec{Checks: check, Analysis: analysis}, service.ModeRollback, time.Minute},
		"verifying the first":    {delivery.VerificationSpec{Analysis: analysis}, service.ModeInstall, 10 * time.Minute},
		"a release":              {delivery.ReleaseSpec{Health: service.Health{HealthyDeadline: 5 * minute, MinHealthyTime: minute}}, service.ModeUpdate, 6 * time.Minute},
		"a release in 3 waves":   {delivery.ReleaseSpec{Health: service.Health{HealthyDeadline: 5 * minute, MinHealthyTime: minute}, Waves: 3}, service.ModeUpdate, 18 * time.Minute},
		"nothing to be verified": {delivery.VerificationSpec{}, service.ModeUpdate, 0},
	} {
		if got := test.stage.WorstCase(test.mode); got != test.want+overhead {
			t.Errorf("%s: got %s, want %s", name, got, test.want+overhead)
		}
	}
}

// The time that a release is given has room for what its plan does not know: to stop what runs in the place of each part, and to upload.
func TestTimeForStoppingAndUploading(t *testing.T) {
	t.Parallel()
	const drain = time.Hour
	for name, c := range map[string]struct {
		slots  []string
		router bool
		hosts  []string
		least  time.Duration
		most   time.Duration
	}{
		"one slot on three hosts":       {[]string{"blue"}, false, []string{"a", "b", "c"}, 3*drain + 5*time.Minute, 4 * drain},
		"two slots and no router":       {[]string{"blue", "green"}, false, []string{"a", "b", "c"}, drain + 5*time.Minute, 2 * drain},
		"a router stops nothing":        {[]string{"blue", "green"}, true, []string{"a", "b", "c"}, 5 * time.Minute, drain},
		"one slot, and nothing to load": {[]string{"blue"}, false, nil, drain, 2 * drain},
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
		_, events := told(t, objects)
		for _, e := range events {
			if e.Type == ledger.StageOpened && e.Stage == service.StageRelease && e.Release == releaseOf("2") {
				if given := e.Deadline.Sub(e.Time); given < c.least || given > c.most {
					t.Errorf("%s: it is given %s, want %s to %s", name, given, c.least, c.most)
				}
			}
		}
	}
}
