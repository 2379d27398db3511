package service

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/configtest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func TestReleasesStayWhereTheyAre(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	hosts := func(old, replacement string) string { return strings.Replace(leastHosts, old, replacement, 1) }
	swapped := strings.NewReplacer("8081", "8082", "8082", "8081").Replace(leastHosts)
	processes := hosts(`"hosts"`, `"supervisor":"process","hosts"`)
	for name, test := range map[string]struct {
		before, after string
		at            path.Path
		want          string
	}{
		"nothing":                  {before: leastHosts, after: leastHosts},
		"a host more":              {before: leastHosts, after: hosts(`"hosts":{`, `"hosts":{"b":{"ssh":{"address":"10.0.0.2","user":"deploy","agent":true}},`)},
		"a host less":              {before: hosts(`"hosts":{`, `"hosts":{"b":{"ssh":{"address":"10.0.0.2","user":"deploy","agent":true}},`), after: leastHosts},
		"other ports":              {before: leastHosts, after: hosts(`8081`, `9091`)},
		"swapped ports":            {leastHosts, swapped, hostPath.AtName("slots").AtMapKey("green"), "Port 8081 would be that of slot green on host a"},
		"another user of units":    {before: leastHosts, after: hosts(`"hosts"`, `"systemd":{"user":"web"},"hosts"`)},
		"the default, written":     {before: least, after: strings.Replace(least, `"directory"`, `"supervisor":"process","directory"`, 1)},
		"another directory":        {least, strings.Replace(least, "/srv/web", "/opt/web", 1), hostPath.AtName("directory"), "run from /srv/web. Nothing was changed"},
		"another one on hosts":     {leastHosts, hosts(`"hosts"`, `"directory":"/opt/web","hosts"`), hostPath.AtName("directory"), "run from /srv/production/web."},
		"the same one, shorter":    {before: strings.Replace(least, "/srv/web", "/srv/web/", 1), after: least},
		"to hosts":                 {least, leastHosts, hostPath.AtName("hosts"), "run on this machine"},
		"from hosts":               {leastHosts, least, hostPath.AtName("hosts"), "keep the hosts"},
		"processes to systemd":     {processes, leastHosts, hostPath.AtName("supervisor"), `keep supervisor = "process"`},
		"systemd to processes":     {leastHosts, processes, hostPath.AtName("supervisor"), `keep supervisor = "systemd"`},
		"to systemd, here":         {least, strings.Replace(least, `"directory"`, `"supervisor":"systemd","directory"`, 1), hostPath.AtName("supervisor"), "supervised by process"},
		"a host's other login":     {before: leastHosts, after: hosts(`"ssh":{"address":"10.0.0.1"`, `"address":"10.0.0.1","ssh":{"address":"192.0.2.7"`)},
		"a host of another name":   {leastHosts, hosts(`"a":{`, `"web-1":{`), hostPath.AtName("hosts").AtMapKey("web-1"), "Host web-1 is the machine 10.0.0.1"},
		"a name of another host":   {leastHosts, hosts(`10.0.0.1`, `10.0.0.9`), hostPath.AtName("hosts").AtMapKey("a"), "would be looked for at 10.0.0.9"},
		"to the user's own system": {leastHosts, hosts(`"hosts"`, `"systemd":{"scope":"user"},"hosts"`), hostPath.AtName("systemd").AtName("scope"), `keep scope = "system"`},
	} {
		t.Run(name, func(t *testing.T) {
			before := defined(t, test.before)
			release := service.Release{ID: "production/web/1-00000000", Placement: service.Placement{
				Release: "production/web/1-00000000", Slot: "blue", Instances: []service.Instance{{Name: "blue/a/0", Address: "10.0.0.1:8081", Host: "a"}},
			}}
			state := ledger.State{Definition: &before, Stable: release.ID, Releases: map[service.ReleaseID]service.Release{release.ID: release}}
			var diags diag.Diagnostics
			refuseMoved(t.Context(), "production/web", defined(t, test.after), state, &diags)
			if test.want == "" {
				if len(diags) > 0 {
					t.Errorf("refused: %v", diags)
				}
				return
			}
			configtest.WantOne(t, diags, test.at, test.want)
			if said := diags[0].Detail(); !strings.Contains(said, "destroy the deploy_release first") && !strings.Contains(said, "a is the only host, put another one beside it") && !strings.Contains(said, "in two steps") {
				t.Errorf("%v has no remedy", diags[0])
			}
			diags, state.Releases = nil, nil
			if refuseMoved(t.Context(), "production/web", defined(t, test.after), state, &diags); len(diags) > 0 {
				t.Errorf("refused without a release: %v", diags)
			}
		})
	}
}
