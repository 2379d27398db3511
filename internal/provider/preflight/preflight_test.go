package preflight

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/configtest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/stage"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func read(t *testing.T, text string) model {
	t.Helper()
	return configtest.Model[model](t, resourceSchema(), text)
}

const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// contentJSON is the content of the tests' release; contentSpec is it in the engine's form.
const contentJSON = `{"version": "1.0.0", "artifact": "file:web@` + digest + `", "config": {"LOG_LEVEL": "info"}, "secrets": {"PASSWORD": "orders_db"}, "host": {"command": ["./web"]}}`

func contentSpec() service.Content {
	return service.Content{
		Version: "1.0.0", Artifact: "file:web@" + digest, Config: map[string]string{"LOG_LEVEL": "info"},
		Secrets: map[string]string{"PASSWORD": "orders_db"}, Host: &service.HostContent{Command: []string{"./web"}},
	}
}

func TestSchema(t *testing.T) {
	if diags := resourceSchema().ValidateImplementation(t.Context()); diags.HasError() {
		t.Error(diags)
	}
}

func TestToSpec(t *testing.T) {
	full := contentSpec()
	tests := map[string]struct {
		given string
		want  delivery.PreflightSpec
	}{
		"the least": {`{}`, delivery.PreflightSpec{ValidFor: service.Duration(time.Hour)}},
		"everything": {
			`{"content": ` + contentJSON + `, "checks": {"db": {"tcp": {"address": "db:5432"}}},
			  "requires": {"config": ["LOG_LEVEL"], "services": {"production/orders": ">= 2.3.0"}},
			  "window": {"allow": ["Mon-Thu 09:00-16:00"], "timezone": "Europe/Amsterdam", "freezes": ["2026-12-20/2027-01-03"]},
			  "override": {"skip": ["window", "db"], "reason": "INC-4711"}, "valid_for": "30m"}`,
			delivery.PreflightSpec{
				Content: &full,
				Checks: map[string]service.Check{"db": {TCP: &service.TCPCheck{
					Address: "db:5432", Timeout: service.Duration(5 * time.Second), Interval: service.Duration(time.Second),
				}}},
				RequireConfig: []string{"LOG_LEVEL"}, RequireServices: map[string]string{"production/orders": ">= 2.3.0"},
				Window:   &delivery.Window{Allow: []string{"Mon-Thu 09:00-16:00"}, Timezone: "Europe/Amsterdam", Freezes: []string{"2026-12-20/2027-01-03"}},
				Override: &delivery.Override{Skip: []string{"window", "db"}, Reason: "INC-4711"},
				ValidFor: service.Duration(30 * time.Minute),
			},
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
}

func TestValidate(t *testing.T) {
	requires, window, override := path.Root("requires"), path.Root("window"), path.Root("override")
	tests := map[string]struct {
		given string
		at    path.Path
		want  string
	}{
		"a check":            {`{"checks": {"it": {}}}`, path.Root("checks").AtMapKey("it"), "exactly one of"},
		"a service's id":     {`{"requires": {"services": {"orders": ">= 1"}}}`, requires.AtName("services").AtMapKey("orders"), "<environment>/<name>"},
		"a constraint":       {`{"requires": {"services": {"production/orders": "new"}}}`, requires.AtName("services").AtMapKey("production/orders"), ">= 2.3.0"},
		"a missing key":      {`{"requires": {"config": ["LOG_LEVEL", "A"]}, "content": ` + contentJSON + `}`, requires.AtName("config").AtListIndex(1), "A is not in the content's config"},
		"no time":            {`{"window": {"allow": []}}`, window.AtName("allow"), "or leave"},
		"a time":             {`{"window": {"allow": ["09:00-17:00", "Mon-Thu 9-16"]}}`, window.AtName("allow").AtListIndex(1), "Mon-Thu 09:00-16:00"},
		"a freeze":           {`{"window": {"freezes": ["christmas"]}}`, window.AtName("freezes").AtListIndex(0), "2026-12-24"},
		"a time zone":        {`{"window": {"allow": ["09:00-17:00"], "timezone": "Amsterdam"}}`, window.AtName("timezone"), "Europe/Amsterdam"},
		"the local zone":     {`{"window": {"allow": ["09:00-17:00"], "timezone": "Local"}}`, window.AtName("timezone"), "another time zone on every machine"},
		"an empty window":    {`{"window": {}}`, window, "at least one of allow, freezes"},
		"no reason":          {`{"override": {"skip": ["window"], "reason": " "}}`, override.AtName("reason"), "Say why"},
		"nothing skipped":    {`{"override": {"skip": [], "reason": "x"}}`, override.AtName("skip"), "window, requires, health, checks"},
		"an unknown part":    {`{"override": {"skip": ["windows"], "reason": "x"}, "checks": {"db": {"tcp": {}}}}`, override.AtName("skip").AtListIndex(0), "or one of the checks db"},
		"another's content":  {`{"release": "production/web/1.0.0-00000000", "content": ` + contentJSON + `}`, path.Root("content"), "release_id"},
		"a known constraint": {`{"requires": {"config": "<unknown>", "services": {"production/orders": "="}}}`, requires.AtName("services").AtMapKey("production/orders"), ">= 2.3.0"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			configtest.WantOne(t, validate(t.Context(), read(t, test.given)), test.at, test.want)
		})
	}
}

func TestValidateTakesTheReleaseOfItsContent(t *testing.T) {
	release := string(contentSpec().ReleaseID("production/web"))
	if diags := validate(t.Context(), read(t, `{"release": "`+release+`", "content": `+contentJSON+`}`)); diags.HasError() {
		t.Error(diags)
	}
}

func TestValidateIsSilentOnUnknown(t *testing.T) {
	for _, text := range []string{
		`{"content": "<unknown>", "checks": "<unknown>", "requires": "<unknown>", "window": "<unknown>", "override": "<unknown>", "valid_for": "<unknown>"}`,
		`{"requires": {"config": "<unknown>", "services": "<unknown>"}}`,
		`{"requires": {"config": ["A"]}}`,
		`{"requires": {"config": ["A"]}, "content": "<unknown>"}`,
		`{"requires": {"config": ["A"]}, "content": {"version": "1", "config": "<unknown>"}}`,
		`{"requires": {"config": ["<unknown>"], "services": {"production/orders": "<unknown>"}}, "content": ` + contentJSON + `}`,
		`{"release": "production/web/1.0.0-00000000", "content": {"version": "1.0.0", "artifact": "<unknown>", "host": {"command": ["./web"]}}}`,
		`{"release": "<unknown>", "content": ` + contentJSON + `}`,
		`{"window": {"allow": ["<unknown>"], "timezone": "<unknown>"}}`,
		`{"window": {"allow": "<unknown>"}}`,
		`{"override": {"skip": "<unknown>", "reason": "<unknown>"}}`,
		`{"override": {"skip": ["<unknown>"], "reason": "x"}}`,
		`{"override": {"skip": ["db"], "reason": "x"}, "checks": "<unknown>"}`,
	} {
		if diags := validate(t.Context(), read(t, text)); len(diags) > 0 {
			t.Errorf("%s: got %v, want silence", text, diags)
		}
	}
}

func TestPlanWarnsOfAnOverride(t *testing.T) {
	m := read(t, `{"release": "production/web/1.0.0-00000000", "override": {"skip": ["window"], "reason": "INC-4711"}}`)
	for name, test := range map[string]struct {
		changes stage.Change
		mode    service.Mode
		warned  bool
	}{
		"on create":           {stage.Changed, "", true},
		"another release":     {stage.Changed, service.ModeUpdate, true},
		"a rollback":          {stage.Changed, service.ModeRollback, false},
		"only the override":   {stage.Unchanged, service.ModeUpdate, false},
		"perhaps another one": {stage.ChangeUnknown, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			var warnings []string
			p := stage.Planning[model]{
				Plan: &m, ReleaseChanges: test.changes, ArgumentsChange: true, Mode: test.mode,
				Warn: func(summary, detail string) { warnings = append(warnings, summary+": "+detail) },
			}
			if diags := plan(t.Context(), p); diags.HasError() {
				t.Fatal(diags)
			}
			if warned := strings.Contains(strings.Join(warnings, ""), "INC-4711"); warned != test.warned {
				t.Errorf("got warnings %v, want one: %v", warnings, test.warned)
			}
		})
	}
}
