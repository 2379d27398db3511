package haproxy_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy/haproxytest"
)

func TestServers(t *testing.T) {
	s := haproxytest.Start(t, func(s *haproxytest.Server) string {
		return haproxytest.Split(s,
			haproxytest.Backend{Options: "check inter 50ms fall 1", Servers: haproxytest.Slot("blue", 100, s.Address, "127.0.0.1:1")},
			haproxytest.Backend{Name: "other", Servers: []haproxytest.Line{
				{Name: "six", Address: "[::1]:8080", Weight: 3}, {Name: "named", Address: "localhost:81", Weight: 7, Options: "disabled"},
				{Name: "nowhere", Address: "nowhere.invalid:82", Weight: 7}, {Name: "anyport", Address: "127.0.0.2", Weight: 256},
				{Name: "socket", Address: "unix@/nowhere", Weight: 1},
			}})
	})
	c := s.Client()
	haproxytest.Wait(t, "the checks have passed and failed", func() bool {
		servers, err := c.Servers(t.Context(), "web")
		if err != nil || len(servers) != 2 {
			t.Fatalf("%+v (%v)", servers, err)
		}
		up, down := servers[0], servers[1]
		return up.CheckResult == haproxy.CheckPassed && up.Operation == haproxy.Running && up.Checked() && up.Eligible() && up.HostPort() == s.Address &&
			down.CheckResult == haproxy.CheckFailed && down.Operation == haproxy.Stopped && down.Checked() && !down.Eligible()
	})
	s.Command(t, "set server web/blue-0 weight 42", "set server web/blue-0 state drain", "set server web/blue-1 state maint",
		"set server other/six weight 50%", "add server other/new 127.0.0.1:99 weight 5")
	servers, err := c.Servers(t.Context(), "web")
	if err != nil || servers[0].Weight != 42 || servers[0].InitialWeight != 100 || servers[0].Admin != haproxy.ForcedDrain || !servers[0].Admin.Drain() ||
		servers[0].Eligible() || servers[1].Admin != haproxy.ForcedMaint || !servers[1].Admin.Maint() {
		t.Errorf("the servers are %+v (%v)", servers, err)
	}
	servers, err = c.Servers(t.Context(), "other")
	if err != nil || len(servers) != 6 {
		t.Fatalf("the servers are %+v (%v)", servers, err)
	}
	for i, want := range []haproxy.Server{
		{Name: "six", ID: 1, Address: "::1", Port: 8080, Operation: haproxy.Running, Weight: 1, InitialWeight: 3},
		{Name: "named", ID: 2, Address: "127.0.0.1", Port: 81, FQDN: "localhost", Admin: haproxy.ForcedMaint | haproxy.ConfigMaint, Weight: 7, InitialWeight: 7},
		{Name: "nowhere", ID: 3, Port: 82, FQDN: "nowhere.invalid", Admin: haproxy.ResolveMaint, Weight: 7, InitialWeight: 7},
		{Name: "anyport", ID: 4, Address: "127.0.0.2", Operation: haproxy.Running, Weight: 256, InitialWeight: 256},
		{Name: "socket", ID: 5, Operation: haproxy.Running, Weight: 1, InitialWeight: 1},
		{Name: "new", ID: 6, Address: "127.0.0.1", Port: 99, Admin: haproxy.ForcedMaint, Weight: 5, InitialWeight: 5},
	} {
		got := servers[i]
		want.Backend, want.BackendID, want.Since, want.CheckState, want.CheckResult = "other", 4, got.Since, got.CheckState, got.CheckResult
		if got != want || got.Checked() {
			t.Errorf("the server is %+v, want %+v", got, want)
		}
	}
	if got := servers[0].HostPort(); got != "[::1]:8080" {
		t.Errorf("the address is %s", got)
	}
	if got := servers[2].HostPort(); got != "" {
		t.Errorf("the address of what has none is %s", got)
	}
	_, err = c.Servers(t.Context(), "nope")
	if !errors.Is(err, haproxy.ErrNoBackend) || !strings.Contains(err.Error(), "there is no backend nope; there is web, other") {
		t.Errorf("%v", err)
	}
}

