package stage

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/arguments"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/engine"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// probe is a stage with one argument that bears on time and one computed attribute.
type probe struct {
	Common
	Pause types.String `tfsdk:"pause"`
	Proof types.String `tfsdk:"proof"`
}

func probeResource(budget time.Duration, rerun bool) *Resource[probe] {
	kind := Kind[probe]{
		Stage: service.StageSmokeTest,
		Schema: func() schema.Schema {
			return schema.Schema{Attributes: Computed(map[string]schema.Attribute{
				"release": ReleaseArgument("The release."),
				"pause":   schema.StringAttribute{Optional: true},
				"proof":   schema.StringAttribute{Computed: true},
			})}
		},
		Common:  func(m *probe) *Common { return &m.Common },
		Service: func(m *probe) types.String { return ServiceOf(m.Release) },
		Step: Step[probe]{
			WorstCase: func(_ context.Context, m probe, c delivery.Circumstances) (time.Duration, diag.Diagnostics) {
				if c.Mode == service.ModeRollback {
					return time.Second, nil
				}
				d, err := time.ParseDuration(m.Pause.ValueString())
				if err != nil {
					panic(err)
				}
				return time.Duration(max(c.Waves, 1)) * d, nil
			},
		},
		Rerun: func(_, _ probe) bool { return rerun },
	}
	return &Resource[probe]{kind: kind.withDefaults(), engine: engine.New(nil, nil, budget)}
}

const (
	v1 = "production/web/1.0.0-00000001"
	v2 = "production/web/2.0.0-00000002"
)

// object is JSON as a value of the probe's schema; attributes named in unknown are not known.
func object(t *testing.T, r *Resource[probe], text string, unknown ...string) tftypes.Value {
	t.Helper()
	s := r.kind.Schema()
	value, err := arguments.Decode(t.Context(), s, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var diags diag.Diagnostics
	values := attributesOf(value, &diags)
	for _, name := range unknown {
		values[name] = tftypes.NewValue(values[name].Type(), tftypes.UnknownValue)
	}
	return values.value(t.Context(), s)
}

// planOf does what ModifyPlan does, with facts of the test's. plan is what the framework proposes.
func planOf(t *testing.T, r *Resource[probe], state, plan tftypes.Value, facts Facts) (probe, diag.Diagnostics) {
	t.Helper()
	s := r.kind.Schema()
	req := resource.ModifyPlanRequest{
		Config: tfsdk.Config{Schema: s, Raw: plan}, Plan: tfsdk.Plan{Schema: s, Raw: plan}, State: tfsdk.State{Schema: s, Raw: state},
	}
	var resp resource.ModifyPlanResponse
	p := r.planning(t.Context(), req, facts, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return probe{}, resp.Diagnostics
	}
	raw := r.planned(t.Context(), p, &resp)
	return r.model(t.Context(), raw, &resp.Diagnostics), resp.Diagnostics
}

func none(t *testing.T, r *Resource[probe]) tftypes.Value {
	t.Helper()
	return tftypes.NewValue(r.kind.Schema().Type().TerraformType(t.Context()), nil)
}

var allComputed = []string{"attempt", "worst_case", "proof"}

func TestPlan(t *testing.T) {
	known := Facts{Owner: "me", Stable: v1, Carries: v1, Seen: 7, Mode: service.ModeUpdate}
	state := `{"release":"` + v1 + `","pause":"1m","attempt":7,"worst_case":"1m","proof":"passed"}`
	for name, test := range map[string]struct {
		state, plan string
		unknown     []string
		facts       Facts
		rerun       bool
		// What the plan must say; "?" is unknown.
		release, attempt, worst, proof string
	}{
		"create": {
			plan: `{"release":"` + v2 + `","pause":"5m"}`, unknown: allComputed,
			release: v2, attempt: "?", worst: "5m", proof: "?",
		},
		"create in the place of one that is gone": {
			plan: `{"release":"` + v2 + `","pause":"5m"}`, unknown: allComputed, facts: Facts{Owner: "me", Circumstances: delivery.Circumstances{Waves: 2}},
			release: v2, attempt: "?", worst: "5m", proof: "?",
		},
		"another release, in waves": {
			state: state, plan: `{"release":"` + v2 + `","pause":"1m"}`, unknown: allComputed, facts: Facts{Owner: "me", Stable: v1, Carries: v1, Circumstances: delivery.Circumstances{Waves: 2}},
			release: v2, attempt: "?", worst: "2m", proof: "?",
		},
		"create of a release that is not known": {
			plan: `{"pause":"5m"}`, unknown: append([]string{"release"}, allComputed...),
			release: "?", attempt: "?", worst: "?", proof: "?",
		},
		"nothing changed": {
			state: state, plan: state, facts: known,
			release: v1, attempt: "7", worst: "1m", proof: "passed",
		},
		"arguments alone": {
			state: state, plan: `{"release":"` + v1 + `","pause":"300s"}`, unknown: allComputed, facts: known,
			release: v1, attempt: "7", worst: "5m", proof: "passed",
		},
		"another release": {
			state: state, plan: `{"release":"` + v2 + `","pause":"1m"}`, unknown: allComputed, facts: known,
			release: v2, attempt: "?", worst: "1m", proof: "?",
		},
		"a rollback": {
			state: state, plan: `{"release":"` + v2 + `","pause":"1m"}`, unknown: allComputed,
			facts:   Facts{Owner: "me", Stable: v1, Carries: v1, Kept: []service.ReleaseID{v2}},
			release: v2, attempt: "?", worst: "1s", proof: "?",
		},
		"a release that is not known": {
			state: state, plan: `{"pause":"1m"}`, unknown: append([]string{"release"}, allComputed...), facts: known,
			release: "?", attempt: "?", worst: "?", proof: "?",
		},
		"an argument that is not known": {
			state: state, plan: `{"release":"` + v1 + `"}`, unknown: append([]string{"pause"}, allComputed...), facts: known,
			release: v1, attempt: "7", worst: "?", proof: "passed",
		},
		"another service's release": {
			state: state, plan: `{"release":"staging/web/1.0.0-00000001","pause":"1m"}`, unknown: allComputed, facts: known,
			release: "staging/web/1.0.0-00000001", attempt: "?", worst: "1m", proof: "?",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := probeResource(0, test.rerun)
			before := none(t, r)
			if test.state != "" {
				before = object(t, r, test.state)
			}
			// Decoding leaves computed attributes as the JSON has them.
			got, diags := planOf(t, r, before, object(t, r, test.plan, test.unknown...), test.facts)
			if diags.HasError() {
				t.Fatal(diags)
			}
			attempt := "?"
			if !got.Attempt.IsUnknown() {
				attempt = got.Attempt.String()
			}
			for attribute, values := range map[string][2]string{
				"release": {shown(got.Release), test.release}, "attempt": {attempt, test.attempt},
				"worst_case": {shown(got.WorstCase), test.worst}, "proof": {shown(got.Proof), test.proof},
			} {
				if values[0] != values[1] {
					t.Errorf("%s is %s, want %s", attribute, values[0], values[1])
				}
			}
		})
	}
}

