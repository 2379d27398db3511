package service

import (
	"strings"
	"testing"
)

// What the platform, the router and SSH have against a definition stands at the attribute that it comes from, once.
func TestAdaptersValidateMachines(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	with := func(old, replacement string) string {
		if !strings.Contains(leastHosts, old) {
			t.Fatalf("there is no %s to replace", old)
		}
		return strings.Replace(leastHosts, old, replacement, 1)
	}
	dynamic := func(replaced ...string) string {
		return strings.NewReplacer(append(replaced, `"backend"`, `"dynamic":{},"backend"`)...).Replace(leastHosts)
	}
	const host = `platform.host.hosts["a"]`
	for name, test := range map[string]struct{ text, at, want string }{
		"supervisor of hosts":    {with(`"hosts"`, `"supervisor":"process","hosts"`), "platform.host.supervisor", "write systemd"},
		"no host at a time":      {with(`"hosts"`, `"max_parallel":0,"hosts"`), "platform.host.max_parallel", "below 1"},
		"a host's name":          {with(`"a":{`, `"A b":{`), `platform.host.hosts["A b"]`, "lower-case"},
		"a host's address":       {with(`"ssh"`, `"address":"10.0.0.1:80","ssh"`), host + ".address", "without a port"},
		"a host's slots":         {with(`"ssh"`, `"slots":{"blue":{"port":1}},"ssh"`), host + ".slots", "other slots"},
		"a host's port":          {with(`"ssh"`, `"slots":{"blue":{"port":1},"green":{"port":70000}},"ssh"`), host + `.slots["green"]`, "70000"},
		"a limit":                {with(`"hosts"`, `"systemd":{"limits":{"Exec":"x"}},"hosts"`), `platform.host.systemd.limits["Exec"]`, "no limit of systemd"},
		"a drop-in":              {with(`"hosts"`, `"systemd":{"drop_ins":{"../x":"x"}},"hosts"`), `platform.host.systemd.drop_ins["../x"]`, ".conf"},
		"a path":                 {with(`"hosts"`, `"systemd":{"writable":["/a","b"]},"hosts"`), `platform.host.systemd.writable[1]`, "absolute"},
		"an unknown limit":       {with(`"hosts"`, `"systemd":{"limits":{"MemoryMax":"<unknown>"}},"hosts"`), "", ""},
		"an unknown path":        {with(`"hosts"`, `"systemd":{"writable":["<unknown>"]},"hosts"`), "", ""},
		"an existing unit":       {with(`"hosts"`, `"existing":{"unit":"web","version":"1","slot":"blue"},"hosts"`), "platform.host.existing.unit", "web.service"},
		"its slot":               {with(`"hosts"`, `"existing":{"unit":"w.service","version":"1","slot":"red"},"hosts"`), "platform.host.existing.slot", "red"},
		"an unknown slot of it":  {with(`"hosts"`, `"existing":{"unit":"w.service","version":"1","slot":"<unknown>"},"hosts"`), "", ""},
		"SSH's port":             {with(`"user"`, `"port":0,"user"`), host + ".ssh.port", "65535"},
		"no way to log in":       {with(`,"private_key":"machine_key"`, ``), host + ".ssh", "must name the credential"},
		"perhaps no way":         {with(`"private_key":"machine_key"`, `"agent":"<unknown>"`), "", ""},
		"a bastion's user":       {with(`"user"`, `"bastion":{"address":"b","user":"a@b","agent":true},"user"`), host + ".ssh.bastion.user", "without @"},
		"a host key":             {with(`"user"`, `"host_key":"nonsense","user"`), host + ".ssh.host_key", "no public key"},
		"known hosts":            {with(`"user"`, `"known_hosts":"known","user"`), host + ".ssh.known_hosts", "absolute"},
		"no nodes":               {with(`{"lb":{"socket":"/run/haproxy/admin.sock"}}`, `{}`), "router.haproxy.nodes", "at least one"},
		"a node's address":       {with(`"socket":"/run/haproxy/admin.sock"`, `"address":"lb"`), `router.haproxy.nodes["lb"].address`, "host:port"},
		"a node's SSH":           {with(`"socket"`, `"ssh":{"address":"lb","user":"","agent":true},"socket"`), `router.haproxy.nodes["lb"].ssh.user`, "must name the user"},
		"state of dynamic ones":  {with(`"backend"`, `"dynamic":{},"state_file":"/s","backend"`), "router.haproxy.state_file", "dynamic"},
		"a state file elsewhere": {with(`{"socket":"/run/haproxy/admin.sock"}}`, `{"address":"192.0.2.3:9999"}},"state_file":"/s"`), `router.haproxy.nodes["lb"]`, "by ssh"},
		"perhaps elsewhere":      {with(`{"socket":"/run/haproxy/admin.sock"}}`, `{"address":"192.0.2.3:9999","ssh":"<unknown>"}},"state_file":"/s"`), "", ""},
		"an unknown state file":  {with(`{"socket":"/run/haproxy/admin.sock"}}`, `{"address":"192.0.2.3:9999"}},"state_file":"<unknown>"`), "", ""},
		"one file twice":         {with(`{"socket":"/run/haproxy/admin.sock"}}`, `{"socket":"/a"},"lb2":{"socket":"/b"}},"state_file":"/s"`), `router.haproxy.nodes`, "node lb2 would write the same state_file as node lb"},
		"perhaps twice": {with(`{"socket":"/run/haproxy/admin.sock"}}`,
			`{"socket":"/a","ssh":{"address":"<unknown>","user":"u","agent":true}},"lb2":{"socket":"/a","ssh":{"address":"<unknown>","user":"u","agent":true}}},"state_file":"/s"`), "", ""},
		"perhaps on another machine": {with(`{"socket":"/run/haproxy/admin.sock"}}`, `{"socket":"/a","ssh":"<unknown>"},"lb2":{"socket":"/b"}},"state_file":"/s"`), "", ""},
		"perhaps another process":    {with(`{"socket":"/run/haproxy/admin.sock"}}`, `{"socket":"/a","ssh":"<unknown>"},"lb2":{"socket":"/a"}}`), "", ""},
		"servers of a third one":     {with(`"backend"`, `"servers":{"red":["a"]},"backend"`), `router.haproxy.servers["red"]`, "red"},
		"dynamic at a name":          {dynamic(`"10.0.0.1"`, `"web1.internal"`), host + ".ssh.address", "write the ip address"},
		"dynamic at another name":    {dynamic(`"ssh"`, `"address":"web1.internal","ssh"`), host + ".address", "web1.internal is no ip address"},
		"dynamic, logged in by name": {dynamic(`"ssh":{"address":"10.0.0.1"`, `"address":"10.0.0.1","ssh":{"address":"web1.internal"`), "", ""},
		"dynamic at IPv6":            {dynamic(`"10.0.0.1"`, `"2001:db8::1"`), "", ""},
		"dynamic at no address":      {dynamic(`"ssh"`, `"address":"10.0.0.1:80","ssh"`), host + ".address", "without a port"},
		"dynamic, not known yet":     {dynamic(`"10.0.0.1"`, `"<unknown>"`), "", ""},
		"dynamic, one not known":     {dynamic(`"ssh"`, `"address":"<unknown>","ssh"`), "", ""},
		"perhaps dynamic":            {strings.Replace(with(`"10.0.0.1"`, `"web1.internal"`), `"backend"`, `"dynamic":"<unknown>","backend"`, 1), "", ""},
		"static at a name":           {with(`"10.0.0.1"`, `"web1.internal"`), "", ""},
		"dynamic here, at a name": {`{"name":"web","environment":"production","platform":{"host":{"directory":"/w","address":"web1.internal","slots":{"blue":{"port":1},"green":{"port":2}}}},
			"router":{"haproxy":{"backend":"web","dynamic":{},"nodes":{"lb":{"socket":"/s"}}}}}`, "platform.host.address", "write the ip address"},
		"one slot": {with(`,"green":{"port":8082}`, ``), "router.haproxy", "two slots"},
	} {
		t.Run(name, func(t *testing.T) { wantOneProblem(t, test.text, test.at, test.want) })
	}
}
