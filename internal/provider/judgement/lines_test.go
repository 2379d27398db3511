package judgement_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/judgement"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func spec(t *testing.T, text string) *delivery.AnalysisSpec {
	t.Helper()
	spec, diags := judgement.ToSpec(t.Context(), root, value(t, text))
	diags.Append(judgement.Validate(t.Context(), root, value(t, text))...)
	if diags.HasError() {
		t.Fatal(diags)
	}
	return spec
}

func lines(list types.List) []string {
	var lines []string
	for _, element := range list.Elements() {
		line, _ := element.(types.String)
		lines = append(lines, line.ValueString())
	}
	return lines
}

func TestSplitLines(t *testing.T) {
	steps := []delivery.Step{{Weight: 5, Pause: service.Duration(2 * time.Minute)}, {Weight: 100}}
	check := map[string]service.Check{"home": {}, "api": {}, "login": {}}
	tests := map[string]struct {
		split    delivery.SplitSpec
		analysis string
		want     []string
	}{
		"a margin": {
			delivery.SplitSpec{Weight: 100, Steps: steps}, `{"errors": {"max_rate": 0.05}}`,
			[]string{
				"at 5 %: at least 2m, and until the share of errors is shown to be at most 5 percentage points above stable's: about 140 requests of the release if none of stable's are bad, 240 if 1 % are; at most 30m",
				"at 100 %: until the share of errors is shown to be at most 5 percentage points above stable's: about 160 requests of the release if none of stable's are bad, 270 if 1 % are; at most 30m",
				"a release that is as good as it should be is restored with a probability of at most 1 %, however often one looks: each of 2 rules may be wrong with 0.5 %",
			},
		},
		"two margins, when confident": {
			delivery.SplitSpec{Weight: 50, Advance: delivery.WhenConfident, Steps: []delivery.Step{{Weight: 50, Pause: service.Duration(time.Hour)}}},
			`{"errors": {"margin": 0.1}, "latency": {"threshold": "1s", "margin": 0.02}, "min_requests": 1000, "initial_delay": "1m30s"}`,
			[]string{
				"at 50 %: until the share of errors is shown to be at most 10 percentage points above stable's, and that of slow requests at most 2: " +
					"about 1000 requests of the release if none of stable's are bad, 1000 if 1 % are; at most 1h",
				"what is seen in the first 1m30s after each raise of weight counts neither way",
				"a release that is as good as it should be is restored with a probability of at most 1 %, however often one looks: each of 2 rules may be wrong with 0.5 %",
			},
		},
		"one margin for both": {
			delivery.SplitSpec{Weight: 50}, `{"errors": {}, "latency": {"threshold": "1s"}, "confidence": 0.9}`,
			[]string{
				"at 50 %: until the shares of errors and of slow requests are shown to be at most 5 percentage points above stable's: about 100 requests of the release if none of stable's are bad, 120 if 1 % are; at most 30m",
				"a release that is as good as it should be is restored with a probability of at most 10 %, however often one looks: each of 2 rules may be wrong with 5 %",
			},
		},
		"a limit alone, and checks": {
			delivery.SplitSpec{Weight: 100, Checks: check, CheckInterval: service.Duration(10 * time.Second)}, `{"errors": {"max_rate": 0.05, "versus_stable": false}, "confidence": 0.999}`,
			[]string{
				"at 100 %: until the release has answered 100 requests; at most 30m",
				"3 checks every 10s, and one that fails speaks against the release; each that passes counts as a request of a step that has too few: 18 a minute",
				"a release that is as good as it should be is restored with a probability of at most 0.1 %, however often one looks",
			},
		},
		"a dry run": {
			delivery.SplitSpec{Weight: 100}, `{"errors": {"dry_run": true}, "min_requests": 1, "max_pause": "90s"}`,
			[]string{"at 100 %: until the release has answered 1 request; at most 1m30s"},
		},
		"more than there is": {
			delivery.SplitSpec{Weight: 1}, `{"errors": {"margin": 0.000000001}}`,
			[]string{
				"at 1 %: until the share of errors is shown to be at most 0.0000001 percentage points above stable's: more than a billion requests of the release if none of stable's are bad, more than a billion requests if 1 % are; at most 30m",
				"a release that is as good as it should be is restored with a probability of at most 1 %, however often one looks",
			},
		},
		"nothing": {delivery.SplitSpec{Weight: 100, Steps: steps}, `null`, nil},
		"checks alone": {
			delivery.SplitSpec{Weight: 100, Steps: steps, Checks: check, CheckInterval: service.Duration(500 * time.Millisecond)}, `null`,
			[]string{
				"at 5 %: for 2m", "at 100 %: goes on at once",
				"3 checks every 500ms, and one that fails speaks against the release", "no metrics are judged",
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if test.analysis != "null" {
				test.split.Analysis = spec(t, test.analysis)
			}
			got := judgement.SplitLines(test.split)
			if diff := cmp.Diff(test.want, lines(got)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if got.IsNull() != (test.want == nil) {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestVerificationLines(t *testing.T) {
	got := lines(judgement.VerificationLines(delivery.VerificationSpec{Analysis: spec(t, `{"errors": {}}`), Duration: service.Duration(5 * time.Minute)}))
	want := []string{
		"with all of the traffic: at least 5m, and until the share of errors is shown to be at most 5 percentage points above stable's: about 160 requests of the release if none of stable's are bad, 270 if 1 % are; at most 30m",
		"a release that is as good as it should be is restored with a probability of at most 1 %, however often one looks",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := judgement.VerificationLines(delivery.VerificationSpec{}); !got.IsNull() {
		t.Errorf("got %s, want nothing", got)
	}
}
