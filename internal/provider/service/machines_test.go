package service

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
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
		"systemd":{"scope":"user","sudo":true,"user":"web","group":"www","secrets":"credentials","hardening":false,"writable":["/var/lib/web"],"before":[["./prepare","-v"],["./warm"]],
			"limits":{"MemoryMax":"512M"},"restart":"on-failure","restart_delay":"3s","drop_ins":{"10-x.conf":"[Service]\nNice=5\n"}},
		"hosts":{
			"a":{"ssh":{"address":"10.0.0.1","port":2222,"user":"deploy","private_key":"machine_key","passphrase":"machine_passphrase","certificate":"ssh-ed25519-cert-v01@openssh.com AAAA",
				"host_key":"ssh-ed25519 AAAA","connect_timeout":"3s",
				"bastion":{"address":"b.example","port":2200,"user":"jump","private_key":"jump_key","passphrase":"jump_passphrase","certificate":"c","known_hosts":"/etc/ssh/known_hosts","connect_timeout":"4s"}}},
			"b":{"address":"192.0.2.2","slots":{"blue":{"ports":[9080,9081]},"green":{"ports":[9090,9091]}},"ssh":{"address":"10.0.0.2","user":"root","agent":true}}}}},
	"router":{"haproxy":{"backend":"web","state_file":"/var/lib/haproxy/state","drain_timeout":"10s","timeout":"2s","servers":{"blue":["w-b-1","w-b-2"],"green":["w-g-1"]},
		"nodes":{"lb1":{"socket":"/run/haproxy/admin.sock","ssh":{"address":"10.0.0.9","user":"root","private_key":"lb_key","bastion":{"address":"b.example","user":"jump","agent":true}}},"lb2":{"address":"10.0.0.10:9999"}}}},
	"metrics":{"haproxy":{},"scrape":{}}}`

const systemdHere = `{"name":"web","environment":"production","platform":{"host":{"directory":"/srv/web","address":"10.0.0.1","slots":{"blue":{"port":8080}},
	"supervisor":"systemd","keep_releases":2,"systemd":{"limits":{"MemoryMax":"512M"}}}},
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
		`"hosts":{"a":{"ssh":{"address":"10.0.0.1","port":22,"user":"deploy","private_key":"machine_key","known_hosts":"/home/me/.ssh/known_hosts","connect_timeout":"10s"},"address":"10.0.0.1"}},` +
		`"max_parallel":1,"max_unavailable":1,"keep_releases":3,"reach":"auto"}},` +
		`"router":{"haproxy":{"nodes":{"lb":{"socket":"/run/haproxy/admin.sock"}},"backend":"web","drain_timeout":"30s","timeout":"5s"}},"metrics":{"haproxy":{}}}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestWholeHosts(t *testing.T) {
	host := defined(t, fullHosts).Platform.Host
	s := host.Systemd
	if s.Scope != "user" || !s.Sudo || !s.Unhardened || s.Limits["MemoryMax"] != "512M" || len(s.Before) != 2 || s.Before[0][1] != "-v" || s.DropIns["10-x.conf"] == "" || s.RestartDelay.String() != "3s" {
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

func TestValidateMachines(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	hosts := func(old, replacement string) string {
		t.Helper()
		if !strings.Contains(leastHosts, old) {
			t.Fatalf("there is no %s to replace", old)
		}
		return strings.Replace(leastHosts, old, replacement, 1)
	}
	here := func(attribute string) string {
		return strings.Replace(least, `"directory"`, attribute+`,"directory"`, 1)
	}
	const ssh = `platform.host.hosts["a"].ssh`
	for name, test := range map[string]struct{ text, at, want string }{
		"least":                         {leastHosts, "", ""},
		"systemd here":                  {systemdHere, "", ""},
		"supervisor":                    {hosts(`"hosts"`, `"supervisor":"runit","hosts"`), "platform.host.supervisor", `"runit" is not one of: systemd, process`},
		"unknown supervisor":            {hosts(`"hosts"`, `"supervisor":"<unknown>","systemd":{},"hosts"`), "", ""},
		"reach":                         {hosts(`"hosts"`, `"reach":"vpn","hosts"`), "platform.host.reach", "auto, network, ssh"},
		"scope":                         {hosts(`"hosts"`, `"systemd":{"scope":"machine"},"hosts"`), "platform.host.systemd.scope", "system, user"},
		"secrets":                       {hosts(`"hosts"`, `"systemd":{"secrets":"file"},"hosts"`), "platform.host.systemd.secrets", "environment, credentials"},
		"restart":                       {hosts(`"hosts"`, `"systemd":{"restart":"sometimes"},"hosts"`), "platform.host.systemd.restart", "on-failure"},
		"nothing before":                {hosts(`"hosts"`, `"systemd":{"before":[["./a"],[]]},"hosts"`), "platform.host.systemd.before[1]", "there is no command"},
		"unknown before":                {hosts(`"hosts"`, `"systemd":{"before":[["./a"],"<unknown>"]},"hosts"`), "", ""},
		"unknown systemd":               {hosts(`"hosts"`, `"systemd":"<unknown>","hosts"`), "", ""},
		"a null limit":                  {hosts(`"hosts"`, `"systemd":{"limits":{"MemoryMax":null}},"hosts"`), "", ""},
		"no hosts":                      {strings.Replace(least, `"directory"`, `"hosts":{},"directory"`, 1), "platform.host.hosts", "leave hosts out"},
		"a null host":                   {hosts(`"hosts":{`, `"hosts":{"b":null,`), `platform.host.hosts["b"]`, "remove it where none is wanted"},
		"unknown hosts":                 {strings.Replace(least, `"directory"`, `"hosts":"<unknown>","max_parallel":2,"address":"10.0.0.1","systemd":{},"directory"`, 1), "", ""},
		"an unknown host":               {hosts(`"hosts":{`, `"hosts":{"b":"<unknown>",`), "", ""},
		"unknown ssh":                   {hosts(`"hosts":{`, `"hosts":{"b":{"ssh":"<unknown>"},`), "", ""},
		"unknown address":               {hosts(`"10.0.0.1"`, `"<unknown>"`), "", ""},
		"unknown port":                  {hosts(`"user"`, `"port":"<unknown>","user"`), "", ""},
		"unknown key":                   {hosts(`"machine_key"`, `"<unknown>"`), "", ""},
		"unknown bastion":               {hosts(`"user"`, `"bastion":"<unknown>","user"`), "", ""},
		"no slots of a host":            {hosts(`"ssh"`, `"slots":{},"ssh"`), `platform.host.hosts["a"].slots`, "leave slots out"},
		"a host's port":                 {hosts(`"ssh"`, `"slots":{"blue":{},"green":{"port":1}},"ssh"`), `platform.host.hosts["a"].slots["blue"]`, "exactly one of: port"},
		"two host keys":                 {hosts(`"user"`, `"host_key":"ssh-ed25519 AAAA","known_hosts":"/k","user"`), ssh, "at most one of: host_key, known_hosts"},
		"unknown host key":              {hosts(`"user"`, `"host_key":"<unknown>","user"`), "", ""},
		"two host keys of a bastion":    {hosts(`"user"`, `"bastion":{"address":"b","user":"u","agent":true,"host_key":"ssh-ed25519 AAAA","known_hosts":"/k"},"user"`), ssh + ".bastion", "at most one of: host_key, known_hosts"},
		"a key as its name":             {hosts(`"machine_key"`, `"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA"`), ssh + ".private_key", "not the name of a credential"},
		"no name of a key":              {hosts(`"machine_key"`, `""`), ssh + ".private_key", "not the name of a credential"},
		"address, and hosts":            {hosts(`"hosts"`, `"address":"10.0.0.1","hosts"`), "platform.host.address", "leave this one out"},
		"logs in the journal":           {hosts(`"hosts"`, `"log":{"max_size":1},"hosts"`), "platform.host.log", "journal"},
		"logs of processes on hosts":    {hosts(`"hosts"`, `"supervisor":"process","log":{"max_size":1},"hosts"`), "", ""},
		"systemd, without it":           {here(`"systemd":{}`), "platform.host.systemd", `supervisor = "systemd"`},
		"existing, without systemd":     {hosts(`"hosts"`, `"supervisor":"process","existing":{"unit":"w.service","version":"1","slot":"blue"},"hosts"`), "platform.host.existing", `supervisor = "systemd"`},
		"parallel, without hosts":       {here(`"max_parallel":2`), "platform.host.max_parallel", "write hosts"},
		"unavailable, without hosts":    {here(`"supervisor":"systemd","max_unavailable":2`), "platform.host.max_unavailable", "write hosts"},
		"reach, without hosts":          {here(`"reach":"auto"`), "platform.host.reach", "write hosts"},
		"kept releases of processes":    {here(`"keep_releases":2`), "platform.host.keep_releases", "write hosts"},
		"socket and address":            {hosts(`"socket"`, `"address":"a:1","socket"`), `router.haproxy.nodes["lb"]`, "exactly one of: socket, address"},
		"neither socket nor address":    {hosts(`"socket":"/run/haproxy/admin.sock"`, ``), `router.haproxy.nodes["lb"]`, `here none is set: socket = "/run`},
		"unknown socket":                {hosts(`"/run/haproxy/admin.sock"`, `"<unknown>"`), "", ""},
		"unknown nodes":                 {hosts(`{"lb":{"socket":"/run/haproxy/admin.sock"}}`, `"<unknown>"`), "", ""},
		"a null node":                   {hosts(`"nodes":{`, `"nodes":{"b":null,`), `router.haproxy.nodes["b"]`, "remove it where none is wanted"},
		"a node's key":                  {hosts(`"socket"`, `"ssh":{"address":"a","user":"u","private_key":"a\nb"},"socket"`), `router.haproxy.nodes["lb"].ssh.private_key`, "not the name of a credential"},
		"servers that are dynamic":      {hosts(`"backend"`, `"servers":{"blue":["a"]},"dynamic":{},"backend"`), "router.haproxy", "at most one of: servers, dynamic"},
		"unknown servers":               {hosts(`"backend"`, `"servers":{"blue":"<unknown>"},"backend"`), "", ""},
		"no servers":                    {hosts(`"backend"`, `"servers":{"blue":[]},"backend"`), `router.haproxy.servers["blue"]`, "there is no server"},
		"unknown haproxy":               {`{"name":"web","environment":"production","platform":{"host":{"directory":"/w","slots":{"blue":{"port":1}}}},"router":{"haproxy":"<unknown>"},"metrics":{"haproxy":{}}}`, "", ""},
		"unknown router":                {`{"name":"web","environment":"production","platform":{"host":{"directory":"/w","slots":{"blue":{"port":1}}}},"router":"<unknown>","metrics":{"haproxy":{}}}`, "", ""},
		"haproxy's counters, no router": {strings.Replace(least, `"platform"`, `"metrics":{"haproxy":{}},"platform"`, 1), "metrics.haproxy", "set router.haproxy"},
	} {
		t.Run(name, func(t *testing.T) { wantOneProblem(t, test.text, test.at, test.want) })
	}
}

func TestCredentialsOfMachines(t *testing.T) {
	m := configtest.Model[model](t, resourceSchema(), fullHosts)
	at := map[string]string{
		"machine_key": `platform.host.hosts["a"].ssh.private_key`, "machine_passphrase": `platform.host.hosts["a"].ssh.passphrase`,
		"jump_key": `platform.host.hosts["a"].ssh.bastion.private_key`, "jump_passphrase": `platform.host.hosts["a"].ssh.bastion.passphrase`,
		"lb_key": `router.haproxy.nodes["lb1"].ssh.private_key`,
	}
	all := lookup{}
	for name := range at {
		all[name] = "secret"
	}
	var diags diag.Diagnostics
	m.validateCredentials(t.Context(), all, &diags)
	if diags.HasError() {
		t.Errorf("refused: %v", diags)
	}
	for name, want := range at {
		others := maps.Clone(all)
		delete(others, name)
		diags = nil
		m.validateCredentials(t.Context(), others, &diags)
		if diags.ErrorsCount() != 1 {
			t.Fatalf("%s: got %v, want one error", name, diags)
		}
		if placed, ok := diags[0].(diag.DiagnosticWithPath); !ok || placed.Path().String() != want {
			t.Errorf("%s: got %v, want it at %s", name, diags[0], want)
		}
	}
}
