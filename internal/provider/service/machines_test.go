package service

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/configtest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const leastHosts = `{"name":"web","environment":"production","platform":{"host":{"slots":{"blue":{"port":8081},"green":{"port":8082}},
	"hosts":{"a":{"ssh":{"address":"10.0.0.1","user":"deploy","private_key":"machine_key"}}}}},
	"router":{"haproxy":{"backend":"web","nodes":{"lb":{"socket":"/run/haproxy/admin.sock"}}}},"metrics":{"haproxy":{}}}`

const fullHosts = `{"name":"web","environment":"production",
	"platform":{"host":{"directory":"/opt/web","slots":{"blue":{"ports":[8080,8081]},"green":{"ports":[8090,8091]}},"drain_timeout":"1m",
		"supervisor":null,"max_parallel":2,"max_unavailable":3,"keep_releases":5,"reach":"ssh","existing":{"unit":"web.service","version":"1.7.0","slot":"blue"},
		"systemd":{"sudo":true,"user":"web","group":"www","secrets":"credentials","hardening":false,"writable":["/var/lib/web"],"before":[["./prepare","-v"],["./warm"]],
			"limits":{"MemoryMax":"512M"},"restart":"on-failure","restart_delay":"3s","drop_ins":{"10-x.conf":"[Service]\nNice=5\n"}},
		"hosts":{
			"a":{"ssh":{"address":"10.0.0.1","port":2222,"user":"deploy","private_key":"machine_key","passphrase":"machine_passphrase","certificate":"ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIFNW/MpAMhJTETKUv4zxdjCBPTCzP6u0I6Gm8ohsjXQeAAAAIKBn+dX6JhIZCsDSHEtyWUtandoqTx3+zzlwlcOzv8mlAAAAAAAAAAAAAAABAAAAAmlkAAAACgAAAAZkZXBsb3kAAAAAAAAAAP//////////AAAAAAAAAIIAAAAVcGVybWl0LVgxMS1mb3J3YXJkaW5nAAAAAAAAABdwZXJtaXQtYWdlbnQtZm9yd2FyZGluZwAAAAAAAAAWcGVybWl0LXBvcnQtZm9yd2FyZGluZwAAAAAAAAAKcGVybWl0LXB0eQAAAAAAAAAOcGVybWl0LXVzZXItcmMAAAAAAAAAAAAAADMAAAALc3NoLWVkMjU1MTkAAAAgH7Oi/lnsYiCsCkI4hY4g9e2QQOqhUyCze82e2aeOZWkAAABTAAAAC3NzaC1lZDI1NTE5AAAAQILMT8H0qY+0eT22Y74CtSrnxrP2Zrg+sHDDK+3oEodZNXR/++crgbWkNjm5g6d2qTXqqXLkf4IYlCLNqnk3XwY=",
				"host_key":"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB+zov5Z7GIgrApCOIWOIPXtkEDqoVMgs3vNntmnjmVp","connect_timeout":"3s",
				"bastion":{"address":"b.example","port":2200,"user":"jump","private_key":"jump_key","passphrase":"jump_passphrase","certificate":"ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIFNW/MpAMhJTETKUv4zxdjCBPTCzP6u0I6Gm8ohsjXQeAAAAIKBn+dX6JhIZCsDSHEtyWUtandoqTx3+zzlwlcOzv8mlAAAAAAAAAAAAAAABAAAAAmlkAAAACgAAAAZkZXBsb3kAAAAAAAAAAP//////////AAAAAAAAAIIAAAAVcGVybWl0LVgxMS1mb3J3YXJkaW5nAAAAAAAAABdwZXJtaXQtYWdlbnQtZm9yd2FyZGluZwAAAAAAAAAWcGVybWl0LXBvcnQtZm9yd2FyZGluZwAAAAAAAAAKcGVybWl0LXB0eQAAAAAAAAAOcGVybWl0LXVzZXItcmMAAAAAAAAAAAAAADMAAAALc3NoLWVkMjU1MTkAAAAgH7Oi/lnsYiCsCkI4hY4g9e2QQOqhUyCze82e2aeOZWkAAABTAAAAC3NzaC1lZDI1NTE5AAAAQILMT8H0qY+0eT22Y74CtSrnxrP2Zrg+sHDDK+3oEodZNXR/++crgbWkNjm5g6d2qTXqqXLkf4IYlCLNqnk3XwY=","known_hosts":"/etc/ssh/known_hosts","connect_timeout":"4s"}}},
			"b":{"address":"192.0.2.2","slots":{"blue":{"ports":[9080,9081]},"green":{"ports":[9090,9091]}},"ssh":{"address":"10.0.0.2","user":"root","agent":true}}}}},
	"router":{"haproxy":{"backend":"web","state_file":"/var/lib/haproxy/state","drain_timeout":"10s","timeout":"2s","servers":{"blue":["w-b-1","w-b-2"],"green":["w-g-1"]},
		"nodes":{"lb1":{"socket":"/run/haproxy/admin.sock","ssh":{"address":"10.0.0.9","user":"root","private_key":"lb_key","bastion":{"address":"b.example","user":"jump","agent":true}}},"lb2":{"address":"127.0.0.1:9999"}}}},
	"metrics":{"haproxy":{},"scrape":{}}}`

