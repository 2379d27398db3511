package service

import (
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/duration"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const defaultAdmin = "http://localhost:2019"

func caddyAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "A stock Caddy on this machine that reads a share file for each request: no configuration is loaded, so no request is lost.",
		Attributes: map[string]schema.Attribute{
			"share_file": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Absolute path of the share file, such as `/var/lib/caddy/web.share`. The provider writes it, Caddy reads it.",
			},
			"admin":         textAttribute("URL of Caddy's admin API, which is only read. Default: `http://localhost:2019`."),
			"drain_timeout": durationAttribute("Longest wait for the requests in flight to an instance to end, before it is stopped. Default: `30s`."),
		},
	}
}

type caddyModel struct {
	ShareFile    types.String `tfsdk:"share_file"`
	Admin        types.String `tfsdk:"admin"`
	DrainTimeout types.String `tfsdk:"drain_timeout"`
}

func (c caddyModel) toDefinition(diags *diag.Diagnostics) *service.CaddyRouter {
	at := path.Root("router").AtName("caddy")
	return &service.CaddyRouter{
		ShareFile: c.ShareFile.ValueString(), Admin: text(c.Admin, defaultAdmin),
		DrainTimeout: duration.ToDuration(c.DrainTimeout, defaultDrain, at.AtName("drain_timeout"), diags),
	}
}

func fromCaddy(c service.CaddyRouter) map[string]any {
	return map[string]any{
		"share_file": c.ShareFile, "admin": unless(c.Admin, defaultAdmin), "drain_timeout": fromDuration(c.DrainTimeout, defaultDrain),
	}
}
