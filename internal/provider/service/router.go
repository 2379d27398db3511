package service

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/choice"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/plain"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func routerAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "What splits the traffic between slots. Exactly one of: `caddy`, `haproxy`, `gateway_api` (to come). " +
			"Without a router, a release takes the place of the one before it at once.",
		Attributes: map[string]schema.Attribute{
			"caddy":       caddyAttribute(),
			"haproxy":     haproxyAttribute(),
			"gateway_api": choice.ToCome("An HTTPRoute of the Kubernetes Gateway API.", map[string]schema.Attribute{}),
		},
	}
}

type routerModel struct {
	Caddy      types.Object `tfsdk:"caddy"`
	HAProxy    types.Object `tfsdk:"haproxy"`
	GatewayAPI types.Object `tfsdk:"gateway_api"`
}

// toRouter is nil where there is none.
func toRouter(ctx context.Context, object types.Object, diags *diag.Diagnostics) *service.Router {
	router, found := plain.Object[routerModel](ctx, object, diags)
	if !found {
		return nil
	}
	var of service.Router
	if caddy, found := plain.Object[caddyModel](ctx, router.Caddy, diags); found {
		of.Caddy = caddy.toDefinition(diags)
	}
	if haproxy, found := plain.Object[haproxyModel](ctx, router.HAProxy, diags); found {
		of.HAProxy = haproxy.toDefinition(ctx, diags)
	}
	if of == (service.Router{}) {
		return nil
	}
	return &of
}

func fromRouter(r service.Router) map[string]any {
	router := map[string]any{}
	if r.Caddy != nil {
		router["caddy"] = fromCaddy(*r.Caddy)
	}
	if r.HAProxy != nil {
		router["haproxy"] = fromHAProxy(*r.HAProxy)
	}
	return router
}
