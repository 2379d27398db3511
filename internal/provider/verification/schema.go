package verification

import (
	"time"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/checks"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/judgement"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/stage"
)

func resourceSchema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "Step 6: checks and judgement with all of the traffic, while the old release still runs. What fails restores the checkpoint. At least one of `checks` and `analysis`.",
		Attributes: stage.Computed(map[string]schema.Attribute{
			"release":  stage.ReleaseArgument("Id of the release to verify: `deploy_traffic_split.<name>.promoted`, which waits for a weight of 100; or `deploy_release.<name>.release` where there is no split."),
			"checks":   checks.Optional("against the instances of the release"),
			"analysis": judgement.Attribute("Judges the release with all of the traffic, against the baseline that the checkpoint recorded."),
			"duration": schema.StringAttribute{
				Optional: true, Validators: []validator.String{duration.AtLeast(time.Second)},
				MarkdownDescription: "How long `analysis` judges at least. Default: until it has seen enough: its `min_requests`, and what it takes to show that the margins hold.",
			},
			"judgement": judgement.LinesAttribute(),
			"results":   checks.ResultsAttribute(),
		}),
	}
}
