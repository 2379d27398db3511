package machines

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

func definition() service.HostPlatform {
	return complete(service.HostPlatform{
		Directory: "/srv/web",
		Slots:     map[string]service.HostSlot{"blue": {Ports: []int{8001, 8002}}, "green": {Ports: []int{8003, 8004}}},
		Hosts: map[string]service.Host{
			"a": {Address: "10.0.0.11", SSH: service.SSH{Address: "10.0.0.11", User: "deploy", Port: 22}},
			"b": {Address: "10.0.0.12", SSH: service.SSH{Address: "10.0.0.12", User: "deploy", Port: 22}},
			"c": {Address: "10.0.0.13", SSH: service.SSH{Address: "10.0.0.13", User: "deploy", Port: 22}, Slots: map[string]service.HostSlot{"blue": {Ports: []int{9001}}, "green": {Ports: []int{9002}}}},
		},
	})
}

func TestValidate(t *testing.T) {
	t.Parallel()
	if problems := Validate(definition()); len(problems) > 0 {
		t.Fatalf("%v", problems)
	}
	alone := definition()
	alone.Hosts, alone.Supervisor = nil, service.SupervisorSystemd
	if problems := Validate(complete(alone)); len(problems) > 0 {
		t.Fatalf("%v", problems)
	}
	host := func(d *service.HostPlatform, name string, change func(*service.Host)) {
		h := d.Hosts[name]
		change(&h)
		d.Hosts[name] = h
	}
	for at, change := range map[string]func(*service.HostPlatform){
		"supervisor":        func(d *service.HostPlatform) { d.Supervisor = service.SupervisorProcess },
		"address":           func(d *service.HostPlatform) { d.Address = "10.0.0.1" },
		"directory":         func(d *service.HostPlatform) { d.Directory = "/srv/a b" },
		"drain_timeout":     func(d *service.HostPlatform) { d.DrainTimeout = -1 },
		"slots.green.ports": func(d *service.HostPlatform) { d.Slots["green"] = service.HostSlot{Ports: []int{8003}} },
		"hosts.A_b":         func(d *service.HostPlatform) { d.Hosts["A_b"] = service.Host{Address: "10.0.0.14"} },
		"hosts.a.address":   func(d *service.HostPlatform) { host(d, "a", func(h *service.Host) { h.Address = "10.0.0.11:80" }) },
		"hosts.b":           func(d *service.HostPlatform) { host(d, "b", func(h *service.Host) { h.Address = "10.0.0.11" }) },
		"hosts.c.slots":     func(d *service.HostPlatform) { host(d, "c", func(h *service.Host) { delete(h.Slots, "green") }) },
		"hosts.c.slots.green.ports": func(d *service.HostPlatform) {
			host(d, "c", func(h *service.Host) { h.Slots["green"] = service.HostSlot{Ports: []int{1, 2}} })
		},
		"systemd.scope":            func(d *service.HostPlatform) { d.Systemd.Scope = "root" },
		"systemd.sudo":             func(d *service.HostPlatform) { d.Systemd.Scope, d.Systemd.Sudo = service.ScopeUser, true },
		"systemd.user":             func(d *service.HostPlatform) { d.Systemd.User = "a\nb" },
		"systemd.group":            func(d *service.HostPlatform) { d.Systemd.Scope, d.Systemd.Group = service.ScopeUser, "web" },
		"systemd.secrets":          func(d *service.HostPlatform) { d.Systemd.Secrets = "argv" },
		"systemd.restart":          func(d *service.HostPlatform) { d.Systemd.Restart = "sometimes" },
		"systemd.restart_delay":    func(d *service.HostPlatform) { d.Systemd.RestartDelay = -1 },
		"systemd.writable.1":       func(d *service.HostPlatform) { d.Systemd.Writable = []string{"/var/lib/web", "data"} },
		"systemd.before.0":         func(d *service.HostPlatform) { d.Systemd.Before = [][]string{{}} },
		"systemd.limits.ExecStart": func(d *service.HostPlatform) { d.Systemd.Limits = map[string]string{"ExecStart": "/bin/sh"} },
		"systemd.limits.MemoryMax": func(d *service.HostPlatform) {
			d.Systemd.Limits = map[string]string{"MemoryMax": "1G\nExecStart=/bin/sh"}
		},
		"systemd.limits.MemoryMx":    func(d *service.HostPlatform) { d.Systemd.Limits = map[string]string{"MemoryMx": "512M"} },
		"systemd.limits.TasksMax":    func(d *service.HostPlatform) { d.Systemd.Limits = map[string]string{"TasksMax": "many"} },
		"systemd.drop_ins.../x.conf": func(d *service.HostPlatform) { d.Systemd.DropIns = map[string]string{"../x.conf": ""} },
		"systemd.drop_ins.10-a":      func(d *service.HostPlatform) { d.Systemd.DropIns = map[string]string{"10-a": ""} },
		"existing.unit": func(d *service.HostPlatform) {
			d.Existing = &service.ExistingUnit{Unit: "web", Version: "1", Slot: "blue"}
		},
		"existing.version": func(d *service.HostPlatform) { d.Existing = &service.ExistingUnit{Unit: "web.service", Slot: "blue"} },
		"existing.slot": func(d *service.HostPlatform) {
			d.Existing = &service.ExistingUnit{Unit: "web.service", Version: "1", Slot: "red"}
		},
		"max_parallel":     func(d *service.HostPlatform) { d.MaxParallel = -1 },
		"max_unavailable":  func(d *service.HostPlatform) { d.MaxUnavailable = -1 },
		"keep_releases":    func(d *service.HostPlatform) { d.KeepReleases = -1 },
		"systemd.before.1": func(d *service.HostPlatform) { d.Systemd.Before = [][]string{{"./a"}, {"+rm"}} },
		"reach":            func(d *service.HostPlatform) { d.Reach = "vpn" },
	} {
		d := definition()
		change(&d)
		if !slices.ContainsFunc(Validate(d), func(p service.Problem) bool { return strings.Join(p.Path, ".") == at }) {
			t.Errorf("%s: %v", at, Validate(d))
		}
	}
}

