package checks_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/check"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/checks"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/configtest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

var root = path.Root("checks")

func value(t *testing.T, text string) types.Map {
	t.Helper()
	m, is := configtest.Value(t, checks.Optional("").GetType(), text).(types.Map)
	if !is {
		t.Fatalf("%s is no map", text)
	}
	return m
}

func seconds(n int) service.Duration { return service.Duration(time.Duration(n) * time.Second) }

func ptr[T any](v T) *T { return &v }

func TestToSpec(t *testing.T) {
	tests := map[string]struct {
		given string
		want  service.Check
	}{
		"http with defaults": {`{"http": {"path": "/"}}`, service.Check{HTTP: &service.HTTPCheck{
			Path: "/", Timeout: seconds(10), Interval: seconds(2), Passes: 1,
		}}},
		"http with everything": {
			`{"http": {"url": "https://x.example/", "method": "POST", "headers": {"A": "b"}, "body": "{}", "status": [200, 404], "body_matches": "ok",
			  "json": {"$.a": "1"}, "header_matches": {"Server": "x"}, "max_latency": "300ms", "timeout": "3s", "retries": 4, "interval": "5s", "passes": 6}}`,
			service.Check{HTTP: &service.HTTPCheck{
				URL: "https://x.example/", Method: "POST", Headers: map[string]string{"A": "b"}, Body: "{}", Status: []int{200, 404}, BodyMatches: "ok",
				JSON: map[string]string{"$.a": "1"}, HeaderMatches: map[string]string{"Server": "x"}, MaxLatency: service.Duration(300 * time.Millisecond),
				Timeout: seconds(3), Retries: 4, Interval: seconds(5), Passes: 6,
			}},
		},
		"tcp with defaults": {`{"tcp": {}}`, service.Check{TCP: &service.TCPCheck{Timeout: seconds(5), Interval: seconds(1)}}},
		"tcp with everything": {
			`{"tcp": {"address": "db:5432", "timeout": "1s", "retries": 2, "interval": "3s"}}`,
			service.Check{TCP: &service.TCPCheck{Address: "db:5432", Timeout: seconds(1), Retries: 2, Interval: seconds(3)}},
		},
		"command with defaults": {`{"command": {"argv": ["./flow"]}}`, service.Check{Command: &service.CommandCheck{Argv: []string{"./flow"}, Timeout: seconds(300)}}},
		"command with everything": {
			`{"command": {"argv": ["./flow", "-v"], "directory": "d", "environment": {"E": "1"}, "secrets": {"S": "name"}, "timeout": "2s", "exit_code": 3, "junit": "r.xml"}}`,
			service.Check{Command: &service.CommandCheck{
				Argv: []string{"./flow", "-v"}, Directory: "d", Environment: map[string]string{"E": "1"}, Secrets: map[string]string{"S": "name"},
				Timeout: seconds(2), ExitCode: 3, JUnit: "r.xml",
			}},
		},
		"logs": {`{"logs": {"deny": ["panic:"], "max": 2}}`, service.Check{Logs: &service.LogsCheck{Deny: []string{"panic:"}, Max: 2}}},
		"sql with defaults": {
			`{"sql": {"url": "postgres://db/x", "query": "select 1"}}`,
			service.Check{SQL: &service.SQLCheck{URL: "postgres://db/x", Query: "select 1", Timeout: seconds(10)}},
		},
		"sql with everything": {
			`{"sql": {"url": "postgres://db/x", "password": "orders_db", "query": "select 1", "expect": "", "timeout": "1s"}}`,
			service.Check{SQL: &service.SQLCheck{URL: "postgres://db/x", Password: "orders_db", Query: "select 1", Expect: ptr(""), Timeout: seconds(1)}},
		},
		"metric's value": {
			`{"metric": {"name": "depth", "labels": {"q": "a"}, "max": 5.5}}`,
			service.Check{Metric: &service.MetricCheck{Name: "depth", Labels: map[string]string{"q": "a"}, Max: ptr(5.5)}},
		},
		"metric's rate": {
			`{"metric": {"name": "depth", "rate": true, "min": 0}}`,
			service.Check{Metric: &service.MetricCheck{Name: "depth", Rate: true, Window: seconds(30), Min: ptr(0.0)}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			checksMap := value(t, `{"it": `+test.given+`}`)
			got, diags := checks.ToSpec(t.Context(), root, checksMap)
			if diags.HasError() {
				t.Fatalf("unexpected errors: %v", diags)
			}
			if diff := cmp.Diff(map[string]service.Check{"it": test.want}, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			// The defaults must be ones that the engine takes.
			if problems := check.Validate(got["it"]); len(problems) > 0 {
				t.Errorf("the engine refuses it: %v", problems)
			}
			if diags := checks.Validate(t.Context(), root, checksMap); diags.HasError() {
				t.Errorf("refused: %v", diags)
			}
		})
	}
}

func TestToSpecOfNothing(t *testing.T) {
	for _, text := range []string{`null`, `{}`, `"` + configtest.Unknown + `"`} {
		got, diags := checks.ToSpec(t.Context(), root, value(t, text))
		if got != nil || diags.HasError() {
			t.Errorf("%s: got %v, %v, want nothing", text, got, diags)
		}
	}
}

func TestToSpecSaysWhichDurationIsWrong(t *testing.T) {
	_, diags := checks.ToSpec(t.Context(), root, value(t, `{"it": {"http": {"path": "/", "timeout": "soon"}}}`))
	configtest.WantOne(t, diags, root.AtMapKey("it").AtName("http").AtName("timeout"), "is not a duration")
}

func TestValidate(t *testing.T) {
	it := root.AtMapKey("it")
	tests := map[string]struct {
		given string
		at    path.Path
		want  string
	}{
		"none of the kinds":    {`{}`, it, "http, tcp, command, logs, sql, metric"},
		"null":                 {`null`, it, "http, tcp, command, logs, sql, metric"},
		"two kinds":            {`{"tcp": {}, "http": {"path": "/"}}`, it, "this one has http and tcp"},
		"path and url":         {`{"http": {"path": "/", "url": "http://x"}}`, it.AtName("http"), "exactly one of path"},
		"neither path nor url": {`{"http": {}}`, it.AtName("http"), "exactly one of path"},
		"status":               {`{"http": {"path": "/", "status": [200, 99]}}`, it.AtName("http").AtName("status"), "use 100 to 599"},
		"a header's pattern":   {`{"http": {"path": "/", "header_matches": {"Server": "("}}}`, it.AtName("http").AtName("header_matches").AtMapKey("Server"), "RE2"},
		"an address":           {`{"tcp": {"address": "db"}}`, it.AtName("tcp").AtName("address"), "host:port"},
		"no program":           {`{"command": {"argv": []}}`, it.AtName("command").AtName("argv"), "program"},
		"no bound":             {`{"metric": {"name": "x"}}`, it.AtName("metric"), "at least one of min and max"},
		"a missing query stays where it is missing": {`{"sql": {"url": "postgres://x/y", "query": ""}}`, it.AtName("sql").AtName("query"), "select 1"},
		"beside something unknown":                  {`{"http": {"url": "<unknown>", "body_matches": "("}}`, it.AtName("http").AtName("body_matches"), "RE2"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			configtest.WantOne(t, checks.Validate(t.Context(), root, value(t, `{"it": `+test.given+`}`)), test.at, test.want)
		})
	}
}

