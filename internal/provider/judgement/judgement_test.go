package judgement_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
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
				Confidence: 0.99, MinRequests: 100, MinBad: 3, BurstWindow: 2 * time.Second,
				Errors:  &analysis.ErrorRule{VersusStable: true, Margin: 0.05},
				Latency: &analysis.LatencyRule{Threshold: 400 * time.Millisecond, VersusStable: true, Margin: 0.05},
			},
			MaxPause: service.Duration(30 * time.Minute),
			OnNoData: delivery.PolicyWait, OnSourceError: delivery.PolicyWait, OnSharedFault: delivery.PolicyWait, OnInconclusive: delivery.PolicyPause,
		}},
		"everything": {
			`{"interval": "200ms", "initial_delay": "10s", "confidence": 0.9,
			  "errors": {"max_rate": 0, "versus_stable": true, "margin": 0.2, "failure_limit": 0, "consecutive_failure_limit": 1, "dry_run": true, "critical": false},
			  "latency": {"threshold": "1s", "max_ratio": 0.5, "versus_stable": false, "failure_limit": 4, "consecutive_failure_limit": 3, "dry_run": false, "critical": true},
			  "business": {"queue": {"query": "queue_length", "type": "gauge", "direction": "either", "versus_stable_min": 0.5, "versus_stable_max": 2, "min": 1, "max": 9,
			    "failure_limit": 2, "consecutive_failure_limit": 5, "dry_run": true, "critical": false}},
			  "min_requests": 7, "min_bad": 5, "burst_window": "500ms", "max_pause": "3m",
			  "on_no_data": "restore", "no_data_deadline": "1m", "on_source_error": "pause", "source_error_deadline": "0s",
			  "on_shared_fault": "continue", "on_inconclusive": "continue"}`,
			&delivery.AnalysisSpec{
				Interval: service.Duration(200 * time.Millisecond), InitialDelay: service.Duration(10 * time.Second),
				Config: analysis.Config{
					Confidence: 0.9, MinRequests: 7, MinBad: 5, BurstWindow: 500 * time.Millisecond,
					Errors: &analysis.ErrorRule{
						MaxRate: ptr(0.0), VersusStable: true, Margin: 0.2,
						Handling: analysis.Handling{FailureLimit: ptr(0), ConsecutiveFailureLimit: ptr(1), DryRun: true, Uncritical: true},
					},
					Latency: &analysis.LatencyRule{
						Threshold: time.Second, MaxRatio: ptr(0.5),
						Handling: analysis.Handling{FailureLimit: ptr(4), ConsecutiveFailureLimit: ptr(3)},
					},
					Business: map[string]analysis.BusinessRule{"queue": {
						Query: "queue_length", Gauge: true, Direction: analysis.Either, VersusStableMin: ptr(0.5), VersusStableMax: ptr(2.0), Min: ptr(1.0), Max: ptr(9.0),
						Handling: analysis.Handling{FailureLimit: ptr(2), ConsecutiveFailureLimit: ptr(5), DryRun: true, Uncritical: true},
					}},
				},
				MaxPause: service.Duration(3 * time.Minute),
				OnNoData: delivery.PolicyRestore, NoDataDeadline: service.Duration(time.Minute),
				OnSourceError: delivery.PolicyPause, OnSharedFault: delivery.PolicyContinue, SharedFaultDeadline: service.Duration(30 * time.Second),
				OnInconclusive: delivery.PolicyContinue,
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

// TestDirection that is not written follows from the bounds.
func TestDirection(t *testing.T) {
	for bounds, want := range map[string]analysis.Direction{
		`"versus_stable_min": 0.9`:                           analysis.Up,
		`"versus_stable_max": 1.1`:                           analysis.Down,
		`"versus_stable_min": 0.9, "versus_stable_max": 1.1`: analysis.Either,
		`"type": "gauge", "min": 1`:                          analysis.Up,
		`"type": "gauge", "max": 1`:                          analysis.Down,
		`"versus_stable_min": 0.9, "direction": "either"`:    analysis.Either,
	} {
		given := value(t, `{"business": {"orders": {"query": "orders_total", `+bounds+`}}}`)
		spec, diags := judgement.ToSpec(t.Context(), root, given)
		diags.Append(judgement.Validate(t.Context(), root, given)...)
		if diags.HasError() {
			t.Errorf("%s: %v", bounds, diags)
		} else if got := spec.Business["orders"].Direction; got != want {
			t.Errorf("%s: got %q, want %q", bounds, got, want)
		}
	}
}

func TestValidate(t *testing.T) {
	failures := func(rule, attribute string) path.Path { return root.AtName(rule).AtName(attribute) }
	orders := root.AtName("business").AtMapKey("orders")
	business := func(text string) string { return `{"business": {"orders": {"query": "orders_total", ` + text + `}}}` }
	tests := map[string]struct {
		given string
		at    path.Path
		want  string
	}{
		"nothing judged":           {`{}`, root, "at least one of errors, latency, business"},
		"no business at all":       {`{"business": {}}`, root, "at least one of errors, latency, business"},
		"no confidence":            {`{"errors": {}, "confidence": 0}`, root.AtName("confidence"), "such as 0.99"},
		"certainty":                {`{"errors": {}, "confidence": 1}`, root.AtName("confidence"), "such as 0.99"},
		"errors without a rule":    {`{"errors": {"versus_stable": false}}`, root.AtName("errors"), "max_rate"},
		"latency without a rule":   {`{"latency": {"threshold": "1s", "versus_stable": false}}`, root.AtName("latency"), "max_ratio"},
		"a rate of more than all":  {`{"errors": {"max_rate": 5}}`, root.AtName("errors").AtName("max_rate"), "0.05 for 5 %"},
		"a ratio of less than 0":   {`{"latency": {"threshold": "1s", "max_ratio": -1}}`, root.AtName("latency").AtName("max_ratio"), "0.05 for 5 %"},
		"a margin of errors":       {`{"errors": {"margin": 5}}`, root.AtName("errors").AtName("margin"), "0.05 for 5 %"},
		"a margin of latency":      {`{"latency": {"threshold": "1s", "margin": -0.1}}`, root.AtName("latency").AtName("margin"), "0.05 for 5 %"},
		"a margin to nothing":      {`{"errors": {"max_rate": 0.1, "versus_stable": false, "margin": 0.1}}`, root.AtName("errors").AtName("margin"), "remove the margin"},
		"latency to nothing":       {`{"latency": {"threshold": "1s", "max_ratio": 0.1, "versus_stable": false, "margin": 0.1}}`, root.AtName("latency").AtName("margin"), "remove the margin"},
		"failures of no limit":     {`{"errors": {"failure_limit": 1}}`, failures("errors", "failure_limit"), "give max_rate"},
		"fewer failures than none": {`{"errors": {"max_rate": 0.1, "consecutive_failure_limit": -1}}`, failures("errors", "consecutive_failure_limit"), "-1 is below 0"},
		"slow looks of no limit":   {`{"latency": {"threshold": "1s", "consecutive_failure_limit": 1}}`, failures("latency", "consecutive_failure_limit"), "give max_ratio"},
		"looks after the pause":    {`{"errors": {}, "interval": "1m", "max_pause": "30s"}`, root.AtName("interval"), "shorter interval"},
		"a delay of all the pause": {`{"errors": {}, "initial_delay": "30s", "max_pause": "30s"}`, root.AtName("initial_delay"), "shorter initial_delay"},
		"known beside the unknown": {`{"errors": "<unknown>", "confidence": 2}`, root.AtName("confidence"), "such as 0.99"},

		"no number":              {`{"business": {"orders": null}}`, orders, "remove it where none is wanted"},
		"no query":               {`{"business": {"orders": {"query": "", "versus_stable_min": 0.9}}}`, orders.AtName("query"), "name what is counted"},
		"no bound":               {business(`"direction": "up"`), orders, "versus_stable_min or versus_stable_max"},
		"no direction":           {business(`"versus_stable_min": 0.9, "direction": "north"`), orders.AtName("direction"), `use "up"`},
		"no ratio":               {business(`"versus_stable_min": 0`), orders.AtName("versus_stable_min"), "0.95 for 95 %"},
		"a bound above for more": {business(`"versus_stable_max": 1.1, "direction": "up"`), orders.AtName("versus_stable_max"), "use versus_stable_min"},
		"a bound below for less": {business(`"versus_stable_min": 0.9, "direction": "down"`), orders.AtName("versus_stable_min"), "use versus_stable_max"},
		"a counter's limit":      {business(`"max": 5`), orders, "type = \"gauge\""},
		"failures of no gauge":   {business(`"versus_stable_min": 0.9, "failure_limit": 1`), orders.AtName("failure_limit"), "give min or max"},

		"a wait has no deadline":      {`{"errors": {}, "on_no_data": "wait", "no_data_deadline": "10s"}`, root.AtName("no_data_deadline"), `on_no_data = "restore"`},
		"nor where nothing is said":   {`{"errors": {}, "source_error_deadline": "10s"}`, root.AtName("source_error_deadline"), `on_source_error = "wait"`},
		"nor for a fault of both":     {`{"errors": {}, "shared_fault_deadline": "10s"}`, root.AtName("shared_fault_deadline"), "remove it"},
		"nor one that is to be known": {`{"errors": {}, "shared_fault_deadline": "<unknown>"}`, root.AtName("shared_fault_deadline"), "remove it"},
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
		`{"errors": {}, "initial_delay": "<unknown>", "max_pause": "10s"}`,
		`{"errors": {"failure_limit": 3, "max_rate": "<unknown>"}}`,
		`{"latency": {"threshold": "1s", "failure_limit": 3, "max_ratio": "<unknown>"}}`,
		`{"errors": {"margin": 0.1, "versus_stable": "<unknown>"}}`,
		`{"errors": {"margin": "<unknown>", "max_rate": 0.1, "versus_stable": false}}`,
		`{"errors": {}, "on_no_data": "<unknown>", "no_data_deadline": "10s"}`,
		`{"business": "<unknown>"}`,
		`{"business": {"orders": "<unknown>"}}`,
		`{"business": {"orders": {"query": "<unknown>", "versus_stable_min": "<unknown>"}}}`,
		`{"business": {"orders": {"query": "x", "type": "<unknown>", "max": 1, "failure_limit": 2}}}`,
		`{"business": {"orders": {"query": "x", "type": "gauge", "max": "<unknown>", "failure_limit": 2}}}`,
		`{"business": {"orders": {"query": "x", "direction": "<unknown>", "versus_stable_min": 0.9}}}`,
	} {
		if diags := judgement.Validate(t.Context(), root, value(t, text)); len(diags) > 0 {
			t.Errorf("%s: got %v, want silence", text, diags)
		}
	}
}

func TestValuesOfAttributes(t *testing.T) {
	rule := func(name string) map[string]resourceschema.Attribute {
		switch a := judgement.Attribute("").Attributes[name].(type) {
		case resourceschema.SingleNestedAttribute:
			return a.Attributes
		case resourceschema.MapNestedAttribute:
			return a.NestedObject.Attributes
		}
		return nil
	}
	all, latency, business := judgement.Attribute("").Attributes, rule("latency"), rule("business")
	tests := []struct {
		attributes map[string]resourceschema.Attribute
		attribute  string
		value      attr.Value
		accepted   bool
	}{
		{all, "on_no_data", types.StringValue("wait"), true},
		{all, "on_source_error", types.StringValue("restore"), true},
		{all, "on_shared_fault", types.StringValue("pause"), true},
		{all, "on_inconclusive", types.StringValue("continue"), true},
		{all, "on_inconclusive", types.StringValue("wait"), false},
		{all, "on_no_data", types.StringValue("ignore"), false},
		{all, "on_source_error", types.StringValue("Wait"), false},
		{all, "on_shared_fault", types.StringValue(""), false},
		{all, "on_no_data", types.StringUnknown(), true},
		{all, "interval", types.StringValue("200ms"), true},
		{all, "interval", types.StringValue("100ms"), false},
		{all, "initial_delay", types.StringValue("0s"), true},
		{all, "initial_delay", types.StringValue("-1s"), false},
		{all, "burst_window", types.StringValue("0s"), false},
		{all, "max_pause", types.StringValue("1"), false},
		{all, "no_data_deadline", types.StringValue("soon"), false},
		{all, "source_error_deadline", types.StringValue("0s"), true},
		{all, "shared_fault_deadline", types.StringValue("1 minute"), false},
		{all, "min_requests", types.Int64Value(0), false},
		{all, "min_bad", types.Int64Value(0), false},
		{all, "min_bad", types.Int64Value(1), true},
		{latency, "threshold", types.StringValue("0s"), false},
		{business, "type", types.StringValue("gauge"), true},
		{business, "type", types.StringValue("histogram"), false},
	}
	for _, test := range tests {
		at := root.AtName(test.attribute)
		var diags diag.Diagnostics
		switch a := test.attributes[test.attribute].(type) {
		case resourceschema.StringAttribute:
			text, _ := test.value.(types.String)
			for _, v := range a.Validators {
				var resp validator.StringResponse
				v.ValidateString(t.Context(), validator.StringRequest{Path: at, ConfigValue: text}, &resp)
				diags.Append(resp.Diagnostics...)
			}
		case resourceschema.Int64Attribute:
			n, _ := test.value.(types.Int64)
			for _, v := range a.Validators {
				var resp validator.Int64Response
				v.ValidateInt64(t.Context(), validator.Int64Request{Path: at, ConfigValue: n}, &resp)
				diags.Append(resp.Diagnostics...)
			}
		default:
			t.Fatalf("%s is %T", test.attribute, a)
		}
		if diags.HasError() == test.accepted {
			t.Errorf("%s = %s: got %v, accepted must be %v", test.attribute, test.value, diags, test.accepted)
		}
		if !test.accepted && !strings.Contains(diags[0].Detail(), at.String()) {
			t.Errorf("%s is not named: %v", test.attribute, diags)
		}
	}
}