// What is written in a roundabout way, or stands for more than one machine, is refused where it is written; a ledger may have it from before.
func TestWhatIsWrittenAnotherWay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change   func(*service.HostPlatform)
		at, want string
	}{
		"a slash at the end": {func(d *service.HostPlatform) { d.Directory = "/srv/web/" }, "directory", `"/srv/web/" is another way to write "/srv/web": write that`},
		"dots":               {func(d *service.HostPlatform) { d.Directory = "/srv/../etc" }, "directory", `write "/etc"`},
		"all addresses":      {func(d *service.HostPlatform) { setAddress(d, "a", "0.0.0.0") }, "hosts.a.address", "such as 10.0.0.11"},
		"all of IPv6":        {func(d *service.HostPlatform) { setAddress(d, "a", "::") }, "hosts.a.address", "such as 10.0.0.11"},
		"all, here":          {func(d *service.HostPlatform) { d.Hosts, d.Address = nil, "0.0.0.0" }, "address", "127.0.0.1"},
	} {
		d := definition()
		c.change(&d)
		problems := Validate(d)
		if len(problems) != 1 || strings.Join(problems[0].Path, ".") != c.at || !strings.Contains(problems[0].Detail, c.want) {
			t.Errorf("%s: %v, want %q at %s", name, problems, c.want, c.at)
		}
		if _, err := New(d, "production/web", nil, nil, Options{}); err != nil {
			t.Errorf("%s: it is not worked with: %v", name, err)
		}
	}
}

func setAddress(d *service.HostPlatform, name, address string) {
	h := d.Hosts[name]
	h.Address = address
	d.Hosts[name] = h
}

