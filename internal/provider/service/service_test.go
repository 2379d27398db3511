package service

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/configtest"
)

const least = `{"name":"web","environment":"production","platform":{"host":{"directory":"/srv/web","slots":{"blue":{"port":8080}}}}}`

const full = `{"name":"web","environment":"production",
	"platform":{"host":{"directory":"/opt/web","address":"10.0.0.1","drain_timeout":"1m","log":{"max_size":20,"max_files":5},
		"slots":{"blue":{"ports":[8080,8081]},"green":{"ports":[8090,8091]}}}},
	"router":{"caddy":{"share_file":"/var/lib/caddy/web.share","admin":"http://localhost:2020","drain_timeout":"10s"}},
	"metrics":{"scrape":{"path":"/m","port":9100,"requests":"r_total","code_label":"status","duration":"d_seconds","timeout":"2s"},
		"prometheus":{"url":"https://p:9090/x","bearer":"token","headers":{"X-Scope-OrgID":"web"},"tls":{"ca_file":"/ca.pem","server_name":"p"},"timeout":"3s","preset":"traefik",
			"service":"web-{{slot}}","selector":"job=\"t\"","code_label":"status","queries":{"requests":"r{slot=\"{{slot}}\"}","errors":"e{slot=\"{{slot}}\"}","duration_buckets":"b{slot=\"{{slot}}\"}"}}},
	"notify":{"team":{"url":"team_chat","on":["started","rolled_back"]},"all":{"url":"https://example.com/hook"}}}`

// What is written, defined and written back means the same, and defaults are not written.
func TestDefinitionComesBack(t *testing.T) {
	for name, text := range map[string]string{"least": least, "whole": full} {
		t.Run(name, func(t *testing.T) {
			m := configtest.Model[model](t, resourceSchema(), text)
			definition, diags := m.ToDefinition(t.Context())
			if diags.HasError() {
				t.Fatal(diags)
			}
			back, diags := FromDefinition(t.Context(), definition)
			if diags.HasError() {
				t.Fatal(diags)
			}
			if !same(t.Context(), back, definition) {
				encoded, _ := json.Marshal(definition)
				t.Errorf("the model that came back means something else than %s", encoded)
			}
			if !back.Platform.Equal(m.Platform) && name == "whole" {
				t.Errorf("got %s\nwant %s", back.Platform, m.Platform)
			}
			if !back.Router.Equal(m.Router) || !back.Metrics.Equal(m.Metrics) || !back.Notify.Equal(m.Notify) {
				t.Errorf("got %s, %s, %s\nwant %s, %s, %s", back.Router, back.Metrics, back.Notify, m.Router, m.Metrics, m.Notify)
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	definition, diags := configtest.Model[model](t, resourceSchema(), strings.Replace(least, `"directory":"/srv/web",`, "", 1)).ToDefinition(t.Context())
	if diags.HasError() {
		t.Fatal(diags)
	}
	host := definition.Platform.Host
	if host.Address != "127.0.0.1" || host.DrainTimeout.String() != "30s" || host.Log.MaxSize != 10 || !strings.HasSuffix(host.Directory, "/production/web") {
		t.Errorf("got %+v", host)
	}
	if definition.Router != nil || definition.Metrics != nil || definition.ID != "production/web" {
		t.Errorf("got %+v", definition)
	}
}

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
		"haproxy's counters":     {strings.Replace(full, `"scrape"`, `"haproxy":{},"scrape"`, 1), "metrics.haproxy", "use scrape"},
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
		t.Run(name, func(t *testing.T) {
			diags := configtest.Model[model](t, resourceSchema(), test.text).validate(t.Context())
			if test.want == "" {
				if diags.HasError() {
					t.Errorf("refused: %v", diags)
				}
				return
			}
			if len(diags) != 1 {
				t.Fatalf("got %v, want one error", diags)
			}
			placed, ok := diags[0].(diag.DiagnosticWithPath)
			if !ok || !strings.HasPrefix(placed.Path().String(), test.at) || !strings.Contains(strings.ToLower(placed.Detail()), test.want) {
				t.Errorf("got %v, want %q at %s", diags[0], test.want, test.at)
			}
		})
	}
}

type lookup map[string]string

func (l lookup) Lookup(name string) (string, error) {
	if value, found := l[name]; found {
		return value, nil
	}
	return "", &unknownError{name}
}

type unknownError struct{ name string }

func (e *unknownError) Error() string { return e.name + " is not known" }

func TestUnknownCredential(t *testing.T) {
	m := configtest.Model[model](t, resourceSchema(), full)
	var diags diag.Diagnostics
	all := lookup{"team_chat": "https://example.com/secret", "token": "secret"}
	m.validateCredentials(t.Context(), all, &diags)
	if diags.HasError() {
		t.Errorf("refused: %v", diags)
	}
	for name, at := range map[string]string{"team_chat": `notify["team"].url`, "token": "metrics.prometheus.bearer"} {
		others := maps.Clone(all)
		delete(others, name)
		diags = nil
		m.validateCredentials(t.Context(), others, &diags)
		if diags.ErrorsCount() != 1 {
			t.Fatalf("got %v, want one error", diags)
		}
		if placed, ok := diags[0].(diag.DiagnosticWithPath); !ok || placed.Path().String() != at {
			t.Errorf("got %v", diags[0])
		}
	}
}
