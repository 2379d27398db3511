// Package judgement is the object `analysis` that traffic split and verification share: how a candidate is judged
// under traffic.
package judgement

import (
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/float64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/whole"
)

// Attribute is `analysis`. what says what is judged.
func Attribute(what string) schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: what + " At least one of `errors` and `latency`. The service needs `metrics`. " +
			"Nothing passes on zero measurements. A change of the analysis alone judges nothing.",
		Attributes: map[string]schema.Attribute{
			"interval": schema.StringAttribute{
				Optional: true, Validators: []validator.String{duration.AtLeast(100 * time.Millisecond)},
				MarkdownDescription: "Time between two looks at the metrics. Default: `1s`.",
			},
			"confidence": schema.Float64Attribute{
				Optional:            true,
				MarkdownDescription: "Confidence of all judgements of a release together, above 0 and below 1, however often one looks. Default: 0.99.",
			},
			"errors":  errorsAttribute(),
			"latency": latencyAttribute(),
			"min_requests": schema.Int64Attribute{
				CustomType: whole.Type{},
				Optional:   true, Validators: []validator.Int64{int64validator.AtLeast(1)},
				MarkdownDescription: "Requests that the release must have answered before a step may end. Default: 100.",
			},
			"max_pause": schema.StringAttribute{
				Optional: true, Validators: []validator.String{duration.AtLeast(time.Second)},
				MarkdownDescription: "Longest stay at a step that has seen too little to go on; then `on_inconclusive` decides. Default: `30m`.",
			},
			"on_no_data":      policyAttribute("the metrics' source answers, and what is asked for is not in the answer", "wait", withWait),
			"on_source_error": policyAttribute("the metrics' source does not answer", "wait", withWait),
			"on_inconclusive": policyAttribute("`max_pause` is over, and too little was seen to judge", "pause", withoutWait),
		},
	}
}

func errorsAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "Judges the share of answers with a status from 500. `errors = {}` compares with the stable release.",
		Attributes: map[string]schema.Attribute{
			"max_rate": schema.Float64Attribute{
				Optional: true, Validators: []validator.Float64{float64validator.Between(0, 1)},
				MarkdownDescription: "Absolute limit of the share of errors, from 0 to 1, whatever the stable release does. Default: none.",
			},
			"versus_stable": schema.BoolAttribute{
				Optional:            true,
				MarkdownDescription: "Restore when the release answers with more errors than the stable one, by more than chance. Default: `true`.",
			},
			"margin": schema.Float64Attribute{
				Optional: true, Validators: []validator.Float64{float64validator.Between(0, 1)},
				MarkdownDescription: "Difference in the share of errors, from 0 to 1, that is still as good as the stable release. Default: 0.01.",
			},
		},
	}
}

func latencyAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "Judges the share of requests that take longer than `threshold`.",
		Attributes: map[string]schema.Attribute{
			"threshold": schema.StringAttribute{
				Required: true, Validators: []validator.String{duration.AtLeast(time.Millisecond)},
				MarkdownDescription: "Time from which a request counts as slow, such as `400ms`; the nearest bound of the histogram's buckets is taken.",
			},
			"max_ratio": schema.Float64Attribute{
				Optional: true, Validators: []validator.Float64{float64validator.Between(0, 1)},
				MarkdownDescription: "Absolute limit of the share of slow requests, from 0 to 1. Default: none.",
			},
			"versus_stable": schema.BoolAttribute{
				Optional:            true,
				MarkdownDescription: "Restore when the release has more slow requests than the stable one, by more than chance. Default: `true`.",
			},
		},
	}
}
