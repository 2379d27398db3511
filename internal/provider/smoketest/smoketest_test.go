package smoketest

import (
	"errors"
	"testing"

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
	m := read(t, `{"checks": {"home": {"http": {"path": "/"}}}}`)
	spec, diags := m.toSpec(t.Context())
	diags.Append(validate(t.Context(), m)...)
	if diags.HasError() || spec.Checks["home"].HTTP == nil {
		t.Errorf("got %+v, %v", spec, diags)
	}
}

func TestValidate(t *testing.T) {
	configtest.WantOne(t, validate(t.Context(), read(t, `{"checks": {}}`)), path.Root("checks"), "at least one check")
	configtest.WantOne(t, validate(t.Context(), read(t, `{"checks": {"it": {}}}`)), path.Root("checks").AtMapKey("it"), "exactly one of")
	if diags := validate(t.Context(), read(t, `{"checks": "<unknown>"}`)); len(diags) > 0 {
		t.Errorf("got %v, want silence", diags)
	}
}

type noCredentials struct{}

func (noCredentials) Lookup(string) (string, error) { return "", errors.New("it is not there: set it") }

func TestPlan(t *testing.T) {
	m := read(t, `{"checks": {"rows": {"sql": {"url": "postgres://x/y", "query": "q", "password": "p"}}, "depth": {"metric": {"name": "n", "max": 1}}}}`)
	p := stage.Planning[model]{Plan: &m, ReleaseChanges: stage.Changed, Credentials: noCredentials{}}
	configtest.WantOne(t, plan(t.Context(), p), path.Root("checks").AtMapKey("rows").AtName("sql").AtName("password"), "It is not there")
	p.Credentials, p.View = nil, &ledger.View{State: ledger.State{Definition: &service.Definition{}}}
	configtest.WantOne(t, plan(t.Context(), p), path.Root("checks").AtMapKey("depth").AtName("metric"), "give deploy_service metrics")
	p.ReleaseChanges = stage.Unchanged
	if diags := plan(t.Context(), p); diags.HasError() {
		t.Errorf("nothing changes, and yet: %v", diags)
	}
}
