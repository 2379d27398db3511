package trafficsplit

import (
	"time"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/checks"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/judgement"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/stage"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/whole"
)

// repeated is `checks`.
func repeated() schema.Attribute {
	attribute := checks.Optional("against the instances of the release, and repeated every `check_interval` while it is at a step")
	attribute.MarkdownDescription += " One that fails speaks against the release; each that passes counts as a request of a step that has too few. A step does not end before they have run once, and waits for those that run."
	return attribute
}

func resourceSchema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "Step 5: gives the candidate its share of the traffic, in steps or at once, and judges it all the time; what fails restores the checkpoint. " +
			"The service needs a `router`. Where the release is the stable one, or the first one of its service, any weight is satisfied.",
		Attributes: stage.Computed(map[string]schema.Attribute{
			"release": stage.ReleaseArgument("Id of the release to shift traffic to: `deploy_smoke_test.<name>.release`, or `deploy_release.<name>.release` where there is no smoke test."),
			"weight": schema.Int64Attribute{
				CustomType: whole.Type{},
				Required:   true,
				MarkdownDescription: "Share of the traffic in whole percent, 1 to 100, that the candidate gets and keeps. `weight = 25` is a place to stay; change it to 100 to go on. " +
					"A rollback goes to 100, whatever is written here.",
			},
			"steps": schema.ListNestedAttribute{
				Optional: true,
				MarkdownDescription: "Weights on the way up, each higher than the one before; those below `weight` are walked, then `weight` itself, for the pause of a step with that weight if there is one. " +
					"Going down, or repairing weights that were moved by hand, walks none. Default: `weight` at once.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"weight": schema.Int64Attribute{
						CustomType:          whole.Type{},
						Required:            true,
						MarkdownDescription: "Share of the traffic in whole percent, 1 to 100.",
					},
					"pause": schema.StringAttribute{
						Optional: true, Validators: []validator.String{duration.Any()},
						MarkdownDescription: "How long to stay at least, unless `advance` says otherwise; `analysis` may stay longer, until it has seen enough. Default: `0s`.",
					},
				}},
			},
			"analysis": judgement.Attribute("Judges the candidate under traffic, at every step and at `weight`."),
			"checks":   repeated(),
			"check_interval": schema.StringAttribute{
				Optional: true, Validators: []validator.String{duration.AtLeast(time.Second)},
				MarkdownDescription: "Time between two rounds of `checks`. Default: `10s`.",
			},
			"advance": schema.StringAttribute{
				Optional:   true,
				Validators: []validator.String{advances{}},
				MarkdownDescription: "When a step ends that shows nothing wrong: `after_pause`, when its `pause` is over and enough was seen; or `when_confident`, as soon as enough was seen, also before the pause is over, " +
					"for which `analysis` needs a comparison with a `margin`. Enough are its `min_requests`, and what it takes to show that the margins hold. Default: `after_pause`.",
			},
			"judgement": judgement.LinesAttribute(),
			"weights": schema.MapAttribute{
				Computed: true, ElementType: types.Int64Type,
				MarkdownDescription: "Share of the traffic in whole percent by slot, as the data plane says. Several nodes of a router that differ give about their mean, together 99, which no split is.",
			},
			"promoted": schema.StringAttribute{
				Computed: true,
				MarkdownDescription: "Id of the release that has a weight of 100: `release` once it has, until then the one before it. Verification and finalization take it, " +
					"so that they wait for the 100.",
			},
		}),
	}
}
