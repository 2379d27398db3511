package checkpoint

import (
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/stage"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/whole"
)

func resourceSchema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "Step 2: records the stable release with its configuration and traffic weights, backs data up and verifies the backups, and writes down how to restore. " +
			"A stage that fails later puts this back.",
		Attributes: stage.Computed(map[string]schema.Attribute{
			"service": stage.ServiceArgument(),
			"release": stage.ReleaseArgument("Id of the release that is about to be introduced: `deploy_preflight.<name>.release`, or `provider::deploy::release_id(…)` where there is no preflight."),
			"backups": schema.MapNestedAttribute{
				Optional:            true,
				MarkdownDescription: "Data to back up, by name. Each has exactly one of `files` and `command`. Every backup is checksummed, and read back, before the release goes on.",
				NestedObject:        schema.NestedAttributeObject{Attributes: backupAttributes()},
			},
			"retain": schema.Int64Attribute{
				CustomType: whole.Type{},
				Optional:   true, Validators: []validator.Int64{int64validator.AtLeast(1)},
				MarkdownDescription: "How many checkpoints of the service are kept, with their data; older ones are deleted. Default: 10.",
			},
			"valid_for": schema.StringAttribute{
				Optional: true, Validators: []validator.String{duration.AtLeast(time.Second)},
				MarkdownDescription: "How long the checkpoint is good until the release's execution begins; after that it no longer stands and is taken again. Default: `1h`.",
			},
			"id": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "Id of the checkpoint that is taken for `release`, for `deploy_release`'s `checkpoint`.",
			},
			"location": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "Where the checkpoint's document lies in the store.",
			},
			"restore_procedure": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "How to restore the checkpoint by hand: shell commands with comments.",
			},
		}),
	}
}

func backupAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"files": schema.SingleNestedAttribute{
			Optional:            true,
			MarkdownDescription: "Saves a directory or a file.",
			Attributes: map[string]schema.Attribute{
				"path": schema.StringAttribute{Required: true, MarkdownDescription: "Absolute path, such as `/srv/web/uploads`."},
			},
		},
		"command": schema.SingleNestedAttribute{
			Optional:            true,
			MarkdownDescription: "Saves by a program, without a shell. Both commands get `DEPLOY_BACKUP`, the absolute path of a directory to write into or to read from.",
			Attributes: map[string]schema.Attribute{
				"save": schema.ListAttribute{
					Required: true, ElementType: types.StringType,
					MarkdownDescription: "Program and arguments that write the data into `DEPLOY_BACKUP`.",
				},
				"restore": schema.ListAttribute{
					Required: true, ElementType: types.StringType,
					MarkdownDescription: "Program and arguments that put the data of `DEPLOY_BACKUP` back. It may run more than once.",
				},
				"environment": schema.MapAttribute{
					Optional: true, ElementType: types.StringType,
					MarkdownDescription: "Further variables for both. Not for secrets.",
				},
				"secrets": schema.MapAttribute{
					Optional: true, ElementType: types.StringType,
					MarkdownDescription: "Names of the provider's `credentials` by the variable that holds the secret.",
				},
				"timeout": schema.StringAttribute{
					Optional: true, Validators: []validator.String{duration.AtLeast(time.Second)},
					MarkdownDescription: "Longest time that either may run. Default: `10m`.",
				},
			},
		},
		"on_restore": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "What a restore does with the data: `keep` leaves what was written since, `discard` puts the backup back, and what was written since is lost. " +
				"Default: `keep`.",
		},
	}
}
