package judgement_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/judgement"
)

func TestSurvey(t *testing.T) {
	tests := map[string]struct {
		given  string
		survey delivery.MetricsSurvey
		err    error
		// want are the attribute, the summary and words of the detail of each warning.
		want [][]string
	}{
		"all is there": {`{"latency": {"threshold": "400ms"}}`, delivery.MetricsSurvey{Threshold: 400 * time.Millisecond, Resolution: time.Second, Notes: []string{"by the way"}}, nil, nil},
		"a bound": {
			`{"latency": {"threshold": "400ms"}}`, delivery.MetricsSurvey{Threshold: 500 * time.Millisecond}, nil,
			[][]string{{"analysis.latency.threshold", "Latency Bound Replaced", "no bucket that ends at 400ms", "longer than 500ms", `threshold = "500ms"`}},
		},
		"a bound that nobody asks for": {`{"errors": {}}`, delivery.MetricsSurvey{Threshold: 500 * time.Millisecond}, nil, nil},
		"an interval": {
			`{"errors": {}, "interval": "1s"}`, delivery.MetricsSurvey{Resolution: 15 * time.Second, Notes: []string{"the business is older"}}, nil,
			[][]string{{"analysis.interval", "Interval Below The Scrape Interval", `interval = "15s"`, "every 1s", "The business is older."}},
		},
		"names, waited for": {
			`{"errors": {}}`, delivery.MetricsSurvey{Unknown: []string{"there is no http_requests; there is http_requests_total", "orders: no"}}, nil,
			[][]string{{"analysis", "Unknown Metric", "\n  - There is no http_requests; there is http_requests_total.\n  - orders: no.", "Nothing passes by it", `on_no_data = "wait"`, "max_pause, 30m,", `on_inconclusive = "pause"`}},
		},
		"names, with a deadline": {
			`{"errors": {}, "on_no_data": "restore", "no_data_deadline": "40s"}`, delivery.MetricsSurvey{Unknown: []string{"no"}}, nil,
			[][]string{{"analysis", "Unknown Metric", "no_data_deadline, 40s", `on_no_data = "restore"`}},
		},
		"no answer": {
			`{"errors": {}, "on_source_error": "continue"}`, delivery.MetricsSurvey{}, errors.New("connection refused"),
			[][]string{{"analysis", "Metrics Not Reachable", "connection refused", "The apply asks again", `on_source_error = "continue"`}},
		},
		"all at once": {
			`{"latency": {"threshold": "400ms"}}`, delivery.MetricsSurvey{Threshold: time.Second, Resolution: time.Minute, Unknown: []string{"a"}, Notes: []string{"noted"}}, nil,
			[][]string{{"analysis", "Unknown Metric", "Noted."}, {"analysis.latency.threshold", "Latency Bound Replaced"}, {"analysis.interval", "Interval Below The Scrape Interval"}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := judgement.Survey(t.Context(), root, value(t, test.given), func(context.Context, delivery.AnalysisSpec) (delivery.MetricsSurvey, error) {
				return test.survey, test.err
			})
			if len(got) != len(test.want) {
				t.Fatalf("got %v, want %v", got, test.want)
			}
			for i, want := range test.want {
				at := path.Empty()
				if placed, is := got[i].(diag.DiagnosticWithPath); is {
					at = placed.Path()
				}
				if got[i].Severity() != diag.SeverityWarning || at.String() != want[0] || got[i].Summary() != want[1] {
					t.Errorf("got %v, want %v", got[i], want)
				}
				for _, words := range want[2:] {
					if !strings.Contains(got[i].Detail(), words) {
						t.Errorf("%q is missing from %s", words, got[i].Detail())
					}
				}
			}
		})
	}
}

func TestSurveyAsksNobody(t *testing.T) {
	ask := func(context.Context, delivery.AnalysisSpec) (delivery.MetricsSurvey, error) {
		t.Error("it was asked")
		return delivery.MetricsSurvey{}, nil
	}
	for _, text := range []string{`null`, `"<unknown>"`, `{"errors": {}, "interval": "<unknown>"}`} {
		if got := judgement.Survey(t.Context(), root, value(t, text), ask); len(got) > 0 {
			t.Errorf("%s: got %v", text, got)
		}
	}
	if got := judgement.Survey(t.Context(), root, value(t, `{"errors": {}}`), nil); len(got) > 0 {
		t.Errorf("got %v of nobody", got)
	}
}
