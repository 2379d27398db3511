package stage

import (
	"maps"
	"slices"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Facts are what plans need to know of the ledger beside the state. They are kept in private state, since a state that
// repeated what later stages change would drift with every success. A refresh renews them.
type Facts struct {
	// StoreID is the identity of the store that the ledger lies in.
	StoreID string `json:"store_id"`
	// Owner is the token by which the ledger knows this resource.
	Owner string `json:"owner"`
	// Seen is the newest attempt that stood, 0 for none.
	Seen int `json:"seen,omitempty"`
	// SeenOpen: a refresh saw that attempt under way or waiting. What was planned then is not for a world in which it has been finalized.
	SeenOpen bool `json:"seen_open,omitempty"`
	// Stable carries the traffic and Kept are kept ready, newest first.
	Stable service.ReleaseID   `json:"stable,omitempty"`
	Kept   []service.ReleaseID `json:"kept,omitempty"`
	// Carries is what a release introduced now would replace: Stable, or the candidate that has all of the traffic already.
	Carries service.ReleaseID `json:"carries,omitempty"`
	// Introduced says how the open attempt's release is being introduced, or how the one that is stable was.
	Introduced map[service.ReleaseID]service.Mode `json:"introduced,omitempty"`
	// Mode in which the state's release was introduced.
	Mode service.Mode `json:"mode,omitempty"`
	// Slots of the service's platform in order, and whether it has a router.
	Slots  []string `json:"slots,omitempty"`
	Router bool     `json:"router,omitempty"`
	// Circumstances that a stage's time depends on, as far as the service's definition says them.
	Circumstances delivery.Circumstances `json:"circumstances,omitzero"`
	// ExpectedWeights are what the router should say, by slot in whole percent, where a refresh found that it says something
	// else; nil where all is well. Set by the stage that owns the weights.
	ExpectedWeights map[string]int `json:"expected_weights,omitempty"`
}

// Known tells whether there are facts at all: the object is, or was until its replacement, in the state.
func (f Facts) Known() bool { return f.Owner != "" }

// ModeOf tells how a release is, or would be, introduced; empty without facts.
func (f Facts) ModeOf(release service.ReleaseID) service.Mode {
	if mode, introduced := f.Introduced[release]; introduced {
		return mode
	}
	switch {
	case !f.Known():
		return ""
	case f.Carries == "":
		return service.ModeInstall
	case release == f.Stable, slices.Contains(f.Kept, release):
		return service.ModeRollback
	}
	return service.ModeUpdate
}

// observe notes what a view of the ledger shows.
func (f *Facts) observe(view ledger.View) {
	state := &view.State
	f.Seen, f.Introduced = 0, nil
	f.Stable, f.Kept, f.Carries = state.Stable, state.Kept, state.Stable
	if a := newestStanding(view); a != nil {
		f.Seen = a.Number
		if a.Open() || a.Release == state.Stable {
			f.Introduced = map[service.ReleaseID]service.Mode{a.Release: a.Mode}
		}
		if a.Open() && a.Judged == 100 && view.Standing(service.StageFinalization) == nil {
			// Without a finalization the next release finalizes this one first, and keeps the one before it.
			f.Carries, f.Kept = a.Release, nil
		}
	}
	f.Slots, f.Router, f.Circumstances = nil, false, delivery.Circumstances{}
	if d := state.Definition; d != nil {
		f.Router = d.Router != nil
		f.Slots = slotsOf(*d)
		f.Circumstances = delivery.CircumstancesOf(*d, len(f.Slots) == 1)
	}
}

func newestStanding(view ledger.View) *ledger.Attempt {
	attempts := view.State.Attempts
	for i := len(attempts) - 1; i >= 0; i-- {
		if attempts[i].Stands() && attempts[i].Number != view.Void() {
			return &attempts[i]
		}
	}
	return nil
}

func slotsOf(d service.Definition) []string {
	if d.Platform.Host == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(d.Platform.Host.Slots))
}
