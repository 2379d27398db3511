package checkpoint

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/stage"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/whole"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// What holds where nothing is written.
const (
	defaultRetain    = 10
	defaultValidFor  = time.Hour
	defaultTimeout   = 10 * time.Minute
	defaultOnRestore = "keep"
)

type model struct {
	stage.Common
	Service          types.String `tfsdk:"service"`
	Backups          types.Map    `tfsdk:"backups"`
	Retain           whole.Number `tfsdk:"retain"`
	ValidFor         types.String `tfsdk:"valid_for"`
	ID               types.String `tfsdk:"id"`
	Location         types.String `tfsdk:"location"`
	RestoreProcedure types.String `tfsdk:"restore_procedure"`
}

type backupModel struct {
	Files     types.Object `tfsdk:"files"`
	Command   types.Object `tfsdk:"command"`
	OnRestore types.String `tfsdk:"on_restore"`
}

type filesModel struct {
	Path types.String `tfsdk:"path"`
}

type commandModel struct {
	Save        types.List   `tfsdk:"save"`
	Restore     types.List   `tfsdk:"restore"`
	Environment types.Map    `tfsdk:"environment"`
	Secrets     types.Map    `tfsdk:"secrets"`
	Timeout     types.String `tfsdk:"timeout"`
}

// toSpec is the engine's form, with the defaults where nothing is written.
func (m model) toSpec(ctx context.Context) (delivery.CheckpointSpec, diag.Diagnostics) {
	var diags diag.Diagnostics
	spec := delivery.CheckpointSpec{
		Retain:   plain.Int(m.Retain, defaultRetain),
		ValidFor: duration.ToDuration(m.ValidFor, defaultValidFor, path.Root("valid_for"), &diags),
	}
	for name, element := range m.Backups.Elements() {
		if spec.Backups == nil {
			spec.Backups = map[string]service.Backup{}
		}
		spec.Backups[name] = toBackup(ctx, path.Root("backups").AtMapKey(name), element, &diags)
	}
	return spec, diags
}

func toBackup(ctx context.Context, at path.Path, element attr.Value, diags *diag.Diagnostics) service.Backup {
	backup := service.Backup{OnRestore: defaultOnRestore}
	object, _ := element.(types.Object)
	m, found := plain.Object[backupModel](ctx, object, diags)
	if !found {
		return backup
	}
	if how, known := plain.Known(m.OnRestore); known {
		backup.OnRestore = how
	}
	if files, found := plain.Object[filesModel](ctx, m.Files, diags); found {
		backup.Files = &service.FilesBackup{Path: files.Path.ValueString()}
	}
	if command, found := plain.Object[commandModel](ctx, m.Command, diags); found {
		backup.Command = &service.CommandBackup{
			Save: plain.Strings(command.Save), Restore: plain.Strings(command.Restore),
			Environment: plain.StringMap(command.Environment), Secrets: plain.StringMap(command.Secrets),
			Timeout: duration.ToDuration(command.Timeout, defaultTimeout, at.AtName("command").AtName("timeout"), diags),
		}
	}
	return backup
}