func TestStat(t *testing.T) {
	s := start(t)
	stats, err := s.Client().Stat(t.Context(), "web")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, stat := range stats {
		names = append(names, stat.Name)
	}
	if !slices.Equal(names, []string{"blue", "green-0", "green-1", "named", "BACKEND"}) {
		t.Errorf("there is %v", names)
	}
	blue, backend := stats[0], stats[4]
	if blue.Kind != haproxy.KindServer || backend.Kind != haproxy.KindBackend || blue.Proxy != "web" || blue.Text("status") != "no check" ||
		blue.Text("addr") != "127.0.0.1:1" || backend.Text("algo") != "roundrobin" || blue.Text("mode") != "http" || blue.Text("nothing") != "" {
		t.Errorf("blue is %+v, and the backend %+v", blue, backend)
	}
	if weight, found := blue.Number("weight"); !found || weight != 100 {
		t.Errorf("the weight of blue is %g, found: %t", weight, found)
	}
	if _, found := blue.Number("nothing"); found {
		t.Error("there is a field of no name")
	}
	if _, found := blue.Number("check_code"); found {
		t.Error("a server that is not checked has a code of a check")
	}
	all, err := s.Client().Stat(t.Context(), "")
	if err != nil || len(all) != 1+5+2 || all[0].Kind != haproxy.KindFrontend {
		t.Errorf("of all there is %+v (%v)", all, err)
	}
	if _, err := s.Client().Stat(t.Context(), "nope"); !errors.Is(err, haproxy.ErrNoBackend) || !strings.Contains(err.Error(), "web, static") {
		t.Errorf("%v", err)
	}
}

// Right behind its start HAProxy says that servers have been up for less than no time.
func TestServersOfAYoungProcess(t *testing.T) {
	const text = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_result srv_check_state srv_agent_state srv_fqdn srv_port\n" +
		"3 web 1 blue 127.0.0.1 2 0 1 1 -1 1 1 0 - 80\n"
	if servers, err := haproxy.ParseServers(text); err != nil || len(servers) != 1 || servers[0].Since != 0 || servers[0].HostPort() != "127.0.0.1:80" {
		t.Errorf("the servers are %+v (%v)", servers, err)
	}
}

func TestUnreadable(t *testing.T) {
	for _, text := range []string{
		"", "2\n# be_id\n", "1\n", "1\nbe_id be_name\n", "1\n# be_id be_name\n1 web\n",
		"1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_result srv_check_state srv_agent_state srv_fqdn srv_port\n3 web x\n",
		"1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_result srv_check_state srv_agent_state srv_fqdn srv_port\n" +
			"3 web 1 blue 127.0.0.1 2 0 -1 1 1 1 1 0 - 80\n",
	} {
		if servers, err := haproxy.ParseServers(text); err == nil {
			t.Errorf("%q is %+v", text, servers)
		}
	}
	for _, text := range []string{"", "pxname,svname,type\n", "# ", "# pxname,svname\nweb,blue\n", "# pxname,svname,type\n,blue,2\n"} {
		if stats, err := haproxy.ParseStat(text); err == nil {
			t.Errorf("%q is %+v", text, stats)
		}
	}
	for _, text := range []string{"", "Name: HAProxy\n", "Version: 2.6\nPid: x\nUptime_sec: 1\n", "Version: x\nPid: 1\nUptime_sec: 1\n", "Version: 2.x\nPid: 1\nUptime_sec: 1\n"} {
		if info, err := haproxy.ParseInfo(text); err == nil {
			t.Errorf("%q is %+v", text, info)
		}
	}
}

func TestVersion(t *testing.T) {
	for text, want := range map[string]haproxy.Version{
		"2.6.12-1+deb12u3": {Major: 2, Minor: 6}, "3.0": {Major: 3}, "2.9-dev3": {Major: 2, Minor: 9}, "10.11.12": {Major: 10, Minor: 11},
	} {
		want.Text = text
		if got, err := haproxy.ParseVersion(text); err != nil || got != want {
			t.Errorf("%s is %+v (%v)", text, got, err)
		}
	}
	v := haproxy.Version{Major: 2, Minor: 6}
	if !v.AtLeast(2, 6) || !v.AtLeast(1, 9) || v.AtLeast(2, 7) || v.AtLeast(3, 0) {
		t.Error("2.6 is at least 2.6 and 1.9, and neither 2.7 nor 3.0")
	}
}
