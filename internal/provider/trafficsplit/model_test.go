package trafficsplit

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/configtest"
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
	tests := map[string]struct {
		given string
		want  delivery.SplitSpec
	}{
		"the least": {`{"weight": 100}`, delivery.SplitSpec{Weight: 100}},
		"steps": {
			`{"weight": 50, "steps": [{"weight": 5, "pause": "2m"}, {"weight": 100}]}`,
			delivery.SplitSpec{Weight: 50, Steps: []delivery.Step{{Weight: 5, Pause: service.Duration(2 * time.Minute)}, {Weight: 100}}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m := read(t, test.given)
			got, diags := m.toSpec(t.Context())
			diags.Append(validate(t.Context(), m)...)
			if diags.HasError() {
				t.Fatalf("unexpected errors: %v", diags)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	spec, _ := read(t, `{"weight": 100, "analysis": {"errors": {}}}`).toSpec(t.Context())
	if spec.Analysis == nil || spec.Analysis.Errors == nil {
		t.Errorf("the analysis is missing from %+v", spec)
	}
}

func TestValidate(t *testing.T) {
	step := func(i int) path.Path { return path.Root("steps").AtListIndex(i).AtName("weight") }
	tests := map[string]struct {
		given string
		at    path.Path
		want  string
	}{
		"nothing":            {`{"weight": 0}`, path.Root("weight"), "from 1 to 100"},
		"too much":           {`{"weight": 101}`, path.Root("weight"), "from 1 to 100"},
		"a step of nothing":  {`{"weight": 100, "steps": [{"weight": 0}]}`, step(0), "from 1 to 100"},
		"a step too much":    {`{"weight": 100, "steps": [{"weight": 5}, {"weight": 120}]}`, step(1), "from 1 to 100"},
		"equal steps":        {`{"weight": 100, "steps": [{"weight": 5}, {"weight": 5}]}`, step(1), "higher than the one before"},
		"falling steps":      {`{"weight": 100, "steps": [{"weight": 50}, {"weight": "<unknown>"}, {"weight": 25}]}`, step(2), "25 follows 50"},
		"an empty judgement": {`{"weight": 100, "analysis": {}}`, path.Root("analysis"), "at least one of errors, latency"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			diags := validate(t.Context(), read(t, test.given))
			configtest.WantOne(t, diags, test.at, test.want)
		})
	}
}

func TestValidateIsSilentOnUnknown(t *testing.T) {
	for _, text := range []string{
		`{"weight": "<unknown>", "steps": "<unknown>", "analysis": "<unknown>"}`,
		`{"weight": 100, "steps": ["<unknown>", {"weight": 5}]}`,
		`{"weight": 100, "steps": [{"weight": "<unknown>", "pause": "<unknown>"}, {"weight": 5}]}`,
	} {
		if diags := validate(t.Context(), read(t, text)); len(diags) > 0 {
			t.Errorf("%s: got %v, want silence", text, diags)
		}
	}
}
