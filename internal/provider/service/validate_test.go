package service

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/configtest"
)

func TestValidate(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		// at is the path, want a part of the detail; both empty: accepted.
		at, want string
	}{
		"least":                  {least, "", ""},
		"whole":                  {full, "", ""},
		"no platform":            {`{"name":"web","environment":"production","platform":{}}`, "platform", "exactly one of: host"},
		"no router":              {strings.Replace(least, `"platform"`, `"router":{},"platform"`, 1), "router", "exactly one of: caddy"},
		"no metrics":             {strings.Replace(least, `"platform"`, `"metrics":{},"platform"`, 1), "metrics", "at least one of: scrape"},
		"kubernetes":             {`{"name":"web","environment":"production","platform":{"kubernetes":{"namespace":"web"}}}`, "platform.kubernetes", "not in this version of the provider; use host"},
		"two platforms":          {strings.Replace(least, `"host"`, `"kubernetes":{},"host"`, 1), "platform", "here host and kubernetes are set"},
		"two routers":            {strings.Replace(full, `"caddy"`, `"haproxy":{},"caddy"`, 1), "router", "here caddy and haproxy are set"},
		"gateway api":            {strings.Replace(least, `"platform"`, `"router":{"gateway_api":{}},"platform"`, 1), "router.gateway_api", "use caddy"},
		"haproxy's counters":     {strings.Replace(full, `"scrape"`, `"haproxy":{},"scrape"`, 1), "metrics.haproxy", "set router.haproxy, or use scrape"},
		"prometheus":             {strings.Replace(least, `"platform"`, `"metrics":{"prometheus":{"url":"http://p"}},"platform"`, 1), "", ""},
		"no URL of prometheus":   {strings.Replace(least, `"platform"`, `"metrics":{"prometheus":{"url":"p:9090"}},"platform"`, 1), "metrics.prometheus.url", "must be the url"},
		"unknown URL":            {strings.Replace(least, `"platform"`, `"metrics":{"prometheus":{"url":"<unknown>"}},"platform"`, 1), "", ""},
		"unknown placeholder":    {strings.Replace(full, `r{slot=\"{{slot}}\"}`, `r{slot=\"{{slto}}\"}`, 1), "metrics.prometheus.queries.requests", "{{slto}} is not known here; there are {{release}}, {{slot}}, {{instances}}, {{interval}}"},
		"unknown preset":         {strings.Replace(full, `"traefik"`, `"envoy"`, 1), "metrics.prometheus.preset", "caddy, haproxy, traefik"},
		"no slots, and a router": {strings.Replace(full, `"slots":{"blue":{"ports":[8080,8081]},"green":{"ports":[8090,8091]}}`, `"slots":{}`, 1), "platform.host.slots", "there is no slot"},
		"a null slot":            {strings.Replace(full, `"green":{"ports":[8090,8091]}`, `"green":null`, 1), `platform.host.slots["green"]`, "remove it where none is wanted"},
		"a null channel":         {strings.Replace(full, `"all":{"url":"https://example.com/hook"}`, `"all":null`, 1), `notify["all"]`, "remove it where none is wanted"},
		"a deaf channel":         {strings.Replace(full, `["started","rolled_back"]`, `[]`, 1), `notify["team"].on`, "leave `on` out"},
		"name":                   {strings.Replace(least, `"web"`, `"Web"`, 1), "name", "lower-case"},
		"environment":            {strings.Replace(least, `production`, `prod_1`, 1), "environment", "lower-case"},
		"no port":                {strings.Replace(least, `"port":8080`, ``, 1), `platform.host.slots["blue"]`, "exactly one of: port"},
		"both ports":             {strings.Replace(least, `"port":8080`, `"port":8080,"ports":[8081]`, 1), `platform.host.slots["blue"]`, "exactly one of: port"},
		"port too big":           {strings.Replace(least, `8080`, `80800`, 1), `platform.host.slots["blue"]`, "80800"},
		"slot's name":            {strings.Replace(least, `"blue"`, `"red"`, 1), `platform.host.slots["red"]`, "blue"},
		"unknown name":           {strings.Replace(least, `"web"`, `"<unknown>"`, 1), "", ""},
		"unknown port":           {strings.Replace(least, `8080`, `"<unknown>"`, 1), "", ""},
		"unknown host":           {`{"name":"web","environment":"production","platform":{"host":"<unknown>"}}`, "", ""},
	} {
		t.Run(name, func(t *testing.T) { wantOneProblem(t, test.text, test.at, test.want) })
	}
}

// wantOneProblem wants the configuration to have one problem, at a path and with a part of the detail; none where both are empty.
func wantOneProblem(t *testing.T, text, at, want string) {
	t.Helper()
	diags := configtest.Model[model](t, resourceSchema(), text).validate(t.Context())
	if want == "" {
		if diags.HasError() {
			t.Errorf("refused: %v", diags)
		}
		return
	}
	if len(diags) != 1 {
		t.Fatalf("got %v, want one error at %s", diags, at)
	}
	placed, ok := diags[0].(diag.DiagnosticWithPath)
	if !ok || !strings.HasPrefix(placed.Path().String(), at) || !strings.Contains(strings.ToLower(placed.Detail()), want) {
		t.Errorf("got %v, want %q at %s", diags[0], want, at)
	}
}
