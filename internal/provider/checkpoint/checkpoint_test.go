package checkpoint

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/backup"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
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
	hour := service.Duration(time.Hour)
	tests := map[string]struct {
		given string
		want  delivery.CheckpointSpec
	}{
		"the least": {`{}`, delivery.CheckpointSpec{Retain: 10, ValidFor: hour}},
		"files": {`{"backups": {"uploads": {"files": {"path": "/srv"}}}, "retain": 1, "valid_for": "2h"}`, delivery.CheckpointSpec{
			Backups: map[string]service.Backup{"uploads": {Files: &service.FilesBackup{Path: "/srv"}, OnRestore: "keep"}},
			Retain:  1, ValidFor: 2 * hour,
		}},
		"command with defaults": {`{"backups": {"flags": {"command": {"save": ["a"], "restore": ["b"]}}}}`, delivery.CheckpointSpec{
			Backups: map[string]service.Backup{"flags": {
				Command:   &service.CommandBackup{Save: []string{"a"}, Restore: []string{"b"}, Timeout: service.Duration(10 * time.Minute)},
				OnRestore: "keep",
			}},
			Retain: 10, ValidFor: hour,
		}},
		"command with everything": {
			`{"backups": {"flags": {"command": {"save": ["a", "b"], "restore": ["c"], "environment": {"E": "1"}, "secrets": {"S": "name"}, "timeout": "1m"}, "on_restore": "discard"}}}`,
			delivery.CheckpointSpec{
				Backups: map[string]service.Backup{"flags": {
					Command: &service.CommandBackup{
						Save: []string{"a", "b"}, Restore: []string{"c"}, Environment: map[string]string{"E": "1"}, Secrets: map[string]string{"S": "name"},
						Timeout: service.Duration(time.Minute),
					},
					OnRestore: "discard",
				}},
				Retain: 10, ValidFor: hour,
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
			for _, b := range got.Backups {
				if problems := backup.Validate(b); len(problems) > 0 {
					t.Errorf("the engine refuses it: %v", problems)
				}
			}
		})
	}
}

func TestValidate(t *testing.T) {
	it := path.Root("backups").AtMapKey("it")
	tests := map[string]struct {
		given string
		at    path.Path
		want  string
	}{
		"none of the kinds": {`{"backups": {"it": {}}}`, it, "files, command"},
		"null":              {`{"backups": {"it": null}}`, it, "files, command"},
		"two kinds":         {`{"backups": {"it": {"files": {"path": "/srv"}, "command": {"save": ["a"], "restore": ["b"]}}}}`, it, "exactly one of files, command"},
		"a relative path":   {`{"backups": {"it": {"files": {"path": "srv"}}}}`, it.AtName("files").AtName("path"), "not an absolute path"},
		"no way back":       {`{"backups": {"it": {"command": {"save": ["a"], "restore": []}}}}`, it.AtName("command").AtName("restore"), "Give the program"},
		"on_restore":        {`{"backups": {"it": {"files": {"path": "/srv"}, "on_restore": "maybe"}}}`, it.AtName("on_restore"), "keep"},
		"a variable": {
			`{"backups": {"it": {"command": {"save": ["a"], "restore": ["b"], "secrets": {"1A": "x"}}}}}`,
			it.AtName("command").AtName("secrets").AtMapKey("1A"), "environment variable",
		},
		"a name that escapes": {`{"backups": {"../it": {"files": {"path": "/srv"}}}}`, path.Root("backups").AtMapKey("../it"), "not a name"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			configtest.WantOne(t, validate(t.Context(), read(t, test.given)), test.at, test.want)
		})
	}
}

func TestValidateIsSilentOnUnknown(t *testing.T) {
	for _, text := range []string{
		`{"backups": "<unknown>"}`,
		`{"backups": {"it": "<unknown>"}}`,
		`{"backups": {"it": {"files": "<unknown>"}}}`,
		`{"backups": {"it": {"files": {"path": "<unknown>"}, "on_restore": "<unknown>"}}}`,
		`{"backups": {"it": {"command": {"save": "<unknown>", "restore": ["<unknown>"], "secrets": {"S": "<unknown>"}, "timeout": "<unknown>"}}}}`,
	} {
		if diags := validate(t.Context(), read(t, text)); len(diags) > 0 {
			t.Errorf("%s: got %v, want silence", text, diags)
		}
	}
}

type noCredentials struct{}

func (noCredentials) Lookup(string) (string, error) { return "", errors.New("it is not there: set it") }

func TestPlan(t *testing.T) {
	const release = "production/web/1.0.0-00000000"
	m := read(t, `{"release": "`+release+`", "backups": {"it": {"command": {"save": ["a"], "restore": ["b"], "secrets": {"S": "name"}}}}}`)
	p := stage.Planning[model]{Plan: &m, ReleaseChanges: stage.Changed, ArgumentsChange: true, Credentials: noCredentials{}}
	at := path.Root("backups").AtMapKey("it").AtName("command").AtName("secrets").AtMapKey("S")
	configtest.WantOne(t, plan(t.Context(), p), at, "It is not there")
	if want := delivery.CheckpointID(release); m.ID.ValueString() != want {
		t.Errorf("id is planned as %s, want %s", m.ID, want)
	}
	p.ReleaseChanges, p.ArgumentsChange = stage.Unchanged, false
	if diags := plan(t.Context(), p); diags.HasError() {
		t.Errorf("nothing changes, and yet: %v", diags)
	}
	m.Release, p.ReleaseChanges, p.Credentials = types.StringUnknown(), stage.ChangeUnknown, nil
	if diags := plan(t.Context(), p); diags.HasError() || !m.ID.IsUnknown() {
		t.Errorf("got %s, %v, want an unknown id", m.ID, diags)
	}
}

func TestExport(t *testing.T) {
	exports := delivery.Exports{Location: "file:///x", Procedure: "# do"}
	m := model{Location: types.StringUnknown(), RestoreProcedure: types.StringNull()}
	m.Release = types.StringValue("production/web/1.0.0-00000000")
	export(&m, exports)
	if m.ID.ValueString() != "production/web/1.0.0-00000000/checkpoint" || m.Location.ValueString() != "file:///x" || m.RestoreProcedure.ValueString() != "# do" {
		t.Errorf("got %s, %s, %s", m.ID, m.Location, m.RestoreProcedure)
	}
	export(&m, delivery.Exports{Location: "file:///y"})
	if m.Location.ValueString() != "file:///x" {
		t.Errorf("location is %s instead of what was planned", m.Location)
	}
}
