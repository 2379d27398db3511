package checks

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/whole"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Where nothing is written: how long one request may take, and how long to wait before the next one.
const (
	httpTimeout  = 10 * time.Second
	httpInterval = 2 * time.Second
)

func httpAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "Sends a request and looks at the answer.",
		Attributes: map[string]schema.Attribute{
			"path": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Path that every instance of the release under test is asked for, such as `/healthz`. Exactly one of `path` and `url`.",
			},
			"url": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "URL that is asked as it stands, such as that of an external integration.",
			},
			"method": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Method of the request. Default: `GET`.",
			},
			"headers": schema.MapAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Headers of the request. Not for secrets.",
			},
			"body": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Body of the request. Not for secrets.",
			},
			"status": schema.ListAttribute{
				Optional: true, ElementType: whole.Type{},
				MarkdownDescription: "Status codes that are accepted. Default: 200 to 299.",
			},
			"body_matches": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Regular expression (RE2) that the body of the answer must match.",
			},
			"json": schema.MapAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Values that the answer, a JSON document, must have, as text by JSONPath: `{ \"$.status\" = \"ok\" }`.",
			},
			"header_matches": schema.MapAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Regular expressions (RE2) by the name of the answer's header whose value must match.",
			},
			"max_latency": schema.StringAttribute{
				Optional: true, Validators: []validator.String{duration.AtLeast(time.Millisecond)},
				MarkdownDescription: "Longest time to the last byte of the answer, such as `300ms`. Default: `timeout` alone bounds it.",
			},
			"timeout": schema.StringAttribute{
				Optional: true, Validators: []validator.String{duration.AtLeast(time.Millisecond)},
				MarkdownDescription: "Longest time of one request. Default: `10s`.",
			},
			"retries": schema.Int64Attribute{
				CustomType:          whole.Type{},
				Optional:            true,
				MarkdownDescription: "How often a request that failed, for whatever reason, is sent again, `interval` apart. Default: 0.",
			},
			"interval": schema.StringAttribute{
				Optional: true, Validators: []validator.String{duration.Any()},
				MarkdownDescription: "Time between requests. Default: `2s`.",
			},
			"passes": schema.Int64Attribute{
				CustomType:          whole.Type{},
				Optional:            true,
				MarkdownDescription: "How many good answers must follow each other. Default: 1.",
			},
		},
	}
}

type httpModel struct {
	Path          types.String `tfsdk:"path"`
	URL           types.String `tfsdk:"url"`
	Method        types.String `tfsdk:"method"`
	Headers       types.Map    `tfsdk:"headers"`
	Body          types.String `tfsdk:"body"`
	Status        types.List   `tfsdk:"status"`
	BodyMatches   types.String `tfsdk:"body_matches"`
	JSON          types.Map    `tfsdk:"json"`
	HeaderMatches types.Map    `tfsdk:"header_matches"`
	MaxLatency    types.String `tfsdk:"max_latency"`
	Timeout       types.String `tfsdk:"timeout"`
	Retries       whole.Number `tfsdk:"retries"`
	Interval      types.String `tfsdk:"interval"`
	Passes        whole.Number `tfsdk:"passes"`
}

func httpToSpec(ctx context.Context, at path.Path, object types.Object, diags *diag.Diagnostics) *service.HTTPCheck {
	m, found := plain.Object[httpModel](ctx, object, diags)
	if !found {
		return nil
	}
	return &service.HTTPCheck{
		Path:          m.Path.ValueString(),
		URL:           m.URL.ValueString(),
		Method:        m.Method.ValueString(),
		Headers:       plain.StringMap(m.Headers),
		Body:          m.Body.ValueString(),
		Status:        plain.Ints(m.Status),
		BodyMatches:   m.BodyMatches.ValueString(),
		JSON:          plain.StringMap(m.JSON),
		HeaderMatches: plain.StringMap(m.HeaderMatches),
		MaxLatency:    duration.ToDuration(m.MaxLatency, 0, at.AtName("max_latency"), diags),
		Timeout:       duration.ToDuration(m.Timeout, httpTimeout, at.AtName("timeout"), diags),
		Retries:       plain.Int(m.Retries, 0),
		Interval:      duration.ToDuration(m.Interval, httpInterval, at.AtName("interval"), diags),
		Passes:        plain.Int(m.Passes, 1),
	}
}
