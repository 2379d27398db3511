package service

import (
	"strings"
	"testing"
)

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
		"whole":                         {fullHosts, "", ""},
		"systemd here":                  {systemdHere, "", ""},
		"supervisor":                    {hosts(`"hosts"`, `"supervisor":"runit","hosts"`), "platform.host.supervisor", `"runit" is not one of: systemd, process`},
		"unknown supervisor":            {hosts(`"hosts"`, `"supervisor":"<unknown>","systemd":{},"hosts"`), "", ""},
		"reach":                         {hosts(`"hosts"`, `"reach":"vpn","hosts"`), "platform.host.reach", "auto, network, ssh"},
		"scope":                         {hosts(`"hosts"`, `"systemd":{"scope":"machine"},"hosts"`), "platform.host.systemd.scope", "system, user"},
		"writable of a user's manager":  {hosts(`"hosts"`, `"systemd":{"scope":"user","writable":["/var/lib/web"]},"hosts"`), "platform.host.systemd.writable", `scope = "system"`},
		"nothing writable of a user's":  {hosts(`"hosts"`, `"systemd":{"scope":"user","writable":[]},"hosts"`), "", ""},
		"writable of the system's":      {hosts(`"hosts"`, `"systemd":{"scope":"system","writable":["/var/lib/web"]},"hosts"`), "", ""},
		"writable of an unknown scope":  {hosts(`"hosts"`, `"systemd":{"scope":"<unknown>","writable":["/var/lib/web"]},"hosts"`), "", ""},
		"unknown writable":              {hosts(`"hosts"`, `"systemd":{"scope":"user","writable":"<unknown>"},"hosts"`), "", ""},
		"secrets":                       {hosts(`"hosts"`, `"systemd":{"secrets":"file"},"hosts"`), "platform.host.systemd.secrets", "environment, credentials"},
		"restart":                       {hosts(`"hosts"`, `"systemd":{"restart":"sometimes"},"hosts"`), "platform.host.systemd.restart", "on-failure"},
		"no path":                       {hosts(`"hosts"`, `"systemd":{"writable":["data"]},"hosts"`), "platform.host.systemd.writable[0]", "such as /var/lib/web"},
		"a command of systemd's signs":  {hosts(`"hosts"`, `"systemd":{"before":[["./a"],["+rm"]]},"hosts"`), "platform.host.systemd.before[1]", "write the program's path"},
		"hosts none at a time":          {hosts(`"hosts"`, `"max_parallel":0,"hosts"`), "platform.host.max_parallel", "1 or more"},
		"all addresses":                 {hosts(`"ssh"`, `"address":"0.0.0.0","ssh"`), `platform.host.hosts["a"].address`, "such as 10.0.0.11"},
		"a roundabout path":             {hosts(`"hosts"`, `"directory":"/srv/web/","hosts"`), "platform.host.directory", `write "/srv/web"`},
		"nothing before":                {hosts(`"hosts"`, `"systemd":{"before":[["./a"],[]]},"hosts"`), "platform.host.systemd.before[1]", "there is no command"},
		"unknown before":                {hosts(`"hosts"`, `"systemd":{"before":[["./a"],"<unknown>"]},"hosts"`), "", ""},
		"unknown systemd":               {hosts(`"hosts"`, `"systemd":"<unknown>","hosts"`), "", ""},
		"a null limit":                  {hosts(`"hosts"`, `"systemd":{"limits":{"MemoryMax":null}},"hosts"`), "", ""},
		"a limit that is none":          {hosts(`"hosts"`, `"systemd":{"limits":{"MemoryMx":"512M"}},"hosts"`), `platform.host.systemd.limits["MemoryMx"]`, "write memorymax;"},
		"a limit's value":               {hosts(`"hosts"`, `"systemd":{"limits":{"MemoryMax":"lots"}},"hosts"`), `platform.host.systemd.limits["MemoryMax"]`, "such as 512m"},
		"a newer limit":                 {hosts(`"hosts"`, `"systemd":{"limits":{"StartupMemoryMax":"1G","OOMPolicy":"kill"}},"hosts"`), "", ""},
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
