package service

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func notifyAttribute() schema.Attribute {
	return schema.MapNestedAttribute{
		Optional:            true,
		MarkdownDescription: "Webhooks that are told, as JSON, what happens; by names of your choice. Each message is tried until it arrives, for a day, and may arrive twice; none delays a release.",
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"url": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Name of the credential that holds the URL, or the URL itself where it holds no secret.",
			},
			"on": listAttribute("Any of `started`, `succeeded`, `rolled_back`, `restore_failed`. Default: all of them."),
		}},
	}
}

type notificationModel struct {
	URL types.String `tfsdk:"url"`
	On  types.List   `tfsdk:"on"`
}

func toNotify(ctx context.Context, notify types.Map, diags *diag.Diagnostics) map[string]service.Notification {
	var channels map[string]service.Notification
	for name, value := range notify.Elements() {
		n, found := element[notificationModel](ctx, value, diags)
		if !found {
			continue
		}
		if channels == nil {
			channels = map[string]service.Notification{}
		}
		channels[name] = service.Notification{URL: n.URL.ValueString(), On: plain.Strings(n.On)}
	}
	return channels
}

func fromNotify(channels map[string]service.Notification) any {
	if len(channels) == 0 {
		return nil
	}
	notify := map[string]any{}
	for name, n := range channels {
		notify[name] = map[string]any{"url": n.URL, "on": fromList(n.On)}
	}
	return notify
}

// validateNotify refuses channels that are nothing, or are told nothing.
func (m model) validateNotify(ctx context.Context, diags *diag.Diagnostics) {
	for name, value := range m.Notify.Elements() {
		at := path.Root("notify").AtMapKey(name)
		if value.IsNull() {
			diags.AddAttributeError(at, invalid, "A channel needs its url; remove it where none is wanted.")
			continue
		}
		n, found := element[notificationModel](ctx, value, diags)
		if found && !n.On.IsNull() && !n.On.IsUnknown() && len(n.On.Elements()) == 0 {
			diags.AddAttributeError(at.AtName("on"), invalid, "It is told nothing: write any of started, succeeded, rolled_back, restore_failed; or leave `on` out, which is all of them.")
		}
	}
}
