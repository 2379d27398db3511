package trafficsplit

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/stage"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// export leaves what was planned as known: then no weight was moved.
func export(m *model, exports delivery.Exports) {
	if m.Weights.IsNull() || m.Weights.IsUnknown() {
		m.Weights = toWeights(exports.Weights)
	}
	if m.Promoted.IsNull() || m.Promoted.IsUnknown() {
		m.Promoted = types.StringValue(string(exports.Promoted))
	}
	m.Judgement = m.toJudgement(context.Background())
}

// recorded notes that a release which became the stable one has all of the traffic, however it came there.
func recorded(m *model, view ledger.View, _ *model) {
	if view.State.Stable != "" && m.Release.ValueString() == string(view.State.Stable) {
		m.Promoted = m.Release
	}
}

// refresh shows the weights that the data plane has, and notes those that it should have where they differ: the next plan
// repairs them. While a stage is under way, or was interrupted and is to be recovered, the weights are in motion: then
// they read as what the ledger says they come to.
func refresh(m *model, refreshed delivery.Refreshed, facts *stage.Facts) {
	live := refreshed.Snapshot.Weights
	if live == nil {
		return
	}
	expected := complete(expectedWeights(*m, refreshed.View), live)
	if expected == nil {
		m.Weights = toWeights(live)
		return
	}
	if inMotion(refreshed.View) {
		m.Weights = toWeights(expected)
		return
	}
	m.Weights = toWeights(live)
	if !same(live, expected) {
		facts.ExpectedWeights = expected
	}
}

func inMotion(view ledger.View) bool {
	a := view.State.OpenAttempt()
	return view.Interrupted() != nil || a != nil && a.Busy()
}

// expectedWeights are what the ledger says, with the declared weight for a candidate that passed this split: one that was
// paused on the way to a weight that is no longer wanted goes back.
func expectedWeights(m model, view ledger.View) map[string]int {
	state := &view.State
	a, candidate, stable := state.OpenAttempt(), state.Candidate(), state.StableRelease()
	if view.Interrupted() == nil && candidate != nil && stable != nil && candidate.Placement.Slot != stable.Placement.Slot &&
		service.ReleaseID(m.Release.ValueString()) == a.Release {
		weight := int(m.Weight.ValueInt64())
		return map[string]int{candidate.Placement.Slot: weight, stable.Placement.Slot: 100 - weight}
	}
	return delivery.ExpectedWeights(view)
}

// complete names the slots that the data plane names, so that the split can come out as planned.
func complete(expected, live map[string]int) map[string]int {
	if expected == nil {
		return nil
	}
	whole := map[string]int{}
	for slot := range live {
		whole[slot] = 0
	}
	for slot, weight := range expected {
		whole[slot] = weight
	}
	return whole
}
