package verification

import (
	"context"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/configtest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/stage"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func read(t *testing.T, text string) model {
	t.Helper()
	return configtest.Model[model](t, resourceSchema(), text)
}

func TestSchema(t *testing.T) {
	if diags := resourceSchema().ValidateImplementation(t.Context()); diags.HasError() {
		t.Error(diags)
	}
}

func TestToSpec(t *testing.T) {
	m := read(t, `{"checks": {"home": {"http": {"path": "/"}}}, "analysis": {"errors": {}}, "duration": "5m"}`)
	spec, diags := m.toSpec(t.Context())
	diags.Append(validate(t.Context(), m)...)
	if diags.HasError() || spec.Checks["home"].HTTP == nil || spec.Analysis == nil || spec.Duration.D() != 5*time.Minute {
		t.Errorf("got %+v, %v", spec, diags)
	}
	least := read(t, `{"analysis": {"errors": {}}}`)
	spec, diags = least.toSpec(t.Context())
	diags.Append(validate(t.Context(), least)...)
	if diags.HasError() || spec.Checks != nil || spec.Duration != 0 {
		t.Errorf("got %+v, %v", spec, diags)
	}
}

func TestValidate(t *testing.T) {
	check := `"checks": {"home": {"http": {"path": "/"}}}`
	for text, at := range map[string]path.Path{
		`{}`:                                path.Empty(),
		`{"checks": {}}`:                    path.Empty(),
		`{` + check + `, "duration": "5m"}`: path.Root("duration"),
		`{"analysis": {}}`:                  path.Root("analysis"),
	} {
		configtest.WantOne(t, validate(t.Context(), read(t, text)), at, "")
	}
	for _, text := range []string{
		`{"checks": "<unknown>"}`,
		`{"analysis": "<unknown>", "duration": "5m"}`,
		`{` + check + `, "duration": "<unknown>"}`,
	} {
		if diags := validate(t.Context(), read(t, text)); len(diags) > 0 {
			t.Errorf("%s: got %v, want silence", text, diags)
		}
	}
}

func TestPlanRefusesToJudgeNothing(t *testing.T) {
	m := read(t, `{"analysis": {"errors": {}}}`)
	p := stage.Planning[model]{Plan: &m, ReleaseChanges: stage.ChangeUnknown, View: &ledger.View{State: ledger.State{Definition: &service.Definition{}}}}
	configtest.WantOne(t, plan(t.Context(), p), path.Root("analysis"), "give deploy_service metrics")
	p.View.State.Definition.Metrics = &service.Metrics{}
	if diags := plan(t.Context(), p); diags.HasError() {
		t.Errorf("the service has metrics, and yet: %v", diags)
	}
}

func TestPlanSaysWhatTheJudgementTakes(t *testing.T) {
	for text, known := range map[string]int{
		`{"analysis": {"errors": {}}, "duration": "5m"}`:                     2,
		`{"checks": {"home": {"http": {"path": "/"}}}}`:                      0,
		`{"analysis": "<unknown>"}`:                                          -1,
		`{"analysis": {"errors": {"max_rate": "<unknown>"}}}`:                -1,
		`{"analysis": {"errors": {}}, "duration": "<unknown>"}`:              -1,
		`{"checks": "<unknown>", "analysis": {"errors": {"dry_run": true}}}`: 1,
	} {
		m := read(t, text)
		asked := false
		diags := plan(t.Context(), stage.Planning[model]{
			Plan: &m, ReleaseChanges: stage.Changed, ArgumentsChange: true,
			Survey: func(context.Context, delivery.AnalysisSpec) (delivery.MetricsSurvey, error) {
				asked = true
				return delivery.MetricsSurvey{Unknown: []string{"there is none"}}, nil
			},
		})
		if got := m.Judgement; got.IsUnknown() != (known < 0) || known >= 0 && len(got.Elements()) != known {
			t.Errorf("%s: got %s", text, got)
		}
		// An analysis that is known is asked for, whatever else is not.
		if want := plain.IsKnown(t.Context(), m.Analysis) && !m.Analysis.IsNull(); asked != want || diags.HasError() || (diags.WarningsCount() == 1) != want {
			t.Errorf("%s: asked: %v; got %v", text, asked, diags)
		}
	}
}

func TestExportKnowsEverything(t *testing.T) {
	m := read(t, `{"analysis": {"errors": {}}}`)
	m.Judgement, m.Results = types.ListUnknown(types.StringType), types.MapUnknown(m.Results.ElementType(t.Context()))
	kind().Export(&m, delivery.Exports{})
	if m.Judgement.IsUnknown() || m.Results.IsUnknown() {
		t.Errorf("got %s and %s", m.Judgement, m.Results)
	}
}
