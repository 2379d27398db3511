package haproxy

import (
	"slices"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func TestValidate(t *testing.T) {
	ok := func() service.HAProxyRouter {
		return service.HAProxyRouter{Backend: "web", Nodes: map[string]service.HAProxyNode{"a": {Socket: "/run/haproxy.sock"}}}
	}
	both := []string{green, blue}
	for name, c := range map[string]struct {
		change func(d *service.HAProxyRouter)
		slots  []string
		path   string
	}{
		"fine":                   {func(*service.HAProxyRouter) {}, both, "-"},
		"fine on TCP":            {func(d *service.HAProxyRouter) { d.Nodes["b"] = service.HAProxyNode{Address: "10.0.0.5:99"} }, both, "-"},
		"fine with servers":      {func(d *service.HAProxyRouter) { d.Servers = map[string][]string{green: {"mint"}} }, both, "-"},
		"fine, dynamic":          {func(d *service.HAProxyRouter) { d.Dynamic = &service.HAProxyDynamic{Options: "check inter 1s"} }, both, "-"},
		"one slot":               {func(*service.HAProxyRouter) {}, []string{blue}, ""},
		"no backend":             {func(d *service.HAProxyRouter) { d.Backend = "" }, both, "backend"},
		"a backend of two words": {func(d *service.HAProxyRouter) { d.Backend = "web; shutdown" }, both, "backend"},
		"no nodes":               {func(d *service.HAProxyRouter) { d.Nodes = nil }, both, "nodes"},
		"no way":                 {func(d *service.HAProxyRouter) { d.Nodes["b"] = service.HAProxyNode{} }, both, "nodes.b"},
		"two ways": {func(d *service.HAProxyRouter) {
			d.Nodes["b"] = service.HAProxyNode{Socket: "/a", Address: "10.0.0.5:99"}
		}, both, "nodes.b"},
		"a relative socket": {func(d *service.HAProxyRouter) { d.Nodes["b"] = service.HAProxyNode{Socket: "a"} }, both, "nodes.b.socket"},
		"no port":           {func(d *service.HAProxyRouter) { d.Nodes["b"] = service.HAProxyNode{Address: "10.0.0.5"} }, both, "nodes.b.address"},
		"one twice":         {func(d *service.HAProxyRouter) { d.Nodes["b"] = d.Nodes["a"] }, both, "nodes"},
		"the same path elsewhere": {func(d *service.HAProxyRouter) {
			d.Nodes["b"] = service.HAProxyNode{Socket: d.Nodes["a"].Socket, SSH: &service.SSH{Address: "10.0.0.5"}}
		}, both, "-"},
		"the same address behind another bastion": {func(d *service.HAProxyRouter) {
			for _, bastion := range []string{"b", "c"} {
				d.Nodes[bastion] = service.HAProxyNode{Socket: "/s", SSH: &service.SSH{Address: "10.0.0.5", Port: 22, Bastion: &service.SSH{Address: bastion, Port: 22}}}
			}
		}, both, "-"},
		"one twice, by SSH": {func(d *service.HAProxyRouter) {
			for _, name := range []string{"b", "c"} {
				d.Nodes[name] = service.HAProxyNode{Socket: "/s", SSH: &service.SSH{Address: "10.0.0.5", Port: 22, User: name}}
			}
		}, both, "nodes"},
		"servers of another slot": {func(d *service.HAProxyRouter) { d.Servers = map[string][]string{"red": {"a"}} }, both, "servers.red"},
		"a server twice": {func(d *service.HAProxyRouter) {
			d.Servers = map[string][]string{blue: {"a"}, green: {"a"}}
		}, both, "servers.green"},
		"no servers":          {func(d *service.HAProxyRouter) { d.Servers = map[string][]string{blue: {}} }, both, "servers.blue"},
		"a server's odd name": {func(d *service.HAProxyRouter) { d.Servers = map[string][]string{blue: {"a b"}} }, both, "servers.blue"},
		"servers and dynamic": {func(d *service.HAProxyRouter) {
			d.Dynamic, d.Servers = &service.HAProxyDynamic{}, map[string][]string{blue: {"a"}}
		}, both, "servers"},
		"dynamic, more words": {func(d *service.HAProxyRouter) { d.Dynamic = &service.HAProxyDynamic{Options: "check; shutdown"} }, both, "dynamic.options"},
		"dynamic, weight":     {func(d *service.HAProxyRouter) { d.Dynamic = &service.HAProxyDynamic{Options: "weight 5"} }, both, "dynamic.options"},
		"dynamic, backup":     {func(d *service.HAProxyRouter) { d.Dynamic = &service.HAProxyDynamic{Options: "check backup"} }, both, "dynamic.options"},
		"dynamic, state file": {func(d *service.HAProxyRouter) { d.Dynamic, d.StateFile = &service.HAProxyDynamic{}, "/a/b" }, both, "state_file"},
		"relative state file": {func(d *service.HAProxyRouter) { d.StateFile = "b" }, both, "state_file"},
		"a directory":         {func(d *service.HAProxyRouter) { d.StateFile = "/a/" }, both, "state_file"},
		"negative drain":      {func(d *service.HAProxyRouter) { d.DrainTimeout = -1 }, both, "drain_timeout"},
		"negative timeout":    {func(d *service.HAProxyRouter) { d.Timeout = -1 }, both, "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			d := ok()
			c.change(&d)
			problems := Validate(d, c.slots)
			var paths []string
			for _, p := range problems {
				paths = append(paths, strings.Join(p.Path, "."))
			}
			if c.path == "-" {
				if len(problems) > 0 {
					t.Errorf("problems: %v", problems)
				}
			} else if !slices.Equal(paths, []string{c.path}) {
				t.Errorf("problems at %q, want %q: %v", paths, c.path, problems)
			}
			if _, err := New(d, "production/web", c.slots, func(string) Access { return Access{} }); (err == nil) != (c.path == "-") {
				t.Errorf("New says %v", err)
			}
		})
	}
}

