package service

import (
	"encoding/json"
	"strings"
	"testing"

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
	t.Setenv("HOME", "/home/me")
	for name, text := range map[string]string{"least": least, "whole": full, "least on hosts": leastHosts, "whole on hosts": fullHosts, "systemd of this machine": systemdHere} {
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
			if !back.Platform.Equal(m.Platform) && strings.HasPrefix(name, "whole") {
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
