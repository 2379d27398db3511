package haproxy

import (
	"strings"
	"testing"
)

const (
	servers = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_status " +
		"srv_check_result srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port " +
		"srv_check_addr srv_agent_addr srv_agent_port\n3 web 1 blue 127.0.0.1 2 0 30 100 1 8 2 0 6 0 0 0 - 18411 - 0 0 - - 0\n3 web 2 six ::1 0 5 0 0 1 1 0 2 0 0 0 0 localhost 1 - 0 0 - - 0\n"
	stats = "# pxname,svname,qcur,type,status,last_chk,\nweb,blue,0,2,UP,\"a, \"\"b\"\"\",\nweb,BACKEND,0,1,UP,,\n"
	infos = "Name: HAProxy\nVersion: 2.6.12-1+deb12u3\nPid: 1\nUptime_sec: 5\nnode: a\nStart_time_sec: 1795674607\nStopping: 0\n"
)

// What is read has a name, an address that is joined or none, and no number below zero.
func FuzzServers(f *testing.F) {
	f.Add(servers)
	f.Fuzz(func(t *testing.T, text string) {
		all, err := ParseServers(text)
		if err != nil && all != nil {
			t.Errorf("there is both %+v and %v", all, err)
		}
		for _, s := range all {
			if s.Weight < 0 || s.Port < 0 || s.Since < 0 || (s.HostPort() == "") != (s.Address == "") || strings.ContainsAny(s.Name, " \n") {
				t.Errorf("a server is %+v", s)
			}
		}
	})
}

func FuzzStat(f *testing.F) {
	f.Add(stats)
	f.Fuzz(func(t *testing.T, text string) {
		all, err := ParseStat(text)
		if err != nil && all != nil {
			t.Errorf("there is both %+v and %v", all, err)
		}
		for _, s := range all {
			if s.Proxy == "" || s.Name == "" || s.Proxy != s.Text("pxname") {
				t.Errorf("a line is %+v", s)
			}
		}
	})
}

func FuzzInfo(f *testing.F) {
	f.Add(infos)
	f.Fuzz(func(t *testing.T, text string) {
		if info, err := ParseInfo(text); err == nil && (info.Pid < 0 || info.Uptime < 0 || info.Version.Text == "") {
			t.Errorf("it says %+v", info)
		}
	})
}

// However it is cut, there are never more answers than commands, none that is not whole, and the text without the end has fewer.
func FuzzAnswers(f *testing.F) {
	f.Add("\n> \n> a\n\n> [3]: No such server.\n\n> ", 2)
	f.Add("\n> \n> [3]: Only servers in maintenance mode can be deleted.\n> \n> ", 2)
	f.Add("\nmaster> ", 1)
	f.Fuzz(func(t *testing.T, said string, n int) {
		n = max(1, n%100)
		answers, err := split(said, n)
		if len(answers) > n || err != nil && answers != nil {
			t.Errorf("%d answers to %d commands, and %v", len(answers), n, err)
		}
		for _, a := range answers {
			if a.severity < -1 || a.severity > 7 || strings.Contains(a.text, prompt) {
				t.Errorf("an answer is %+v", a)
			}
		}
		if len(said) > 0 && strings.HasSuffix(said, prompt) {
			if cut, _ := split(said[:len(said)-1], n); err == nil && len(answers) > 0 && len(cut) != len(answers)-1 {
				t.Errorf("cut short there are %d answers, and %d else", len(cut), len(answers))
			}
		}
	})
}