// Nothing is refused without a way out.
func TestBoundsHaveARemedy(t *testing.T) {
	t.Parallel()
	d := definition()
	d.MaxParallel, d.MaxUnavailable, d.KeepReleases, d.Systemd.Writable = -1, -1, -1, []string{"data"}
	problems := Validate(d)
	if len(problems) != 4 {
		t.Errorf("%v", problems)
	}
	for _, p := range problems {
		if !strings.Contains(p.Detail, ": write ") {
			t.Errorf("%v has no remedy", p)
		}
	}
}

// Units and directories are named by the service alone: a machine cannot be two of its hosts, whatever their ports.
func TestMachineIsOneHost(t *testing.T) {
	t.Parallel()
	login := func(d service.HostPlatform, change func(*service.SSH)) []service.Problem {
		h := d.Hosts["c"] // With ports of its own.
		h.Address, h.SSH.Address, h.SSH.User = "10.0.0.21", "10.0.0.12", "other"
		change(&h.SSH)
		d.Hosts["c"] = h
		return Validate(d)
	}
	problems := login(definition(), func(*service.SSH) {})
	if len(problems) != 1 || strings.Join(problems[0].Path, ".") != "hosts.c" || !strings.Contains(problems[0].Detail, "the machine of host b already, 10.0.0.12:22") {
		t.Errorf("%v", problems)
	}
	for what, change := range map[string]func(*service.SSH){
		"another port":  func(s *service.SSH) { s.Port = 2222 },
		"another place": func(s *service.SSH) { s.Bastion = &service.SSH{Address: "192.0.2.1", Port: 22} },
	} {
		if problems := login(definition(), change); len(problems) > 0 {
			t.Errorf("%s: %v", what, problems)
		}
	}
}

