package judgement

import (
	"time"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/whole"
)

func errorsAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "Judges the share of answers with a status from 500. `errors = {}` compares with the stable release.",
		Attributes: handled("`max_rate`", map[string]schema.Attribute{
			"max_rate": schema.Float64Attribute{
				Optional:            true,
				MarkdownDescription: "Absolute limit of the share of errors, from 0 to 1, whatever the stable release does. Default: none.",
			},
			"versus_stable": schema.BoolAttribute{
				Optional:            true,
				MarkdownDescription: "Restore when the release answers with more errors than the stable one, by more than chance. Default: `true`.",
			},
			"margin": marginAttribute("errors"),
		}),
	}
}

func latencyAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "Judges the share of requests that take longer than `threshold`.",
		Attributes: handled("`max_ratio`", map[string]schema.Attribute{
			"threshold": schema.StringAttribute{
				Required: true, Validators: []validator.String{duration.AtLeast(time.Millisecond)},
				MarkdownDescription: "Time from which a request counts as slow, such as `400ms`. The nearest bound of the histogram's buckets is taken; a plan warns where that is another one.",
			},
			"max_ratio": schema.Float64Attribute{
				Optional:            true,
				MarkdownDescription: "Absolute limit of the share of slow requests, from 0 to 1. Default: none.",
			},
			"versus_stable": schema.BoolAttribute{
				Optional:            true,
				MarkdownDescription: "Restore when the release has more slow requests than the stable one, by more than chance. Default: `true`.",
			},
			"margin": marginAttribute("slow requests"),
		}),
	}
}

func marginAttribute(of string) schema.Attribute {
	return schema.Float64Attribute{
		Optional: true,
		MarkdownDescription: "How much larger than stable's the share of " + of + " may be, from 0 to 1: a step ends only when it is shown, with `confidence`, not to be larger than that. " +
			"A smaller margin needs more requests: where stable has hardly any " + of + ", 0.05 takes about 140 requests a step, 0.01 about 900; `judgement` says how many it takes here. 0: that is not asked. Default: 0.05.",
	}
}

// handled adds what all rules have: what is to follow when they are broken. limit names the attributes of their absolute limit.
func handled(limit string, attributes map[string]schema.Attribute) map[string]schema.Attribute {
	attributes["failure_limit"] = schema.Int64Attribute{
		CustomType: whole.Type{}, Optional: true,
		MarkdownDescription: "How many looks in all may exceed " + limit + "; one more breaks the rule, whatever chance says. Default: any number.",
	}
	attributes["consecutive_failure_limit"] = schema.Int64Attribute{
		CustomType: whole.Type{}, Optional: true,
		MarkdownDescription: "How many looks in a row may exceed " + limit + "; one more breaks the rule, whatever chance says. Default: any number.",
	}
	attributes["dry_run"] = schema.BoolAttribute{
		Optional:            true,
		MarkdownDescription: "The rule is judged and told, and decides nothing. Default: `false`.",
	}
	attributes["critical"] = schema.BoolAttribute{
		Optional:            true,
		MarkdownDescription: "Restore when the rule is broken; `false`: no step ends then, and nothing is restored. Default: `true`.",
	}
	return attributes
}

func businessAttribute() schema.Attribute {
	number := func(description string) schema.Attribute {
		return schema.Float64Attribute{Optional: true, MarkdownDescription: description}
	}
	attributes := handled("`min` or `max`", map[string]schema.Attribute{
		"query": schema.StringAttribute{
			Required: true,
			MarkdownDescription: "What is counted or measured. With `metrics.prometheus` a template of PromQL, with the placeholders of its own `queries`: a selector, of which the increase is taken series by series, such as " +
				"`orders_total{instance=~\"{{instances}}\"}`, or an expression with `{{interval}}` that is itself a count; of a gauge any that is one number, or one an instance. " +
				"Else the name of a series of `metrics.scrape`, with labels where they are needed: `orders_total{kind=\"paid\"}`.",
		},
		"type": schema.StringAttribute{
			Optional: true, Validators: []validator.String{kinds},
			MarkdownDescription: "`counter`: the number grows with the traffic, and is judged for each request. `gauge`: it is a value of now, and is judged by its rank among stable's. Default: `counter`.",
		},
		"direction": schema.StringAttribute{
			Optional:            true,
			MarkdownDescription: "`up`: more is better. `down`: less is better. `either`: it should be as stable's. Default: by the bounds that are given, `up` for `versus_stable_min` or `min`, `down` for `versus_stable_max` or `max`, `either` for both.",
		},
		"versus_stable_min": number("Least ratio to the stable release's number that is allowed, such as 0.95. Default: none."),
		"versus_stable_max": number("Largest ratio to the stable release's number that is allowed, such as 1.05. Default: none."),
		"min":               number("Absolute limit of a gauge: the least value. Default: none."),
		"max":               number("Absolute limit of a gauge: the largest value. Default: none."),
	})
	attributes["consecutive_failure_limit"] = schema.Int64Attribute{
		CustomType: whole.Type{}, Optional: true,
		MarkdownDescription: "How many looks in a row may exceed `min` or `max`; one more breaks the rule, whatever chance says. Default: 2 where there is no `failure_limit` either.",
	}
	return schema.MapNestedAttribute{
		Optional: true,
		MarkdownDescription: "Numbers of the business by name, such as `orders = { query = \"orders_total\", versus_stable_min = 0.95 }`. " +
			"Each needs at least one of `versus_stable_min` and `versus_stable_max`, or for a gauge `min` and `max`.",
		NestedObject: schema.NestedAttributeObject{Attributes: attributes},
	}
}
