package judgement_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	resourceschema "github.com/hashicorp/terraform-plugin-framework/resource/schema"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/configtest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/judgement"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

var root = path.Root("analysis")

func value(t *testing.T, text string) types.Object {
	t.Helper()
	o, is := configtest.Value(t, judgement.Attribute("").GetType(), text).(types.Object)
	if !is {
		t.Fatalf("%s is no object", text)
	}
	return o
}

func ptr[T any](v T) *T { return &v }

func TestToSpec(t *testing.T) {
	tests := map[string]struct {
		given string
		want  *delivery.AnalysisSpec
	}{
		"null":    {`null`, nil},
		"unknown": {`"<unknown>"`, nil},
		"defaults": {`{"errors": {}, "latency": {"threshold": "400ms"}}`, &delivery.AnalysisSpec{
			Interval: service.Duration(time.Second),
			Config: analysis.Config{
				Confidence: 0.99, MinRequests: 100,
				Errors:  &analysis.ErrorRule{VersusStable: true, Margin: 0.01},
				Latency: &analysis.LatencyRule{Threshold: 400 * time.Millisecond, VersusStable: true},
			},
			MaxPause: service.Duration(30 * time.Minute),
			OnNoData: delivery.PolicyWait, OnSourceError: delivery.PolicyWait, OnInconclusive: delivery.PolicyPause,
		}},
		"everything": {
			`{"interval": "2s", "confidence": 0.9, "errors": {"max_rate": 0, "versus_stable": false, "margin": 0.2},
			  "latency": {"threshold": "1s", "max_ratio": 0.5, "versus_stable": false}, "min_requests": 7, "max_pause": "3m",
			  "on_no_data": "restore", "on_source_error": "pause", "on_inconclusive": "continue"}`,
			&delivery.AnalysisSpec{
				Interval: service.Duration(2 * time.Second),
				Config: analysis.Config{
					Confidence: 0.9, MinRequests: 7,
					Errors:  &analysis.ErrorRule{MaxRate: ptr(0.0), Margin: 0.2},
					Latency: &analysis.LatencyRule{Threshold: time.Second, MaxRatio: ptr(0.5)},
				},
				MaxPause: service.Duration(3 * time.Minute),
				OnNoData: delivery.PolicyRestore, OnSourceError: delivery.PolicyPause, OnInconclusive: delivery.PolicyContinue,
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, diags := judgement.ToSpec(t.Context(), root, value(t, test.given))
			if diags.HasError() {
				t.Fatalf("unexpected errors: %v", diags)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if diags := judgement.Validate(t.Context(), root, value(t, test.given)); diags.HasError() {
				t.Errorf("refused: %v", diags)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	tests := map[string]struct {
		given string
		at    path.Path
		want  string
	}{
		"nothing judged":           {`{}`, root, "at least one of errors, latency"},
		"no confidence":            {`{"errors": {}, "confidence": 0}`, root.AtName("confidence"), "such as 0.99"},
		"certainty":                {`{"errors": {}, "confidence": 1}`, root.AtName("confidence"), "such as 0.99"},
		"errors without a rule":    {`{"errors": {"versus_stable": false}}`, root.AtName("errors"), "max_rate = 0.05"},
		"latency without a rule":   {`{"latency": {"threshold": "1s", "versus_stable": false}}`, root.AtName("latency"), "max_ratio = 0.05"},
		"looks after the pause":    {`{"errors": {}, "interval": "1m", "max_pause": "30s"}`, root.AtName("interval"), "shorter interval"},
		"known beside the unknown": {`{"errors": "<unknown>", "confidence": 2}`, root.AtName("confidence"), "such as 0.99"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			diags := judgement.Validate(t.Context(), root, value(t, test.given))
			configtest.WantOne(t, diags, test.at, test.want)
		})
	}
}

func TestValidateIsSilentOnUnknown(t *testing.T) {
	for _, text := range []string{
		`"<unknown>"`,
		`{"errors": "<unknown>"}`,
		`{"errors": {"versus_stable": "<unknown>"}}`,
		`{"errors": {"versus_stable": false, "max_rate": "<unknown>"}}`,
		`{"latency": {"threshold": "<unknown>"}, "interval": "<unknown>", "confidence": "<unknown>"}`,
		`{"errors": {}, "interval": "1h", "max_pause": "<unknown>"}`,
	} {
		if diags := judgement.Validate(t.Context(), root, value(t, text)); len(diags) > 0 {
			t.Errorf("%s: got %v, want silence", text, diags)
		}
	}
}

func TestPolicies(t *testing.T) {
	tests := []struct {
		attribute, value string
		accepted         bool
	}{
		{"on_no_data", "wait", true},
		{"on_source_error", "restore", true},
		{"on_inconclusive", "continue", true},
		{"on_inconclusive", "wait", false},
		{"on_no_data", "ignore", false},
		{"on_no_data", configtest.Unknown, true},
	}
	for _, test := range tests {
		attribute, is := judgement.Attribute("").Attributes[test.attribute].(resourceschema.StringAttribute)
		if !is {
			t.Fatalf("%s is no string", test.attribute)
		}
		req := validator.StringRequest{Path: root.AtName(test.attribute), ConfigValue: types.StringValue(test.value)}
		if test.value == configtest.Unknown {
			req.ConfigValue = types.StringUnknown()
		}
		var resp validator.StringResponse
		for _, v := range attribute.Validators {
			v.ValidateString(t.Context(), req, &resp)
		}
		if resp.Diagnostics.HasError() == test.accepted {
			t.Errorf("%s = %q: got %v, accepted must be %v", test.attribute, test.value, resp.Diagnostics, test.accepted)
		}
		if !test.accepted && !strings.HasPrefix(resp.Diagnostics[0].Detail(), req.Path.String()+": ") {
			t.Errorf("%s is not named: %v", test.attribute, resp.Diagnostics)
		}
	}
}
