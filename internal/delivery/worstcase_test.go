package delivery_test

import (
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
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
		"with checks":            {delivery.SplitSpec{Weight: 100, Steps: []delivery.Step{{5, 3 * minute}}, Checks: check, CheckInterval: minute}, service.ModeUpdate, 3 * time.Minute},
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
