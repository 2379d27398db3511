package verification

import (
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/configtest"
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
