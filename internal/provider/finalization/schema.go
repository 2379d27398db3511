package finalization

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/stage"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/whole"
)

func resourceSchema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "Step 7: after the bake time, under the judgement of the stages before, the release is the stable one; the old release is stopped and kept ready, " +
			"older ones are removed, and the ledger closes the attempt. What fails while it bakes restores the checkpoint.",
		Attributes: stage.Computed(map[string]schema.Attribute{
			"release": stage.ReleaseArgument("Id of the release to finalize: `deploy_verification.<name>.release`, `deploy_traffic_split.<name>.promoted` or `deploy_release.<name>.release`, whichever comes last."),
			"bake_time": schema.StringAttribute{
				Optional: true, Validators: []validator.String{duration.Any()},
				MarkdownDescription: "How long the release is watched with all of the traffic before it is finalized. Default: `0s`.",
			},
			"keep_previous": schema.Int64Attribute{
				CustomType: whole.Type{},
				Optional:   true, Validators: []validator.Int64{int64validator.AtLeast(0)},
				MarkdownDescription: "How many releases before this one are kept ready for an instant rollback. Default: 1.",
			},
			"finalized": schema.StringAttribute{
				Computed: true,
				MarkdownDescription: "Id of the release that was finalized, unknown until it is: the one to use in outputs, which Terraform evaluates even when a stage has failed. " +
					"It hangs on what happened, not on what is wanted.",
			},
			"finalized_at": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "When that was, in RFC 3339, on the store's clock.",
			},
		}),
	}
}
