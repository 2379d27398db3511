package release

import (
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/content"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/stage"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/whole"
)

func resourceSchema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "Step 3, execute: the release is rolled out beside the stable one and watched until every instance runs it and is healthy. " +
			"Without a router it takes the place of the stable one. Should it fail, what ran before runs again when the apply ends. " +
			"A release that is stable, or is kept ready, is rolled back to: one probe, then all of the traffic.",
		Attributes: stage.Computed(map[string]schema.Attribute{
			"service": stage.ServiceArgument(),
			"checkpoint": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Id of the checkpoint that was taken for this release: `deploy_checkpoint.<name>.id`. Without one, the release records one itself, without data.",
			},
			"content": content.Attribute(),
			"health":  healthAttribute(),
			"max_attempts": schema.Int64Attribute{
				CustomType: whole.Type{},
				Optional:   true, Validators: []validator.Int64{int64validator.AtLeast(1)},
				MarkdownDescription: "How often the release may fail on evidence before it is held, and no apply introduces it any more. Default: `3`.",
			},
			"deletion_protection": schema.BoolAttribute{
				Optional:            true,
				MarkdownDescription: "Refuses, in the plan, to destroy this object while a release runs. Default: `true`. To replace it is refused in any case: another `restart` in the content runs the same anew.",
			},
			"release": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "Id of the release, `<environment>/<name>/<version>-<hash>`: known in the plan as soon as the content is.",
			},
			"mode": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "How the release is introduced: `install` (the first one), `update` (beside the stable one) or `rollback`.",
			},
			"replaces": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "Id of the release that carried the traffic when this one was begun; null for the first one.",
			},
			"interrupts": schema.BoolAttribute{
				Computed:            true,
				MarkdownDescription: "Whether the release before had to be stopped first, since the service has one slot.",
			},
			"slot": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "Slot that the release runs in.",
			},
			"instances": schema.MapAttribute{
				Computed: true, ElementType: types.StringType,
				MarkdownDescription: "Id of the release that each instance runs, by the instance's name; empty where it does not run.",
			},
		}),
	}
}

func healthAttribute() schema.Attribute {
	length := func(description string) schema.Attribute {
		return schema.StringAttribute{
			Optional: true, Validators: []validator.String{duration.Any()}, MarkdownDescription: description,
		}
	}
	positive := func(description string) schema.Attribute {
		return schema.StringAttribute{
			Optional: true, Validators: []validator.String{duration.AtLeast(time.Millisecond)}, MarkdownDescription: description,
		}
	}
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "How one decides that the release's instances work.",
		Attributes: map[string]schema.Attribute{
			"http": schema.SingleNestedAttribute{
				Optional:            true,
				MarkdownDescription: "Asks each instance by HTTP. Default: a TCP connection.",
				Attributes: map[string]schema.Attribute{
					"path": schema.StringAttribute{
						Required:            true,
						MarkdownDescription: "Path, such as `/healthz`.",
					},
					"status": schema.ListAttribute{
						Optional: true, ElementType: whole.Type{},
						MarkdownDescription: "Status codes that mean healthy. Default: 200 to 299.",
					},
					"headers": schema.MapAttribute{
						Optional: true, ElementType: types.StringType,
						MarkdownDescription: "Headers of the request. Not for secrets.",
					},
				},
			},
			"min_healthy_time":  length("How long an instance must answer without a break. Default: `10s`."),
			"healthy_deadline":  positive("Longest wait for an instance to become healthy. Default: `5m`."),
			"progress_deadline": positive("Longest wait for the next instance to become healthy. Default: `10m`."),
			"interval":          positive("Time between probes. Default: `1s`."),
			"timeout":           positive("Time limit of one probe. Default: `2s`."),
			"deny_logs": schema.ListAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Regular expressions (RE2): a log line that matches while the release starts fails it at once.",
			},
		},
	}
}