const systemdHere = `{"name":"web","environment":"production","platform":{"host":{"directory":"/srv/web","address":"10.0.0.1","slots":{"blue":{"port":8080},"green":{"port":8090}},
	"supervisor":"systemd","keep_releases":2,"systemd":{"scope":"user","limits":{"MemoryMax":"512M"}}}},
	"router":{"haproxy":{"backend":"web","nodes":{"lb":{"address":"localhost:9999"}},"dynamic":{"options":"check inter 1s"}}}}`

func defined(t *testing.T, text string) service.Definition {
	t.Helper()
	definition, diags := configtest.Model[model](t, resourceSchema(), text).ToDefinition(t.Context())
	if diags.HasError() {
		t.Fatal(diags)
	}
	return definition
}

func TestDefaultsOfHosts(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	got, err := json.Marshal(defined(t, leastHosts))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"id":"production/web","platform":{"host":{"directory":"/srv/production/web","address":"","slots":{"blue":{"ports":[8081]},"green":{"ports":[8082]}},"drain_timeout":"30s",` +
		`"log":{"max_size":10,"max_files":3},"supervisor":"systemd","systemd":{"scope":"system","secrets":"environment","restart":"always","restart_delay":"1s"},` +
		`"hosts":{"a":{"ssh":{"address":"10.0.0.1","port":22,"user":"deploy","private_key":"machine_key","known_hosts":"~/.ssh/known_hosts","connect_timeout":"10s"},"address":"10.0.0.1"}},` +
		`"max_parallel":1,"max_unavailable":1,"keep_releases":3,"reach":"auto"}},` +
		`"router":{"haproxy":{"nodes":{"lb":{"socket":"/run/haproxy/admin.sock"}},"backend":"web","drain_timeout":"30s","timeout":"5s"}},"metrics":{"haproxy":{}}}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestWholeHosts(t *testing.T) {
	host := defined(t, fullHosts).Platform.Host
	s := host.Systemd
	if s.Scope != "system" || !s.Sudo || !s.Unhardened || s.Limits["MemoryMax"] != "512M" || len(s.Before) != 2 || s.Before[0][1] != "-v" || s.DropIns["10-x.conf"] == "" || s.RestartDelay.String() != "3s" {
		t.Errorf("got %+v", s)
	}
	a, b := host.Hosts["a"], host.Hosts["b"]
	if a.Address != "10.0.0.1" || a.SSH.KnownHosts != "" || a.SSH.HostKey == "" || a.SSH.Bastion == nil || a.SSH.Bastion.Port != 2200 || a.SSH.Bastion.KnownHosts != "/etc/ssh/known_hosts" || a.Slots != nil {
		t.Errorf("got %+v", a)
	}
	if b.Address != "192.0.2.2" || !b.SSH.Agent || !slices.Equal(b.Slots["blue"].Ports, []int{9080, 9081}) {
		t.Errorf("got %+v", b)
	}
	if e := host.Existing; e == nil || *e != (service.ExistingUnit{Unit: "web.service", Version: "1.7.0", Slot: "blue"}) {
		t.Errorf("got %+v", e)
	}
}