// A ledger may have limits from before systemd's names were asked for: its service is still looked at and restored.
func TestLimitsOfBeforeAreWorkedWith(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"MemoryMx": true, "ExecStart": false} {
		d := definition()
		d.Systemd.Limits = map[string]string{name: "512M"}
		if _, err := New(d, "production/web", nil, nil, Options{}); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// fake is a machine whose scripts are answered by a function.
type fake struct {
	name string
	run  func(script string) ([]byte, error)
	dial func(address string) (net.Conn, error)
}

func (f fake) String() string { return f.name }

func (f fake) Run(_ context.Context, script string, _ io.Reader) ([]byte, error) {
	return f.run(script)
}

func (f fake) Dial(_ context.Context, _, address string) (net.Conn, error) { return f.dial(address) }

func open(t *testing.T, d service.HostPlatform, machine func(name string) fake) *Machines {
	t.Helper()
	m, err := New(d, "production/web", func(name string, _ service.SSH) Machine { return machine(name) }, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestWaves(t *testing.T) {
	t.Parallel()
	d := definition()
	d.MaxParallel, d.MaxUnavailable = 2, 1
	m := open(t, d, nil)
	p, err := m.Placement(service.Release{ID: "production/web/1.0.0-00000000"}, "green")
	if err != nil {
		t.Fatal(err)
	}
	names := func(replacing bool) (all [][]string) {
		for _, wave := range m.Waves(p, replacing) {
			var some []string
			for _, i := range wave.Instances {
				some = append(some, i.Name+" "+i.Address)
			}
			all = append(all, some)
		}
		return all
	}
	a, b := []string{"green/a/0 10.0.0.11:8003", "green/a/1 10.0.0.11:8004"}, []string{"green/b/0 10.0.0.12:8003", "green/b/1 10.0.0.12:8004"}
	c := []string{"green/c/0 10.0.0.13:9002"}
	if got, want := names(false), [][]string{slices.Concat(a, b), c}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := names(true), [][]string{a, b, c}; !reflect.DeepEqual(got, want) {
		t.Errorf("in the place of others: %q, want %q", got, want)
	}
}

// What was placed is worked on by what was recorded, and a host that is still there as it is defined now.
func TestRecordedHosts(t *testing.T) {
	t.Parallel()
	p, err := open(t, definition(), nil).Placement(service.Release{ID: "production/web/1.0.0-00000000"}, "blue")
	if err != nil {
		t.Fatal(err)
	}
	d := definition()
	delete(d.Hosts, "b")
	d.Hosts["a"] = service.Host{Address: "10.0.0.11", SSH: service.SSH{Address: "10.0.0.11", User: "deploy", Port: 2222}}
	d.Directory, d.Systemd.Scope = "/srv/another", service.ScopeUser
	got := map[string]int{}
	m, err := New(d, "production/web", func(name string, s service.SSH) Machine { got[name] = s.Port; return fake{name: name} }, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	parts, err := m.parts(p)
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]int{"a": 2222, "b": 22, "c": 22}; !maps.Equal(got, want) || parts[1].Directory != "/srv/web" || parts[1].Scope != service.ScopeSystem {
		t.Errorf("%v, %+v", got, parts[1].record)
	}
	for _, i := range []service.Instance{{Name: "blue/../../etc/0", Address: "a:1"}, {Name: "blue/a/0", Address: "a"}, {Name: "red/0", Address: "a:1"}} {
		if _, err := m.parts(service.Placement{Release: p.Release, Slot: "blue", Instances: []service.Instance{i}}); err == nil {
			t.Errorf("%+v is taken for an instance", i)
		}
	}
}

// Half of what a machine answers is no answer, and what it refuses is an error of its own.
func TestBadAnswers(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		"":                                 "cut off",
		"Id=production-web-blue-0.service": "cut off",
		"!refused manager systemd runs no manager": "systemd runs no manager",
	} {
		m := open(t, definition(), func(name string) fake {
			return fake{name: name, run: func(string) ([]byte, error) { return []byte(answer), nil }}
		})
		p, err := m.Placement(service.Release{ID: "production/web/1.0.0-00000000"}, "blue")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Inspect(t.Context(), p); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "hosts a, b and c: ") {
			t.Errorf("%q: %v", answer, err)
		}
	}
}

// Nobody comes back by himself to a host that the service has no more: who is told that it could not be tidied is told what to run there.
func TestLeftBehind(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		systemd  service.Systemd
		existing string
		want     string
	}{
		"root":     {service.Systemd{}, "", "`systemctl disable --now production-web-blue-0.service production-web-blue-1.service` on b"},
		"sudo":     {service.Systemd{Sudo: true}, "", "`sudo systemctl disable --now production-web-blue-0.service production-web-blue-1.service` on b"},
		"user":     {service.Systemd{Scope: service.ScopeUser}, "", "`systemctl --user disable --now production-web-blue-0.service production-web-blue-1.service` on b"},
		"existing": {service.Systemd{}, "web.service", "`systemctl disable --now web.service` on b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			off := func(name string) fake {
				return fake{name: name, run: func(string) ([]byte, error) {
					if name == "b" || name == "c" {
						return nil, errors.New("it is off")
					}
					return nil, nil
				}}
			}
			d := definition()
			d.Systemd = &c.systemd
			p, err := open(t, d, off).placement("production/web/1.0.0-00000000", "blue", c.existing)
			if err != nil {
				t.Fatal(err)
			}
			d = definition()
			d.Systemd = &c.systemd
			delete(d.Hosts, "b")
			m := open(t, d, off)
			err = m.Remove(t.Context(), p)
			if err == nil || !strings.Contains(err.Error(), "host b (b): it is off; ") || !strings.Contains(err.Error(), c.want) || strings.Count(err.Error(), "disable --now") != 1 {
				t.Errorf("%v", err)
			}
			if err := m.Stop(t.Context(), p); err == nil || strings.Contains(err.Error(), "disable --now") {
				t.Errorf("a stop: %v", err)
			}
		})
	}
}