func shown(value types.String) string {
	if value.IsUnknown() {
		return "?"
	}
	return value.ValueString()
}

func TestPlanIsTheSameAtApply(t *testing.T) {
	// At apply another process plans with the same state and facts, while the ledger has gone on: nothing may differ.
	facts := Facts{Owner: "me", Stable: v1, Carries: v1}
	plan := func() probe {
		r := probeResource(0, false)
		got, diags := planOf(t, r, object(t, r, `{"release":"`+v1+`","pause":"1m","attempt":7,"worst_case":"1m","proof":"passed"}`),
			object(t, r, `{"release":"`+v2+`","pause":"1m"}`, allComputed...), facts)
		if diags.HasError() {
			t.Fatal(diags)
		}
		return got
	}
	if first, second := plan(), plan(); first != second {
		t.Errorf("got %v, then %v", first, second)
	}
}

func TestBudgetCountsWhatRuns(t *testing.T) {
	state := `{"release":"` + v1 + `","pause":"5m","attempt":7,"worst_case":"5m","proof":"passed"}`
	facts := Facts{Owner: "me", Stable: v1, Carries: v1, Mode: service.ModeUpdate}
	for name, test := range map[string]struct {
		plan    string
		rerun   bool
		refused bool
	}{
		"nothing runs":    {state, false, false},
		"runs again":      {state, true, true},
		"another release": {`{"release":"` + v2 + `","pause":"5m"}`, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := probeResource(time.Minute, test.rerun)
			_, diags := planOf(t, r, object(t, r, state), object(t, r, test.plan), facts)
			if diags.HasError() != test.refused {
				t.Errorf("got %v", diags)
			}
			if test.refused && diags[0].Summary() != "Run Budget Exceeded" {
				t.Errorf("got %v", diags[0])
			}
		})
	}
}

func TestSecondStageIsRefused(t *testing.T) {
	r := probeResource(0, false)
	plan := object(t, r, `{"release":"`+v2+`","pause":"5m"}`, allComputed...)
	if _, diags := planOf(t, r, none(t, r), plan, Facts{}); diags.HasError() {
		t.Fatal(diags)
	}
	_, diags := planOf(t, r, none(t, r), plan, Facts{})
	if !diags.HasError() || diags[0].Summary() != "Stage Declared Twice" {
		t.Errorf("got %v", diags)
	}
}

func TestImportTakesServicesAndReleases(t *testing.T) {
	for text, want := range map[string]string{"production/web": "production/web ", v1: "production/web " + v1, "web": "neither", "a/b/c/d": "neither"} {
		id, release, err := parseImport(service.StageRelease, text)
		got := string(id) + " " + string(release)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestCheckpointIsImportedByItsOwnID(t *testing.T) {
	id, release, err := parseImport(service.StageCheckpoint, delivery.CheckpointID(v1))
	if err != nil || id != "production/web" || release != v1 {
		t.Errorf("got %s, %s (%v)", id, release, err)
	}
	if _, _, err := parseImport(service.StageRelease, delivery.CheckpointID(v1)); err == nil {
		t.Error("a release is imported by a checkpoint's id")
	}
}