// What ledgers and states have from before there were hosts means the same, so that nobody's plan shows a change.
func TestServicesOfBeforeStay(t *testing.T) {
	const before = `{"id":"production/web","platform":{"host":{"directory":"/srv/web","address":"127.0.0.1","slots":{"blue":{"ports":[8080]}},"drain_timeout":"30s","log":{"max_size":10,"max_files":3}}},` +
		`"router":{"caddy":{"share_file":"/s","admin":"http://localhost:2019","drain_timeout":"30s"}}}`
	state := tfprotov6.RawState{JSON: []byte(`{"id":"production/web","name":"web","environment":"production","status":"ready","store_id":"s","notify":null,"metrics":null,
		"platform":{"kubernetes":null,"host":{"directory":"/srv/web","address":null,"slots":{"blue":{"port":8080,"ports":null}},"drain_timeout":null,"log":null}},
		"router":{"caddy":{"share_file":"/s","admin":null,"drain_timeout":null},"haproxy":null,"gateway_api":null}}`)}
	// As the framework reads a state of the same schema version.
	raw, err := state.UnmarshalWithOpts(resourceSchema().Type().TerraformType(t.Context()), tfprotov6.UnmarshalOpts{})
	if err != nil {
		t.Fatal(err)
	}
	var m model
	if diags := (tfsdk.State{Schema: resourceSchema(), Raw: raw}).Get(t.Context(), &m); diags.HasError() {
		t.Fatal(diags)
	}
	var ledgered service.Definition
	if err := json.Unmarshal([]byte(before), &ledgered); err != nil {
		t.Fatal(err)
	}
	if !same(t.Context(), m, ledgered) {
		t.Errorf("the state of before means something else than %s", before)
	}
}

func TestProcessIsWhatThereIsWithoutHosts(t *testing.T) {
	explicit := strings.Replace(least, `"directory"`, `"supervisor":"process","directory"`, 1)
	if !same(t.Context(), configtest.Model[model](t, resourceSchema(), explicit), defined(t, least)) {
		t.Error("the default means something else where it is written")
	}
	remote := defined(t, strings.Replace(leastHosts, `"hosts"`, `"supervisor":"process","hosts"`, 1))
	if h := remote.Platform.Host; h.Supervisor != service.SupervisorProcess || h.Systemd != nil || h.KeepReleases != 3 {
		t.Errorf("got %+v", h)
	}
	back, diags := FromDefinition(t.Context(), remote)
	if diags.HasError() || !same(t.Context(), back, remote) {
		t.Errorf("a supervisor that is not the default came back as another one: %v", diags)
	}
}

// An import brings back what was written as it was written, and else what it means.
func TestImport(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	const odd = `{"name":"web","environment":"production","platform":{"host":{"supervisor":"systemd","directory":"/srv/production/web","keep_releases":3,
		"slots":{"blue":{"ports":[8081]}},"systemd":{"limits":{},"writable":[],"before":[],"drop_ins":{},"restart_delay":"1000ms"},
		"hosts":{"a":{"address":"10.0.0.1","ssh":{"address":"10.0.0.1","port":22,"user":"deploy","agent":false,"private_key":"machine_key"}}}}},
		"router":{"haproxy":{"backend":"web","servers":{},"nodes":{"lb":{"socket":"/run/haproxy/admin.sock"}}}}}`
	wrote := configtest.Model[model](t, resourceSchema(), odd)
	state := ledger.State{Arguments: json.RawMessage(odd)}
	definition := defined(t, odd)
	state.Definition = &definition
	got, diags := written(t.Context(), state)
	if diags.HasError() || !got.Platform.Equal(wrote.Platform) || !got.Router.Equal(wrote.Router) {
		t.Errorf("got %s, %s (%v)\nwant what was written", got.Platform, got.Router, diags)
	}
	state.Arguments = nil
	got, diags = written(t.Context(), state)
	if diags.HasError() || !same(t.Context(), got, definition) || got.Platform.Equal(wrote.Platform) {
		t.Errorf("got %s (%v), want the same in the fewest words", got.Platform, diags)
	}
}
