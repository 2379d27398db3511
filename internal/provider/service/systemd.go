package service

import (
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/choice"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const (
	defaultRestart      = "always"
	defaultRestartDelay = time.Second
)

// restarts are systemd's policies, as in systemd.service(5).
var restarts = []string{"no", "on-success", "on-failure", "on-abnormal", "on-watchdog", "on-abort", "always"}

func systemdAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "The units that systemd supervises instances by, one a slot and instance. With `supervisor = \"systemd\"` alone.",
		Attributes: map[string]schema.Attribute{
			"scope": textAttribute("Manager that has the units: `system`, or `user`, that of the user who logs in: it needs no root, and `loginctl enable-linger` to go on when nobody is logged in. Default: `system`."),
			"sudo":  truthAttribute("Whether systemctl, journalctl and what writes units and releases are run by `sudo -n`, for a user other than root. Default: `false`."),
			"user":  textAttribute("User that instances run as, in the system's scope. Default: the user who logs in; a dynamic user where that is root."),
			"group": textAttribute("Group that instances run as, in the system's scope. It has to be there, but where the user is a dynamic one. Default: that of the user."),
			"secrets": textAttribute("How `secrets` of a release come to instances: `environment`, as variables, from a file that root and the user who logs in alone can read; " +
				"or `credentials`, as files in `$CREDENTIALS_DIRECTORY` (systemd's `LoadCredential`). Default: `environment`."),
			"hardening": truthAttribute("Whether units have restrictions: read-only file systems, no new privileges, private temporary files and devices. " +
				"Those of the user's own manager have what it can do of that, and no file systems of their own. Default: `true`."),
			"writable": listAttribute("Absolute paths that instances may write to all the same, in the system's scope. They have to be there: a preflight says where one is not. With `hardening = false` nothing is read-only, and this has no effect."),
			"before": schema.ListAttribute{
				Optional: true, ElementType: types.ListType{ElemType: types.StringType},
				MarkdownDescription: "Commands that run before each start of an instance, in the release's directory, such as `[[\"./prepare\"]]` (systemd's `ExecStartPre`). One that fails speaks against the release, as its program's end does.",
			},
			"limits": mapAttribute("Resource limits by systemd's names, such as `{ MemoryMax = \"512M\", LimitNOFILE = \"65536\" }`: settings of systemd.resource-control(5), and the limits of systemd.exec(5). " +
				"Names that are none of them are refused in the plan, and so are values that are none of memory, tasks, processor shares, weights, scores and counts of files and processes; other values that systemd would leave out, such as of `LimitAS`, the preflight finds where it runs. " +
				"In the user's own manager those hold whose controllers the machine delegates to it (`Delegate` of `user@.service`)."),
			"restart":       textAttribute("When an instance that ended is started again: `no`, `on-success`, `on-failure`, `on-abnormal`, `on-watchdog`, `on-abort`, `always`. Default: `always`."),
			"restart_delay": durationAttribute("Wait before an instance is started again, where `restart` says that it is. Default: `1s`."),
			"drop_ins":      mapAttribute("Further settings of the units, as files by name, such as `{ \"10-nice.conf\" = \"[Service]\\nNice=5\\n\" }`. They have the last word."),
		},
	}
}

type systemdModel struct {
	Scope        types.String `tfsdk:"scope"`
	Sudo         types.Bool   `tfsdk:"sudo"`
	User         types.String `tfsdk:"user"`
	Group        types.String `tfsdk:"group"`
	Secrets      types.String `tfsdk:"secrets"`
	Hardening    types.Bool   `tfsdk:"hardening"`
	Writable     types.List   `tfsdk:"writable"`
	Before       types.List   `tfsdk:"before"`
	Limits       types.Map    `tfsdk:"limits"`
	Restart      types.String `tfsdk:"restart"`
	RestartDelay types.String `tfsdk:"restart_delay"`
	DropIns      types.Map    `tfsdk:"drop_ins"`
}

// toDefinition of nothing is all defaults.
func (s systemdModel) toDefinition(at path.Path, diags *diag.Diagnostics) *service.Systemd {
	d := &service.Systemd{
		Scope: text(s.Scope, service.ScopeSystem), Sudo: plain.Bool(s.Sudo, false), User: s.User.ValueString(), Group: s.Group.ValueString(),
		Secrets: text(s.Secrets, service.SecretsEnvironment), Unhardened: !plain.Bool(s.Hardening, true), Writable: plain.Strings(s.Writable),
		Limits: texts(s.Limits), DropIns: texts(s.DropIns),
		Restart: text(s.Restart, defaultRestart), RestartDelay: duration.ToDuration(s.RestartDelay, defaultRestartDelay, at.AtName("restart_delay"), diags),
	}
	for _, value := range s.Before.Elements() {
		command, _ := value.(types.List)
		d.Before = append(d.Before, append([]string{}, plain.Strings(command)...))
	}
	return d
}

func fromSystemd(s service.Systemd) any {
	written := map[string]any{
		"scope": unless(s.Scope, service.ScopeSystem), "sudo": unless(s.Sudo, false), "user": unless(s.User, ""), "group": unless(s.Group, ""),
		"secrets": unless(s.Secrets, service.SecretsEnvironment), "hardening": unless(!s.Unhardened, true), "restart": unless(s.Restart, defaultRestart),
		"restart_delay": fromDuration(s.RestartDelay, defaultRestartDelay),
		"writable":      fromList(s.Writable), "before": fromList(s.Before), "limits": fromMap(s.Limits), "drop_ins": fromMap(s.DropIns),
	}
	for _, value := range written {
		if value != nil {
			return written
		}
	}
	return nil
}

func (s systemdModel) validate(at path.Path, diags *diag.Diagnostics) {
	choice.Value(at.AtName("scope"), s.Scope, diags, service.ScopeSystem, service.ScopeUser)
	choice.Value(at.AtName("secrets"), s.Secrets, diags, service.SecretsEnvironment, service.SecretsCredentials)
	choice.Value(at.AtName("restart"), s.Restart, diags, restarts...)
	if s.Scope.ValueString() == service.ScopeUser && len(s.Writable.Elements()) > 0 {
		diags.AddAttributeError(at.AtName("writable"), invalid,
			"The user's own manager makes nothing read-only, so this has no effect: instances write where that user may. Leave it out, or write scope = \"system\".")
	}
	for i, value := range s.Before.Elements() {
		if command, is := value.(types.List); is && !command.IsUnknown() && len(command.Elements()) == 0 {
			diags.AddAttributeError(at.AtName("before").AtListIndex(i), invalid, "There is no command: write the program and its arguments, such as [\"./prepare\"]; remove it where none is wanted.")
		}
	}
}
