package service

import (
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// A service where something is to be stopped still is not ready, whatever came to nothing since, so that the next plan has an apply that does.
func TestStatusWhileSomethingIsToBeStopped(t *testing.T) {
	t.Parallel()
	const stable, other = service.ReleaseID("production/web/2-00000002"), service.ReleaseID("production/web/1-00000001")
	on := func(r service.ReleaseID) service.Release {
		return service.Release{ID: r, Placement: service.Placement{Release: r, Slot: "blue", Instances: []service.Instance{{Name: "blue/0"}}}}
	}
	attempts := []ledger.Attempt{{Number: 1, Release: stable, End: service.EndFinalized}, {Number: 2, Release: other, End: service.EndRestored}}
	for name, c := range map[string]struct {
		change func(*ledger.View)
		want   string
	}{
		"nothing":   {func(*ledger.View) {}, statusReady},
		"untidied":  {func(v *ledger.View) { v.State.Untidy = 1 }, statusInterrupted},
		"left out":  {func(v *ledger.View) { v.State.LeftOut = []service.Placement{on(other).Placement} }, statusInterrupted},
		"remaining": {func(v *ledger.View) { v.State.Releases[other] = on(other) }, statusInterrupted},
		"at work":   {func(v *ledger.View) { v.Alive, v.State.Untidy = true, 1 }, statusReady},
	} {
		view := ledger.View{State: ledger.State{Attempts: attempts, Stable: stable, Releases: map[service.ReleaseID]service.Release{stable: on(stable)}}}
		c.change(&view)
		if got := statusOf(view); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