func TestValidateIsSilentOnUnknown(t *testing.T) {
	for _, text := range []string{
		`"<unknown>"`,
		`{"it": "<unknown>"}`,
		`{"it": {"http": "<unknown>"}}`,
		`{"it": {"http": {"path": "<unknown>"}}}`,
		`{"it": {"http": {"url": "<unknown>", "timeout": "<unknown>", "passes": "<unknown>", "status": "<unknown>"}}}`,
		`{"it": {"http": {"path": "/", "status": ["<unknown>"], "json": {"$.a": "<unknown>"}}}}`,
		`{"it": {"command": {"argv": "<unknown>"}}}`,
		`{"it": {"command": {"argv": ["<unknown>"], "secrets": {"S": "<unknown>"}}}}`,
		`{"it": {"logs": {"deny": ["<unknown>"]}}}`,
		`{"it": {"sql": {"url": "<unknown>", "query": "<unknown>"}}}`,
		`{"it": {"metric": {"name": "x", "max": "<unknown>"}}}`,
		`{"it": {"metric": {"name": "x", "min": "<unknown>", "max": -1}}}`,
		`{"it": {"metric": {"name": "x", "rate": "<unknown>", "window": "5s", "max": 1}}}`,
		`{"it": {"tcp": {}, "http": "<unknown>"}}`,
	} {
		if diags := checks.Validate(t.Context(), root, value(t, text)); len(diags) > 0 {
			t.Errorf("%s: got %v, want silence", text, diags)
		}
	}
}

