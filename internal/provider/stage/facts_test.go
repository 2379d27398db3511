package stage

import (
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const v3 = "production/web/3.0.0-00000003"

// The mode that a plan shows must be the one that the procedure finds (ledger.State.Wanted), after what it does first.
func TestModeOf(t *testing.T) {
	finalized := func(number int, release service.ReleaseID, mode service.Mode) ledger.Attempt {
		return ledger.Attempt{Number: number, Release: release, Mode: mode, End: service.EndFinalized}
	}
	open := func(number int, release service.ReleaseID, weight int) ledger.Attempt {
		return ledger.Attempt{Number: number, Release: release, Mode: service.ModeUpdate, Weight: weight, Judged: weight, Executing: true, StageOpenedAt: time.Unix(1, 0)}
	}
	interrupted := open(2, v2, 25)
	interrupted.Stage = service.StageTrafficSplit
	first := finalized(1, v1, service.ModeInstall)
	for name, test := range map[string]struct {
		state ledger.State
		want  map[service.ReleaseID]service.Mode
		seen  int
		// carries is what a new release would replace.
		carries service.ReleaseID
	}{
		"nothing yet": {ledger.State{}, map[service.ReleaseID]service.Mode{v1: service.ModeInstall}, 0, ""},
		"one stands": {
			ledger.State{Stable: v1, Attempts: []ledger.Attempt{first}},
			map[service.ReleaseID]service.Mode{v1: service.ModeInstall, v2: service.ModeUpdate}, 1, v1,
		},
		"one is kept": {
			ledger.State{Stable: v2, Kept: []service.ReleaseID{v1}, Attempts: []ledger.Attempt{first, finalized(2, v2, service.ModeUpdate)}},
			map[service.ReleaseID]service.Mode{v1: service.ModeRollback, v2: service.ModeUpdate, v3: service.ModeUpdate}, 2, v2,
		},
		"candidate at 25": {
			ledger.State{Stable: v1, Attempts: []ledger.Attempt{first, open(2, v2, 25)}},
			map[service.ReleaseID]service.Mode{v1: service.ModeRollback, v2: service.ModeUpdate, v3: service.ModeUpdate}, 2, v1,
		},
		"candidate at 100, not finalized": {
			ledger.State{Stable: v1, Kept: []service.ReleaseID{v3}, Attempts: []ledger.Attempt{first, open(2, v2, 100)}},
			map[service.ReleaseID]service.Mode{v1: service.ModeRollback, v2: service.ModeUpdate, v3: service.ModeUpdate}, 2, v2,
		},
		"first release at 100, not finalized": {
			ledger.State{Attempts: []ledger.Attempt{{Number: 1, Release: v1, Mode: service.ModeInstall, Weight: 100, Judged: 100, Executing: true, StageOpenedAt: time.Unix(1, 0)}}},
			map[service.ReleaseID]service.Mode{v1: service.ModeInstall, v2: service.ModeUpdate}, 1, v1,
		},
		"interrupted": {
			ledger.State{Stable: v1, Attempts: []ledger.Attempt{first, interrupted}},
			map[service.ReleaseID]service.Mode{v1: service.ModeInstall, v2: service.ModeUpdate}, 1, v1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			facts := Facts{Owner: "me"}
			facts.observe(ledger.View{State: test.state})
			for release, want := range test.want {
				if got := facts.ModeOf(release); got != want {
					t.Errorf("%s: got %s, want %s", release.Label(), got, want)
				}
			}
			if facts.Seen != test.seen || facts.Carries != test.carries {
				t.Errorf("seen %d, carries %s; want %d, %s", facts.Seen, facts.Carries, test.seen, test.carries)
			}
		})
	}
}

func TestWithoutFactsNothingIsKnown(t *testing.T) {
	if mode := (Facts{Stable: v1}).ModeOf(v2); mode != "" {
		t.Errorf("got %s", mode)
	}
}

// What a plan shows as the longest time of a stage is by the hosts and the router that the service has.
func TestCircumstances(t *testing.T) {
	facts := Facts{Owner: "me", Circumstances: delivery.Circumstances{Waves: 7}}
	facts.observe(ledger.View{State: ledger.State{Definition: &service.Definition{
		Platform: service.Platform{Host: &service.HostPlatform{
			Slots: map[string]service.HostSlot{"blue": {}}, Hosts: map[string]service.Host{"a": {}, "b": {}}, MaxParallel: 2, DrainTimeout: service.Duration(time.Minute),
		}},
		Router: &service.Router{HAProxy: &service.HAProxyRouter{DrainTimeout: service.Duration(time.Second)}},
	}}})
	want := delivery.Circumstances{
		Waves: 2, Hosts: true, Interrupts: true, Stop: service.Duration(time.Minute), Drain: service.Duration(time.Second), WarmUp: service.Duration(service.HAProxyWarmUp),
	}
	if facts.Circumstances != want {
		t.Errorf("got %+v, want %+v", facts.Circumstances, want)
	}
	facts.observe(ledger.View{})
	if facts.Circumstances != (delivery.Circumstances{}) {
		t.Errorf("of a service that is not there: %+v", facts.Circumstances)
	}
}
