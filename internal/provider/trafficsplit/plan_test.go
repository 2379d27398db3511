package trafficsplit

import (
	"context"
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/stage"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/whole"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const (
	old   = "production/web/1.0.0-00000000"
	one   = "production/web/1.1.0-11111111"
	other = "production/web/1.2.0-22222222"
)

func state(release string, weight int64, promoted string, weights map[string]int) *model {
	return &model{
		Common: stage.Common{Release: types.StringValue(release)}, Weight: whole.Number{Int64Value: types.Int64Value(weight)},
		Promoted: types.StringValue(promoted), Weights: toWeights(weights),
	}
}

// wanted is a plan as the frame hands it on: computed attributes are prior ones where the release stays, else unknown.
func wanted(release types.String, weight types.Int64, prior *model) stage.Planning[model] {
	m := model{
		Common: stage.Common{Release: release}, Weight: whole.Number{Int64Value: weight},
		Promoted: types.StringUnknown(), Weights: types.MapUnknown(types.Int64Type),
	}
	p := stage.Planning[model]{Prior: prior, Plan: &m, ReleaseChanges: stage.Changed, ArgumentsChange: true}
	switch {
	case release.IsUnknown():
		p.ReleaseChanges = stage.ChangeUnknown
	case prior != nil && release.Equal(prior.Release):
		p.ReleaseChanges = stage.Unchanged
		p.ArgumentsChange = !weight.Equal(prior.Weight.Int64Value)
		m.Promoted, m.Weights = prior.Promoted, prior.Weights
	}
	return p
}

func TestPlan(t *testing.T) {
	text, number := types.StringValue, types.Int64Value
	quarter, whole := map[string]int{"blue": 75, "green": 25}, map[string]int{"blue": 0, "green": 100}
	finalized := stage.Facts{Owner: "x", Stable: old, Carries: old}
	tests := map[string]struct {
		release  types.String
		weight   types.Int64
		prior    *model
		facts    stage.Facts
		weights  map[string]int // nil: unknown
		promoted string         // "": unknown
		rerun    bool
	}{
		"create at 100":             {text(one), number(100), nil, stage.Facts{}, nil, one, false},
		"create below 100":          {text(one), number(25), nil, stage.Facts{}, nil, "", false},
		"create of the unknown":     {types.StringUnknown(), number(100), nil, stage.Facts{}, nil, "", false},
		"nothing changed":           {text(one), number(25), state(one, 25, old, quarter), finalized, quarter, old, false},
		"another release at 100":    {text(one), number(100), state(old, 100, old, whole), finalized, nil, one, false},
		"another release below 100": {text(one), number(25), state(old, 25, old, whole), finalized, nil, old, false},
		"an unknown release":        {types.StringUnknown(), number(100), state(old, 100, old, whole), finalized, nil, "", false},
		"an unknown weight":         {text(one), types.Int64Unknown(), state(old, 100, old, whole), finalized, nil, "", false},
		"up to 100":                 {text(one), number(100), state(one, 25, old, quarter), finalized, nil, one, true},
		"up to 50":                  {text(one), number(50), state(one, 25, old, quarter), finalized, nil, old, true},
		"the stable one's weight":   {text(old), number(25), state(old, 100, old, whole), finalized, nil, old, true},
		"back to stable":            {text(old), number(25), state(one, 25, old, quarter), finalized, nil, old, false},
		"back to a kept one": {
			text(other), number(25), state(one, 100, one, whole), stage.Facts{Owner: "x", Stable: one, Carries: one, Kept: []service.ReleaseID{other}}, nil, other, false,
		},
		"after one that nobody finalized": {text(other), number(25), state(one, 100, one, whole), stage.Facts{Owner: "x", Stable: old, Carries: one}, nil, one, false},
		"down from 100, not finalized":    {text(one), number(25), state(one, 100, one, whole), stage.Facts{Owner: "x", Stable: old, Carries: one}, nil, "", true},
		"moved by hand": {
			text(one), number(25), state(one, 25, old, map[string]int{"blue": 10, "green": 90}), stage.Facts{Owner: "x", Stable: old, Carries: old, ExpectedWeights: quarter}, quarter, old, true,
		},
		"moved by hand, and another weight": {
			text(one), number(100), state(one, 25, old, map[string]int{"blue": 10, "green": 90}), stage.Facts{Owner: "x", Stable: old, Carries: old, ExpectedWeights: quarter}, nil, one, true,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := wanted(test.release, test.weight, test.prior)
			p.Facts = test.facts
			if diags := plan(t.Context(), p); diags.HasError() {
				t.Fatalf("unexpected errors: %v", diags)
			}
			want := types.MapUnknown(types.Int64Type)
			if test.weights != nil {
				want = toWeights(test.weights)
			}
			if !p.Plan.Weights.Equal(want) {
				t.Errorf("weights: got %s, want %s", p.Plan.Weights, want)
			}
			promoted := types.StringUnknown()
			if test.promoted != "" {
				promoted = types.StringValue(test.promoted)
			}
			if !p.Plan.Promoted.Equal(promoted) {
				t.Errorf("promoted: got %s, want %s", p.Plan.Promoted, promoted)
			}
			if p.ReleaseChanges == stage.Unchanged && rerun(*p.Prior, *p.Plan) != test.rerun {
				t.Errorf("rerun: got %v, want %v", !test.rerun, test.rerun)
			}
		})
	}
}