func TestResolve(t *testing.T) {
	m := value(t, `{
		"flow": {"command": {"argv": ["x"], "secrets": {"B": "two", "A": "one", "C": "<unknown>"}}},
		"rows": {"sql": {"url": "postgres://x/y", "query": "q", "password": "three"}},
		"queue": {"metric": {"name": "x", "max": 1}},
		"later": "<unknown>"
	}`)
	none := lookup(func(name string) (string, error) { return "", fmt.Errorf("no credential %s: set it", name) })
	for name, test := range map[string]struct {
		credentials delivery.Credentials
		metrics     bool
		want        []string
	}{
		"nothing is there": {none, false, []string{
			`checks["flow"].command.secrets["A"]: No credential one: set it.`,
			`checks["flow"].command.secrets["B"]: No credential two: set it.`,
			`checks["rows"].sql.password: No credential three: set it.`,
			`checks["queue"].metric: The service has no metrics`,
		}},
		"all is there":         {lookup(func(string) (string, error) { return "x", nil }), true, nil},
		"nothing is known yet": {nil, true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			diags := checks.Resolve(t.Context(), root, m, test.credentials, test.metrics)
			if len(diags) != len(test.want) {
				t.Fatalf("got %v, want %d errors", diags, len(test.want))
			}
			for i, d := range diags {
				at, is := d.(diag.DiagnosticWithPath)
				if got := at.Path().String() + ": " + d.Detail(); !is || !strings.HasPrefix(got, test.want[i]) {
					t.Errorf("got %s, want %s", got, test.want[i])
				}
			}
		})
	}
}

func TestResults(t *testing.T) {
	results := []service.CheckResult{
		{Name: "home", Passed: true, Got: "200 from 127.0.0.1:80", Took: 12345 * time.Microsecond},
		{Name: "logs", Got: "3 lines", Took: time.Second},
	}
	lines := map[string]attr.Value{
		"home": types.StringValue("passed: 200 from 127.0.0.1:80 (12ms)"), "logs": types.StringValue("failed: 3 lines (1s)"),
	}
	want := types.MapValueMust(types.StringType, lines)
	for _, planned := range []types.Map{types.MapUnknown(types.StringType), types.MapNull(types.StringType)} {
		if got := checks.Results(planned, results); !got.Equal(want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := checks.Results(want, nil); !got.Equal(want) {
		t.Errorf("got %s instead of what was planned, %s", got, want)
	}
	if got := checks.Results(types.MapNull(types.StringType), nil); got.IsNull() || len(got.Elements()) != 0 {
		t.Errorf("got %s for no results, want an empty map", got)
	}
}

type lookup func(name string) (string, error)

func (l lookup) Lookup(name string) (string, error) { return l(name) }
