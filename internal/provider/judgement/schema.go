// Package judgement is the object `analysis` that traffic split and verification share: how a candidate is judged
// under traffic.
package judgement

import (
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/analysis"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/whole"
)

// Attribute is `analysis`. what says what is judged.
func Attribute(what string) schema.SingleNestedAttribute {
	attributes := map[string]schema.Attribute{
		"interval": schema.StringAttribute{
			Optional: true, Validators: []validator.String{duration.AtLeast(200 * time.Millisecond)},
			MarkdownDescription: "Time between two looks at the metrics, at least `200ms`. One shorter than the source has something new is of no use: a Prometheus server is as new as its scrapes. Default: `1s`.",
		},
		"initial_delay": schema.StringAttribute{
			Optional: true, Validators: []validator.String{duration.Any()},
			MarkdownDescription: "Time after each raise of weight in which caches are cold and connections are made: what is seen in it counts neither for nor against the release. Default: `0s`.",
		},
		"confidence": schema.Float64Attribute{
			Optional: true,
			MarkdownDescription: "Confidence of all judgements of a release together, above 0 and below 1, however often one looks; each rule gets an even part of what is left of it. Default: 0.99: " +
				"of a hundred releases that are as good as stable and keep their limits, at most one is restored.",
		},
		"errors":   errorsAttribute(),
		"latency":  latencyAttribute(),
		"business": businessAttribute(),
		"min_requests": schema.Int64Attribute{
			CustomType: whole.Type{}, Optional: true, Validators: []validator.Int64{int64validator.AtLeast(1)},
			MarkdownDescription: "Requests that the release must have answered before a step may end. Default: 100.",
		},
		"min_bad": schema.Int64Attribute{
			CustomType: whole.Type{}, Optional: true, Validators: []validator.Int64{int64validator.AtLeast(1)},
			MarkdownDescription: fmt.Sprintf("Bad answers that a restore rests on at least; those of one cause, at once, count as few. A limit of 0 needs one alone. Default: %d.", analysis.DefaultMinBad),
		},
		"burst_window": schema.StringAttribute{
			Optional: true, Validators: []validator.String{duration.AtLeast(time.Millisecond)},
			MarkdownDescription: fmt.Sprintf("How far apart bad answers may be that are taken for those of one cause. Default: `%s`.", analysis.DefaultBurstWindow),
		},
		"max_pause": schema.StringAttribute{
			Optional: true, Validators: []validator.String{duration.AtLeast(time.Second)},
			MarkdownDescription: "Longest stay at a step that has seen too little to go on; then `on_inconclusive` decides. Default: `30m`.",
		},
		"on_inconclusive": schema.StringAttribute{
			Optional: true, Validators: []validator.String{withoutWait},
			MarkdownDescription: "What to do when `max_pause` is over, and too little was seen to judge: " + withoutWait.meaning() + ". Default: `pause`.",
		},
	}
	for _, p := range waiting {
		attributes[p.attribute], attributes[p.deadline] = p.schema(), p.deadlineSchema()
	}
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: what + " At least one of `errors`, `latency` and `business`. The service needs `metrics`. " +
			"Nothing passes on zero measurements. A change of the analysis alone judges nothing.",
		Attributes: attributes,
	}
}

// LinesAttribute is `judgement`: what Lines says.
func LinesAttribute() schema.Attribute {
	return schema.ListAttribute{
		Computed: true, ElementType: types.StringType,
		MarkdownDescription: "What the judgement takes, in sentences for the reader of a plan: how long and how many requests each step needs, and how the rules share `confidence`.",
	}
}