// What the router has to tell is in the plan of a release, and in one that repairs weights; where nothing changes nobody asks it.
func TestPlanTellsOfTheRouter(t *testing.T) {
	quarter := map[string]int{"blue": 75, "green": 25}
	for name, test := range map[string]struct {
		release string
		facts   stage.Facts
		told    bool
	}{
		"nothing changed": {one, stage.Facts{}, false},
		"another release": {other, stage.Facts{}, true},
		"moved by hand":   {one, stage.Facts{ExpectedWeights: quarter}, true},
	} {
		p := wanted(types.StringValue(test.release), types.Int64Value(25), state(one, 25, old, map[string]int{"blue": 74, "green": 25}))
		p.Facts = test.facts
		p.SurveyRouter = func(context.Context) ([]string, error) { return []string{"the nodes differ"}, nil }
		var told []string
		p.Warn = func(summary, detail string) { told = append(told, summary+": "+detail) }
		if diags := plan(t.Context(), p); diags.HasError() {
			t.Fatal(diags)
		}
		if want := "Router Needs Attention: the nodes differ"; test.told != slices.Contains(told, want) {
			t.Errorf("%s: the plan tells %q", name, told)
		}
	}
}

func TestPlanRefuses(t *testing.T) {
	without := &ledger.View{State: ledger.State{Definition: &service.Definition{}}}
	withBoth := &ledger.View{State: ledger.State{Definition: &service.Definition{Router: &service.Router{}, Metrics: &service.Metrics{}}}}
	judged := read(t, `{"release": "`+one+`", "weight": 100, "analysis": {"errors": {}}}`)
	for name, test := range map[string]struct {
		view *ledger.View
		want []string
	}{
		"neither router nor metrics": {without, []string{"Service Without A Router", "Service Without Metrics"}},
		"both":                       {withBoth, nil},
		"a service to come":          {&ledger.View{}, nil},
		"a ledger to come":           {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := stage.Planning[model]{Plan: &judged, ReleaseChanges: stage.Changed, ArgumentsChange: true, View: test.view}
			diags := plan(t.Context(), p)
			if len(diags) != len(test.want) {
				t.Fatalf("got %v, want %v", diags, test.want)
			}
			for i, d := range diags {
				if d.Summary() != test.want[i] {
					t.Errorf("got %s, want %s", d.Summary(), test.want[i])
				}
			}
		})
	}
	// What stands and does not change is left alone.
	prior := state(one, 100, one, nil)
	p := wanted(prior.Release, prior.Weight.Int64Value, prior)
	p.View = without
	if diags := plan(t.Context(), p); diags.HasError() {
		t.Errorf("nothing changes, and yet: %v", diags)
	}
}