// TestValidateStateFile: it is written where its HAProxy reads it, and by one node alone. What is recorded otherwise is still worked with.
func TestValidateStateFile(t *testing.T) {
	login := func(address, bastion string) *service.SSH {
		s := &service.SSH{Address: address, Port: 22, User: "deploy"}
		if bastion != "" {
			s.Bastion = &service.SSH{Address: bastion, Port: 22}
		}
		return s
	}
	type node = service.HAProxyNode
	for name, c := range map[string]struct {
		nodes map[string]node
		path  string
		says  string
	}{
		"a socket here":             {map[string]node{"a": {Socket: "/s"}}, "", ""},
		"TCP here":                  {map[string]node{"a": {Address: "127.0.0.1:99"}}, "", ""},
		"TCP here, by its name":     {map[string]node{"a": {Address: "localhost:99"}}, "", ""},
		"TCP here, IPv6":            {map[string]node{"a": {Address: "[::1]:99"}}, "", ""},
		"TCP elsewhere":             {map[string]node{"a": {Address: "192.0.2.3:9999"}}, "nodes.a.ssh", "where that is this machine, write its `socket`, or an address of 127.0.0.0/8"},
		"TCP elsewhere, by a name":  {map[string]node{"a": {Address: "lb:9999"}}, "nodes.a.ssh", "by ssh"},
		"TCP through SSH":           {map[string]node{"a": {Address: "192.0.2.3:9999", SSH: login("192.0.2.3", "")}}, "", ""},
		"no address yet":            {map[string]node{"a": {Address: "lb"}}, "nodes.a.address", "host:port"},
		"two here":                  {map[string]node{"a": {Socket: "/s"}, "b": {Address: "127.0.0.1:99"}}, "nodes", "node b would write the same state_file as node a"},
		"two on another machine":    {map[string]node{"a": {Socket: "/s", SSH: login("lb", "")}, "b": {Socket: "/t", SSH: login("lb", "")}}, "nodes", "on lb:22"},
		"one twice":                 {map[string]node{"a": {Socket: "/s"}, "b": {Socket: "/s"}}, "nodes", "node b is the same process as node a"},
		"here and there":            {map[string]node{"a": {Socket: "/s"}, "b": {Socket: "/s", SSH: login("lb", "")}}, "", ""},
		"behind different bastions": {map[string]node{"a": {Socket: "/s", SSH: login("10.0.0.5", "x")}, "b": {Socket: "/s", SSH: login("10.0.0.5", "y")}}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := service.HAProxyRouter{Backend: "web", Nodes: c.nodes, StateFile: "/var/lib/haproxy/state"}
			problems := Validate(d, []string{blue, green})
			if c.path == "" {
				if len(problems) > 0 {
					t.Errorf("problems: %v", problems)
				}
			} else if len(problems) != 1 || strings.Join(problems[0].Path, ".") != c.path || !strings.Contains(problems[0].Detail, c.says) {
				t.Errorf("problems: %v, want %q at %s", problems, c.says, c.path)
			}
			_, err := New(d, "production/web", []string{blue, green}, func(string) Access { return Access{} })
			if usable := !strings.Contains(c.says, "host:port") && !strings.Contains(c.says, "same process"); (err == nil) != usable {
				t.Errorf("New says %v", err)
			}
			d.StateFile = ""
			for _, p := range Validate(d, []string{blue, green}) {
				if c.says == "" || strings.Contains(p.Detail, "state_file") {
					t.Errorf("without a state file: %v", p)
				}
			}
		})
	}
}

func TestSlotOf(t *testing.T) {
	for name, c := range map[string]struct {
		r       Router
		servers map[string]string
	}{
		"by their names": {Router{}, map[string]string{
			"blue": blue, "blue-a": blue, "blue-": blue, "green-1": green, "green_1": green, "green2": green, "green.a": "", "greenhouse": "", "Green": "", "bluegreen": "", "a-blue": "", "": "",
		}},
		"as the definition says":                           {Router{servers: map[string][]string{blue: {"old"}}}, map[string]string{"old": blue, "blue": "", "green-1": green}},
		"as the definition says, whatever they are called": {Router{servers: map[string][]string{green: {"blue-2"}}}, map[string]string{"blue-2": green, "blue-1": blue, "green": ""}},
		"dynamic": {Router{dynamic: newDynamic("production/web", "")}, map[string]string{
			"production_web_blue_0": blue, "production_web_green_a-0": green, "production_web_blue_": "", "blue": "",
			"production_web-2_blue_0": "", "production-web_blue_0": "",
		}},
	} {
		for server, want := range c.servers {
			if got := c.r.slotOf(server); got != want {
				t.Errorf("%s: server %q is of slot %q, want %q", name, server, got, want)
			}
		}
	}
}
