package trafficsplit

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/checks"
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
	checked, _ := checks.ToSpec(t.Context(), path.Root("checks"), read(t, `{"weight": 100, "checks": {"home": {"tcp": {"address": "localhost:80"}}}}`).Checks)
	tests := map[string]struct {
		given string
		want  delivery.SplitSpec
	}{
		"the least": {`{"weight": 100}`, delivery.SplitSpec{Weight: 100, Advance: delivery.AfterPause}},
		"steps": {
			`{"weight": 50, "steps": [{"weight": 5, "pause": "2m"}, {"weight": 100}]}`,
			delivery.SplitSpec{Weight: 50, Steps: []delivery.Step{{Weight: 5, Pause: service.Duration(2 * time.Minute)}, {Weight: 100}}, Advance: delivery.AfterPause},
		},
		"checks": {
			`{"weight": 100, "checks": {"home": {"tcp": {"address": "localhost:80"}}}, "check_interval": "5s", "advance": "after_pause"}`,
			delivery.SplitSpec{Weight: 100, Checks: checked, CheckInterval: service.Duration(5 * time.Second), Advance: delivery.AfterPause},
		},
		"checks as often as usual": {
			`{"weight": 100, "checks": {"home": {"tcp": {"address": "localhost:80"}}}}`,
			delivery.SplitSpec{Weight: 100, Checks: checked, CheckInterval: service.Duration(10 * time.Second), Advance: delivery.AfterPause},
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
	m := read(t, `{"weight": 100, "analysis": {"errors": {}}, "advance": "when_confident"}`)
	spec, _ := m.toSpec(t.Context())
	if spec.Analysis == nil || spec.Analysis.Errors == nil || spec.Advance != delivery.WhenConfident {
		t.Errorf("something is missing from %+v", spec)
	}
	if diags := validate(t.Context(), m); diags.HasError() {
		t.Error(diags)
	}
}

func TestValidate(t *testing.T) {
	step := func(i int) path.Path { return path.Root("steps").AtListIndex(i).AtName("weight") }
	tests := map[string]struct {
		given string
		at    path.Path
		want  string
	}{
		"nothing":                  {`{"weight": 0}`, path.Root("weight"), "from 1 to 100"},
		"too much":                 {`{"weight": 101}`, path.Root("weight"), "from 1 to 100"},
		"a step of nothing":        {`{"weight": 100, "steps": [{"weight": 0}]}`, step(0), "from 1 to 100"},
		"a step too much":          {`{"weight": 100, "steps": [{"weight": 5}, {"weight": 120}]}`, step(1), "from 1 to 100"},
		"equal steps":              {`{"weight": 100, "steps": [{"weight": 5}, {"weight": 5}]}`, step(1), "higher than the one before"},
		"falling steps":            {`{"weight": 100, "steps": [{"weight": 50}, {"weight": "<unknown>"}, {"weight": 25}]}`, step(2), "25 follows 50"},
		"checks of nothing":        {`{"weight": 100, "checks": {"home": {}}}`, path.Root("checks").AtMapKey("home"), "xactly one"},
		"an interval of no checks": {`{"weight": 100, "check_interval": "5s"}`, path.Root("check_interval"), "add checks"},
		"confident of nothing":     {`{"weight": 100, "advance": "when_confident"}`, path.Root("advance"), "margin = 0.05"},
		"confident without a margin": {
			`{"weight": 100, "advance": "when_confident", "analysis": {"errors": {"margin": 0}, "latency": {"threshold": "1s", "versus_stable": false, "max_ratio": 0.1}}}`,
			path.Root("advance"), "margin = 0.05",
		},
		"confident by a dry run": {`{"weight": 100, "advance": "when_confident", "analysis": {"errors": {"dry_run": true}}}`, path.Root("advance"), "decides something"},
		"confident by numbers of the business": {
			`{"weight": 100, "advance": "when_confident", "analysis": {"business": {"orders": {"query": "orders_total", "versus_stable_min": 0.9}}}}`, path.Root("advance"), "margin = 0.05",
		},
		"an empty judgement": {`{"weight": 100, "analysis": {}}`, path.Root("analysis"), "at least one of errors, latency"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			diags := validate(t.Context(), read(t, test.given))
			configtest.WantOne(t, diags, test.at, test.want)
		})
	}
}

func TestAdvanceIsOneOfTwo(t *testing.T) {
	for value, accepted := range map[string]bool{"after_pause": true, "when_confident": true, "at_once": false, "": false} {
		req := validator.StringRequest{Path: path.Root("advance"), ConfigValue: types.StringValue(value)}
		var resp validator.StringResponse
		advances{}.ValidateString(t.Context(), req, &resp)
		if accepted == resp.Diagnostics.HasError() {
			t.Errorf("%q: got %v", value, resp.Diagnostics)
		}
	}
}

func TestValidateIsSilentOnUnknown(t *testing.T) {
	for _, text := range []string{
		`{"weight": "<unknown>", "steps": "<unknown>", "analysis": "<unknown>"}`,
		`{"weight": 100, "steps": ["<unknown>", {"weight": 5}]}`,
		`{"weight": 100, "checks": "<unknown>", "check_interval": "5s"}`,
		`{"weight": 100, "checks": {"home": {"tcp": {"address": "<unknown>"}}}, "check_interval": "<unknown>"}`,
		`{"weight": 100, "advance": "<unknown>"}`,
		`{"weight": 100, "advance": "when_confident", "analysis": "<unknown>"}`,
		`{"weight": 100, "advance": "when_confident", "analysis": {"errors": "<unknown>"}}`,
		`{"weight": 100, "advance": "when_confident", "analysis": {"errors": {"margin": "<unknown>"}}}`,
		`{"weight": 100, "steps": [{"weight": "<unknown>", "pause": "<unknown>"}, {"weight": 5}]}`,
	} {
		if diags := validate(t.Context(), read(t, text)); len(diags) > 0 {
			t.Errorf("%s: got %v, want silence", text, diags)
		}
	}
}
