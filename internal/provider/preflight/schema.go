package preflight

import (
	"time"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/checks"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/content"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/stage"
)

func resourceSchema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "Step 1, prepare: before anything is touched it makes sure that the stable release is healthy and complete, that there is room for both releases, " +
			"that every credential can be had, that what the release requires is there, that the window is open and that the checks pass. " +
			"A rollback asks for none of that.",
		Attributes: stage.Computed(map[string]schema.Attribute{
			"service": stage.ServiceArgument(),
			"release": stage.ReleaseArgument("Id of the release that is about to be introduced: `provider::deploy::release_id(deploy_service.<name>.id, local.<content>)`, since the release itself comes later."),
			"content": contentAttribute(),
			"checks": checks.Optional("against the environment: the stable release's instances where a check names no other place. On a first install there are none: " +
				"a check that asks them (`http` with `path`, `tcp` without `address`, `logs`, `metric`) is skipped then, and its result says so"),
			"requires": schema.SingleNestedAttribute{
				Optional:            true,
				MarkdownDescription: "What must be there before the release is introduced.",
				Attributes: map[string]schema.Attribute{
					"config": schema.ListAttribute{
						Optional: true, ElementType: types.StringType,
						MarkdownDescription: "Keys that the content's `config` must have. Asked for in the plan where `content` is given, else by `deploy_release` before it touches anything.",
					},
					"services": schema.MapAttribute{
						Optional: true, ElementType: types.StringType,
						MarkdownDescription: "Constraints on the versions of other services by their ids: `{ \"production/orders\" = \">= 2.3.0\" }`. The version of the stable release counts.",
					},
				},
			},
			"window":   windowAttribute(),
			"override": overrideAttribute(),
			"valid_for": schema.StringAttribute{
				Optional: true, Validators: []validator.String{duration.AtLeast(time.Second)},
				MarkdownDescription: "How long the preflight is good until the release's execution begins; after that it no longer stands and is planned again. Default: `1h`.",
			},
			"results": checks.ResultsAttribute(),
		}),
	}
}

// contentAttribute is deploy_release's, and optional.
func contentAttribute() schema.Attribute {
	attribute := content.Attribute()
	attribute.Required, attribute.Optional = false, true
	attribute.MarkdownDescription = "Content of the release, as `deploy_release` has it: then its configuration and its credentials are asked for here already. " +
		"Default: `deploy_release` asks, before it touches anything."
	return attribute
}

func windowAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "When a release may be introduced. Every raise of the traffic split's weight asks again. A rollback does not.",
		Attributes: map[string]schema.Attribute{
			"allow": schema.ListAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Times of the week: `\"Mon-Thu 09:00-16:00\"`, `\"Sat 10:00-12:00\"`, `\"09:00-17:00\"`. Default: always.",
			},
			"timezone": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "IANA name of the time zone, such as `Europe/Amsterdam`. Default: `UTC`.",
			},
			"freezes": schema.ListAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Days, or ranges of days with both ends included, on which no release is introduced: `\"2026-12-24\"`, `\"2026-12-20/2027-01-03\"`.",
			},
		},
	}
}

func overrideAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "Skips parts of the preflight, for emergencies: plan, ledger and notification say so.",
		Attributes: map[string]schema.Attribute{
			"skip": schema.ListAttribute{
				Required: true, ElementType: types.StringType,
				MarkdownDescription: "Any of `window`, `requires`, `health` (of the stable release), `checks` (all of them) and names of checks.",
			},
			"reason": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Why, such as the number of the incident.",
			},
		},
	}
}
