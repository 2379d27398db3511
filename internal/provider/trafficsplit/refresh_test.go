package trafficsplit

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/stage"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// at is a service whose stable release is in blue, with a candidate in green at a weight.
func at(weight int, change func(*ledger.State)) ledger.View {
	release := func(id service.ReleaseID, slot string) service.Release {
		return service.Release{ID: id, Placement: service.Placement{Release: id, Slot: slot}}
	}
	s := ledger.State{
		Definition: &service.Definition{Platform: service.Platform{Host: &service.HostPlatform{Slots: map[string]service.HostSlot{"blue": {}, "green": {}}}}},
		Stable:     old,
		Releases:   map[service.ReleaseID]service.Release{old: release(old, "blue"), one: release(one, "green")},
		Attempts:   []ledger.Attempt{{Number: 2, Release: one, Mode: service.ModeUpdate, Executing: true, StageOpenedAt: time.Unix(1, 0), Weight: weight}},
	}
	if change != nil {
		change(&s)
	}
	return ledger.View{State: s, Now: time.Unix(0, 0)}
}

func TestRefresh(t *testing.T) {
	type split = map[string]int
	alone := func(s *ledger.State) { s.Attempts[0].End = service.EndFinalized }
	tests := map[string]struct {
		release string
		weight  int64
		view    ledger.View
		live    split
		weights split
		// expected by the facts; nil: no drift.
		expected split
	}{
		"as declared":                 {one, 25, at(25, nil), split{"blue": 75, "green": 25}, split{"blue": 75, "green": 25}, nil},
		"moved by hand":               {one, 25, at(25, nil), split{"blue": 10, "green": 90}, split{"blue": 10, "green": 90}, split{"blue": 75, "green": 25}},
		"paused on the way to more":   {one, 25, at(50, nil), split{"blue": 50, "green": 50}, split{"blue": 50, "green": 50}, split{"blue": 75, "green": 25}},
		"paused before it passed":     {old, 100, at(5, nil), split{"blue": 95, "green": 5}, split{"blue": 95, "green": 5}, nil},
		"stable at a declared 25":     {old, 25, at(0, alone), split{"blue": 100, "green": 0}, split{"blue": 100, "green": 0}, nil},
		"stable, moved by hand":       {old, 25, at(0, alone), split{"blue": 60, "green": 40}, split{"blue": 60, "green": 40}, split{"blue": 100, "green": 0}},
		"a slot that nobody names":    {old, 100, at(0, alone), split{"blue": 100}, split{"blue": 100}, nil},
		"interrupted in the middle":   {old, 100, at(25, func(s *ledger.State) { s.Attempts[0].Stage = service.StageTrafficSplit }), split{"blue": 75, "green": 25}, split{"blue": 100, "green": 0}, nil},
		"first release, declared 25":  {one, 25, at(100, func(s *ledger.State) { s.Stable = "" }), split{"blue": 0, "green": 100}, split{"blue": 0, "green": 100}, nil},
		"first release moved by hand": {one, 25, at(100, func(s *ledger.State) { s.Stable = "" }), split{"blue": 5, "green": 95}, split{"blue": 5, "green": 95}, split{"blue": 0, "green": 100}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m, facts := *state(test.release, test.weight, old, nil), stage.Facts{}
			refresh(&m, delivery.Refreshed{View: test.view, Snapshot: service.Snapshot{Weights: test.live}}, &facts)
			if diff := cmp.Diff(test.weights, fromWeights(m.Weights)); diff != "" {
				t.Errorf("weights (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(test.expected, facts.ExpectedWeights); diff != "" {
				t.Errorf("expected weights (-want +got)\n%s", diff)
			}
		})
	}
}

func TestRefreshOfWhatCouldNotBeSeen(t *testing.T) {
	m := *state(one, 25, old, map[string]int{"blue": 75, "green": 25})
	want := m.Weights
	refresh(&m, delivery.Refreshed{View: at(50, nil)}, &stage.Facts{})
	if !m.Weights.Equal(want) {
		t.Errorf("got %s, want what was known before, %s", m.Weights, want)
	}
}

func TestExport(t *testing.T) {
	exports := delivery.Exports{Weights: map[string]int{"blue": 100}, Promoted: old}
	fresh := model{Weights: types.MapUnknown(types.Int64Type), Promoted: types.StringNull()}
	export(&fresh, exports)
	if fresh.Promoted.ValueString() != old || fromWeights(fresh.Weights)["blue"] != 100 {
		t.Errorf("got %s and %s, want what was exported", fresh.Promoted, fresh.Weights)
	}
	planned := *state(one, 100, one, map[string]int{"green": 100})
	export(&planned, exports)
	if planned.Promoted.ValueString() != one || fromWeights(planned.Weights)["green"] != 100 {
		t.Errorf("got %s and %s, want what was planned", planned.Promoted, planned.Weights)
	}
}

func TestRecorded(t *testing.T) {
	m := *state(old, 25, "production/web/0.9.0-99999999", nil)
	recorded(&m, at(25, nil), nil)
	if m.Promoted.ValueString() != old {
		t.Errorf("promoted is %s, and the stable release is %s", m.Promoted, old)
	}
	m = *state(one, 25, old, nil)
	recorded(&m, at(25, nil), nil)
	if m.Promoted.ValueString() != old {
		t.Errorf("promoted is %s while the candidate is at 25, want %s", m.Promoted, old)
	}
}
