package machines_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/artifact"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/machinetest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/platformtest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// get asks an instance for a variable of its environment.
func (g *ground) get(i service.Instance, variable string) string {
	g.Helper()
	request, err := http.NewRequestWithContext(g.Context(), http.MethodGet, "http://"+i.Address+"/environment?name="+variable, nil)
	g.ok(err)
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	g.ok(err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	g.ok(err)
	return string(body)
}

func (g *ground) unit(slot string, n int) string {
	return g.id.Environment() + "-" + g.id.Name() + "-" + slot + "-" + strconv.Itoa(n) + ".service"
}

// A unit of the same name that somebody else wrote is left as it is.
func TestForeignUnit(t *testing.T) {
	t.Parallel()
	g := newGround(t, asRoot, hosts(t, 1), 1)
	h, path := g.hosts[0], "/etc/systemd/system/"+g.unit("blue", 0)
	const text = "[Service]\nExecStart=/bin/true\n"
	h.WriteFile(t, path, text, 0o644)
	r := g.placed(g.release("1.0.0"), "blue")
	for _, problems := range [][]service.Problem{g.Room(t.Context(), r, "blue"), g.Unready(t.Context())} {
		if len(problems) != 1 {
			t.Errorf("%v", problems)
			continue
		}
		g.contains(problems[0].Detail, "host a: there is a unit "+path, "not this service's", "systemctl disable --now "+g.unit("blue", 0), "another name")
	}
	err := g.Start(t.Context(), r, nil)
	if err == nil {
		t.Fatal("started")
	}
	g.contains(err.Error(), path, "not this service's", "host a", "systemctl disable --now")
	g.ok(g.Remove(t.Context(), r.Placement))
	if got := h.Run(t, "cat "+path+"; rm "+path); got != text {
		t.Errorf("it is %q now", got)
	}
}

// So is a drop-in, and it is told before any host starts.
func TestForeignDropIn(t *testing.T) {
	t.Parallel()
	g := newGround(t, usersOwn, hosts(t, 2), 1)
	h, directory := g.hosts[1], "/home/"+machinetest.User+"/.config/systemd/user/"+g.unit("green", 0)+".d"
	h.WriteFile(t, directory+"/10-a.conf", "[Service]\nNice=1\n", 0o644)
	t.Cleanup(func() { h.Run(t, "rm -r "+directory) })
	g.definition.Systemd.DropIns = map[string]string{"10-a.conf": "[Service]\nNice=5\n"}
	g.open()
	r := g.placed(g.release("1.0.0"), "green")
	problems := g.Room(t.Context(), r, "green")
	if len(problems) != 1 {
		t.Fatalf("%v", problems)
	}
	g.contains(problems[0].Detail, "host b: there is a drop-in "+directory+"/10-a.conf", "give that of systemd.drop_ins another name")
	err := g.Start(t.Context(), r, nil)
	if err == nil {
		t.Fatal("started")
	}
	g.contains(err.Error(), "host b", directory+"/10-a.conf already", "another name")
	g.ok(g.Remove(t.Context(), r.Placement))
}

// What systemd would leave out is told before anything is started, once for all hosts, and also where the content is not known yet.
func TestWhatSystemdIgnores(t *testing.T) {
	t.Parallel()
	for name, k := range map[string]kind{"AsRoot": asRoot, "WithSudo": withSudo, "UsersOwn": usersOwn} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGround(t, k, hosts(t, 2), 1)
			r := g.release("1.0.0")
			if problems := slices.Concat(g.Room(t.Context(), r, "blue"), g.Unready(t.Context())); len(problems) > 0 {
				t.Errorf("of nothing: %v", problems)
			}
			g.definition.Systemd.Limits = map[string]string{"CPUShares": "500", "AllowedCPUs": "some"} // The one is out of fashion alone.
			g.definition.Systemd.DropIns = map[string]string{"10-a.conf": "nonsense\n[Service]\nMemoryMx=5", "20-b.conf": "[Service]\nNice=5\n"}
			g.open()
			for _, problems := range [][]service.Problem{g.Room(t.Context(), r, "blue"), g.Room(t.Context(), service.Release{ID: r.ID}, "blue"), g.Unready(t.Context())} {
				if len(problems) != 2 {
					t.Fatalf("%v", problems)
				}
				g.contains(problems[0].Detail, "hosts a and b: systemd 252 would ignore", `platform.host.systemd.limits["AllowedCPUs"]`, g.unit("blue", 0)+": ", "some")
				g.contains(problems[1].Detail, "hosts a and b: systemd 252 would ignore", `platform.host.systemd.drop_ins["10-a.conf"]`,
					"line 1: Assignment outside of section. Ignoring; line 3: Unknown key 'MemoryMx' in section [Service], ignoring")
			}
			if left := g.hosts[0].Run(t, "ls -d /tmp/"+g.unit("blue", 0)+".* 2>/dev/null; exit 0"); left != "" {
				t.Errorf("left behind: %s", left)
			}
		})
	}
}

// Overrides of the definition come and go; those that an administrator wrote stay.
func TestDropIns(t *testing.T) {
	t.Parallel()
	g := newGround(t, withSudo, hosts(t, 1), 2)
	h, directory := g.hosts[0], "/etc/systemd/system/"+g.unit("blue", 0)+".d"
	h.WriteFile(t, directory+"/override.conf", "[Service]\nEnvironment=ADMIN=yes\n", 0o644)
	g.definition.Systemd.DropIns = map[string]string{"10-a.conf": "[Service]\nEnvironment=DEFINED=a", "20-b.conf": "[Service]\nNice=5\n"}
	g.definition.Systemd.Limits = map[string]string{"MemoryMax": "512M", "LimitNOFILE": "4096"}
	g.definition.Systemd.Before = [][]string{{"/bin/sh", "-c", "echo before $PORT \"$$DEFINED\""}}
	g.open()
	r := g.placed(g.release("1.0.0"), "blue")
	g.started(r, nil)
	i := r.Placement.Instances[0]
	if got := g.get(i, "ADMIN") + g.get(i, "DEFINED"); got != "yesa" {
		t.Errorf("the overrides are %q", got)
	}
	if got := h.Run(t, "systemctl show -p MemoryMax -p LimitNOFILE -p Nice --value "+g.unit("blue", 0)); !strings.Contains(got, "536870912") || !strings.Contains(got, "4096") || !strings.Contains(got, "5\n") {
		t.Errorf("the limits are %q", got)
	}
	g.eventually(func() error {
		lines, err := g.Logs(t.Context(), r.Placement, 10)
		if err == nil && !strings.Contains(strings.Join(lines, "\n"), "before ") {
			err = errors.New(strings.Join(lines, "\n"))
		}
		return err
	})
	g.ok(g.Stop(t.Context(), r.Placement))
	g.definition.Systemd.DropIns = map[string]string{"20-b.conf": "[Service]\nNice=6\n"}
	g.open()
	g.started(r, nil)
	if got := h.Run(t, "ls "+directory+"; systemctl show -p Nice --value "+g.unit("blue", 0)); got != "20-b.conf\noverride.conf\n6\n" {
		t.Errorf("with other overrides: %q", got)
	}
	g.ok(g.Remove(t.Context(), r.Placement))
	if got := h.Run(t, "ls "+directory+"; rm -r "+directory); got != "override.conf\n" {
		t.Errorf("after the removal: %q", got)
	}
	if got := h.Run(t, "cd /etc/systemd/system; ls -d "+strings.TrimSuffix(g.unit("blue", 0), "0.service")+"* 2>/dev/null; exit 0"); got != "" {
		t.Errorf("after the removal there is %q", got)
	}
}

// What is run before a release's program, and fails, is the release's own failure, as its program's end is: it is seen to die, and its
// words are in the log. What cannot be run at all is a failure to start it.
func TestWhatIsRunBeforeFails(t *testing.T) {
	t.Parallel()
	g := newGround(t, asRoot, hosts(t, 1), 1)
	for _, c := range []struct{ script, ends string }{
		{"echo cannot migrate; exit 7", "exit status 7"},
		{"echo cannot migrate; exit 255", "exit status 255"},
		{"echo cannot migrate; kill -KILL $$", "signal: killed"},
	} {
		g.definition.Systemd.Before = [][]string{{"/bin/true"}, {"/bin/sh", "-c", c.script}}
		g.open()
		r := g.placed(g.release("1.0.0"), "blue")
		g.ok(g.Start(t.Context(), r, nil))
		g.eventually(func() error {
			s := g.states(r)[0]
			if s.Running || s.Restarts < 1 || !strings.Contains(s.Detail, "what is run before it (systemd.before) ended with "+c.ends) {
				return fmt.Errorf("%+v", s)
			}
			return nil
		})
		lines, err := g.Logs(t.Context(), r.Placement, 20)
		g.ok(err)
		g.contains(strings.Join(lines, "\n"), "cannot migrate")
		g.ok(g.Remove(t.Context(), r.Placement))
	}
	g.definition.Systemd.Before = [][]string{{"/nowhere/migrate"}}
	g.open()
	r := g.placed(g.release("1.0.0"), "blue")
	err := g.Start(t.Context(), r, nil)
	if err == nil {
		t.Fatal("started what cannot be run")
	}
	g.contains(err.Error(), "systemd did not start it")
	g.ok(g.Remove(t.Context(), r.Placement))
}

// What a unit may do is little, and systemd finds nothing wrong with it.
func TestHardened(t *testing.T) {
	t.Parallel()
	g := newGround(t, asRoot, hosts(t, 1), 1)
	g.definition.Slots["blue"] = service.HostSlot{Ports: []int{83}} // which needs a capability
	g.open()
	r := g.placed(g.release("1.0.0"), "blue")
	g.started(r, nil)
	states := g.states(r)
	if !states[0].Running || states[0].Detail != "" {
		t.Errorf("%+v", states)
	}
	unit := g.unit("blue", 0)
	out := g.hosts[0].Run(t, "systemd-analyze verify "+unit+" 2>&1; systemd-analyze security "+unit+" | tail -n 1; stat -c %U /proc/$(systemctl show -p MainPID --value "+unit+"); readlink "+g.definition.Directory+"/current")
	t.Log(out)
	if lines := strings.Split(strings.TrimSpace(out), "\n"); len(lines) != 3 || !strings.Contains(lines[0], "OK") || strings.Contains(lines[1], "root") || lines[2] != "releases/"+r.ID.Label() {
		t.Errorf("systemd says %q", out)
	}
}

// Another program on the port is named, at a preflight and at the start.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	g := newGround(t, asRoot, hosts(t, 1), 1)
	h, port := g.hosts[0], g.definition.Slots["blue"].Ports[0]
	squatter := "squatter-" + strconv.Itoa(port)
	h.Run(t, "systemd-run --unit "+squatter+" -p Type=exec -E PORT="+strconv.Itoa(port)+" -E DEPLOY_ADDRESS="+h.Address+" "+instanceProgram+" "+asInstance)
	t.Cleanup(func() { h.Run(t, "systemctl stop "+squatter) })
	r := g.placed(g.release("1.0.0"), "blue")
	g.eventually(func() error {
		problems := g.Room(t.Context(), r, "blue")
		if len(problems) != 1 || !strings.Contains(problems[0].Detail, "held by another program: process ") {
			return errors.New("no problem")
		}
		return nil
	})
	err := g.Start(t.Context(), r, nil)
	if err == nil {
		t.Fatal("started")
	}
	g.contains(err.Error(), "port "+strconv.Itoa(port)+" of blue/a/0", "held by another program: process ", "test-instance")
	err = g.Probe(t.Context(), r.Placement.Instances[0], service.Health{})
	if err == nil {
		t.Fatal("another program counts as the instance")
	}
	g.contains(err.Error(), "another program: process ", "test-instance")
}

// What cannot be executed is an error of the start, and is not tried for ever.
func TestProgramThatIsNone(t *testing.T) {
	t.Parallel()
	for name, delay := range map[string]time.Duration{
		"tried again later": time.Minute,
		// Then it is being started again whenever systemd is asked what became of it.
		"tried again at once": time.Millisecond,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			programThatIsNone(t, delay)
		})
	}
}

func programThatIsNone(t *testing.T, delay time.Duration) {
	g := newGround(t, asRoot, hosts(t, 1), 1)
	g.definition.Systemd.RestartDelay = service.Duration(delay)
	g.open()
	r := g.release("1.0.0")
	r.Content.Host.Command = []string{"no-such-program"}
	r.ID = r.Content.ReleaseID(g.id)
	r = g.placed(r, "blue")
	for range 2 {
		err := g.Start(t.Context(), r, nil)
		if err == nil {
			t.Fatal("started")
		}
		g.contains(err.Error(), g.unit("blue", 0), "no-such-program")
	}
	if s := g.states(r)[0]; s.Running {
		t.Errorf("%+v", s)
	}
}

// What is on the disk of a machine that has it belongs to one service.
func TestForeignDirectory(t *testing.T) {
	t.Parallel()
	g := newGround(t, asRoot, hosts(t, 1), 1)
	g.hosts[0].WriteFile(t, g.definition.Directory+"/service", "test/another\n", 0o644)
	r := g.release("1.0.0")
	if _, err := g.Place(t.Context(), r, "blue"); err == nil {
		t.Error("placed")
	} else {
		g.contains(err.Error(), "belongs to the service test/another")
	}
	if problems := g.Room(t.Context(), r, "blue"); len(problems) == 0 || !strings.Contains(problems[0].Detail, "test/another") {
		t.Errorf("%v", problems)
	}
	if _, err := g.Releases(t.Context()); err == nil {
		t.Error("its releases are listed")
	}
}

// The link follows what runs, and files of older releases go.
func TestCurrentAndKept(t *testing.T) {
	t.Parallel()
	g := newGround(t, asRoot, hosts(t, 1), 1)
	g.definition.KeepReleases = 2
	g.open()
	h := g.hosts[0]
	current := func() string {
		return strings.TrimSpace(h.Run(t, "readlink "+g.definition.Directory+"/current; exit 0"))
	}
	slots := []string{"blue", "green"}
	var before service.Release
	for n := range 4 {
		r := g.placed(g.release(strconv.Itoa(n)+".0.0"), slots[n%2])
		g.started(r, nil)
		if n > 0 {
			if got := current(); got != "releases/"+before.ID.Label() {
				t.Errorf("while %s runs beside %s, current is %s", r.ID, before.ID, got)
			}
			g.ok(g.Stop(t.Context(), before.Placement))
			g.ok(g.Remove(t.Context(), before.Placement))
		}
		if got := current(); got != "releases/"+r.ID.Label() {
			t.Errorf("while %s runs, current is %s", r.ID, got)
		}
		before = r
	}
	if got := strings.Fields(h.Run(t, "ls "+g.definition.Directory+"/releases")); len(got) != 2 {
		t.Errorf("files are kept of %q", got)
	}
	g.ok(g.Remove(t.Context(), before.Placement))
	if got := current(); got != "" {
		t.Errorf("after the removal current is %s", got)
	}
}

// A unit that a user wrote becomes the first release; it is stopped, started and asked, and stays as it is.
func TestExisting(t *testing.T) {
	t.Parallel()
	g := newGround(t, withSudo, hosts(t, 1), 1)
	h, port := g.hosts[0], g.definition.Slots["green"].Ports[0]
	unit := "theirs-" + strconv.Itoa(port) + ".service"
	text := "[Service]\nEnvironment=PORT=" + strconv.Itoa(port) + " DEPLOY_ADDRESS=" + h.Address + "\nExecStart=" + instanceProgram + " " + asInstance + " --old\n[Install]\nWantedBy=multi-user.target\n"
	h.WriteFile(t, "/etc/systemd/system/"+unit, text, 0o644)
	h.Run(t, "systemctl daemon-reload && systemctl enable --now "+unit)
	t.Cleanup(func() { h.Run(t, "systemctl disable --now "+unit+"; rm /etc/systemd/system/"+unit) })
	g.definition.Existing = &service.ExistingUnit{Unit: "no-" + unit, Version: "0.9.0", Slot: "green"}
	g.open()
	if states, err := g.Existing(t.Context()); err != nil || len(states) != 1 || states[0].Running || states[0].Detail != "there is no unit no-"+unit {
		t.Errorf("of a unit that is not there: %+v, %v", states, err)
	}
	g.definition.Existing.Unit = unit
	g.open()
	if states, err := g.Existing(t.Context()); err != nil || len(states) != 1 || !states[0].Running {
		t.Errorf("of a unit that runs: %+v, %v", states, err)
	}
	releases, err := g.Releases(t.Context())
	g.ok(err)
	if len(releases) != 1 || releases[0].ID.Version() != "0.9.0" || releases[0].Placement.Slot != "green" || strings.Join(releases[0].Content.Host.Command, " ") != instanceProgram+" "+asInstance+" --old" {
		t.Fatalf("%+v", releases)
	}
	old := releases[0]
	if old.Health.HealthyDeadline <= 0 || old.Health.ProgressDeadline <= 0 {
		t.Errorf("started again, it has no time: %+v", old.Health)
	}
	runs := func(want bool) {
		t.Helper()
		s := g.states(old)[0]
		if s.Running != want || want && (s.Release != old.ID || s.Detail != "") {
			t.Errorf("want %t, got %+v", want, s)
		}
	}
	g.answers(old)
	runs(true)
	_, err = g.Logs(t.Context(), old.Placement, 10)
	g.ok(err)
	// Where a new release takes its place, its ports are free by then.
	if problems := g.Room(t.Context(), g.release("2.0.0"), "green", old.Placement); len(problems) > 0 {
		t.Errorf("in the way: %v", problems)
	}
	if problems := g.Room(t.Context(), g.release("2.0.0"), "green"); len(problems) != 1 || !strings.Contains(problems[0].Detail, "held by another program") {
		t.Errorf("beside it: %v", problems)
	}
	next := g.placed(g.release("1.0.0"), "blue")
	g.started(next, nil)
	for range 2 {
		g.ok(g.Stop(t.Context(), old.Placement))
		runs(false)
	}
	if all, err := g.Releases(t.Context()); err != nil || len(all) != 2 {
		t.Errorf("kept ready: %v, %v", all, err)
	}
	for range 2 {
		g.ok(g.Start(t.Context(), old, nil))
		g.answers(old)
		runs(true)
	}
	if got := h.Run(t, "systemctl is-enabled "+unit); got != "enabled\n" {
		t.Errorf("it is %s", got)
	}
	if err := g.Start(t.Context(), g.placed(g.release("2.0.0"), "green"), nil); err == nil {
		t.Error("started in the slot of what is there")
	} else {
		g.contains(err.Error(), unit)
	}
	g.ok(g.Remove(t.Context(), old.Placement))
	runs(false)
	if all, err := g.Releases(t.Context()); err != nil || len(all) != 2 || all[0].ID == old.ID || all[1].ID == old.ID {
		t.Errorf("removed: %v, %v", all, err)
	}
	if got := h.Run(t, "cat /etc/systemd/system/"+unit); got != text {
		t.Errorf("it is %q now", got)
	}
}

// A unit that a user wrote has its slot also while somebody stops it, and while systemd waits to start it again: its port is free then. One that
// has failed, or is not there, has not.
func TestSlotOfExisting(t *testing.T) {
	t.Parallel()
	g := newGround(t, withSudo, hosts(t, 1), 1)
	h, unit := g.hosts[0], "theirs-"+strconv.Itoa(g.definition.Slots["green"].Ports[0])+".service"
	g.definition.Existing = &service.ExistingUnit{Unit: unit, Version: "0.9.0", Slot: "green"}
	g.open()
	r := g.placed(g.release("1.0.0"), "green")
	there := func(text, do, state string) {
		t.Helper()
		h.WriteFile(t, "/etc/systemd/system/"+unit, "[Service]\n"+text, 0o644)
		h.Run(t, "systemctl daemon-reload && systemctl "+do)
		g.eventually(func() error {
			if is := strings.TrimSpace(h.Run(t, "systemctl show --value -p ActiveState "+unit)); is != state {
				return errors.New(is)
			}
			return nil
		})
	}
	taken := func(state string) {
		t.Helper()
		if err := g.Start(t.Context(), r, nil); err == nil {
			t.Errorf("started where the unit is %s", state)
		} else {
			g.contains(err.Error(), unit, state, "slot green holds another release")
		}
	}
	t.Cleanup(func() {
		h.Run(t, "systemctl kill -s KILL "+unit+"; systemctl stop "+unit+"; rm /etc/systemd/system/"+unit+"; systemctl daemon-reload; systemctl reset-failed "+unit+"; true")
	})
	there("ExecStart=/bin/false\nRestart=always\nRestartSec=1h\n", "start --no-block "+unit, "activating")
	taken("activating")
	h.Run(t, "systemctl stop "+unit)
	there("ExecStart=/bin/sleep 1h\nExecStop=/bin/sleep 1h\nTimeoutStopSec=1h\n", "start "+unit, "active")
	taken("active")
	h.Run(t, "systemctl stop --no-block "+unit)
	there("ExecStart=/bin/false\n", "daemon-reload", "deactivating")
	taken("deactivating")
	h.Run(t, "systemctl kill -s KILL "+unit)
	there("ExecStart=/bin/false\n", "start "+unit+" || true", "failed")
	g.started(r, nil)
	g.ok(g.Stop(t.Context(), r.Placement))
	h.Run(t, "rm /etc/systemd/system/"+unit+" && systemctl daemon-reload && systemctl reset-failed")
	g.started(r, nil)
}

// An instance that dies, and leaves processes of its own, ends with them before systemd starts it again: nobody stops it then.
func TestDiesAndLeavesProcesses(t *testing.T) {
	t.Parallel()
	g := newGround(t, asRoot, hosts(t, 1), 1)
	g.draining(10 * time.Second)
	r := g.placed(g.release("1.0.0"), "blue")
	g.started(r, map[string]string{platformtest.VariableBehaviour: platformtest.Parent})
	g.hosts[0].Run(t, "systemctl kill --kill-whom=main -s KILL "+g.unit("blue", 0))
	g.eventually(func() error {
		if s := g.states(r)[0]; s.Running || s.Stopping || !strings.Contains(s.Detail, "signal: killed") || !strings.Contains(s.Detail, "what it left running is being ended") {
			return fmt.Errorf("%+v", s)
		}
		return nil
	})
	g.eventually(func() error {
		if s := g.states(r)[0]; !s.Running || s.Stopping || s.Restarts != 1 {
			return fmt.Errorf("%+v", s)
		}
		return nil
	})
}

// A unit whose file was removed by hand runs on, is told, is made whole by a start, and stops.
func TestUnitFileGone(t *testing.T) {
	t.Parallel()
	g := newGround(t, asRoot, hosts(t, 1), 1)
	h, path := g.hosts[0], "/etc/systemd/system/"+g.unit("blue", 0)
	r := g.placed(g.release("1.0.0"), "blue")
	g.started(r, nil)
	pid := h.Run(t, "systemctl show --value -p MainPID "+g.unit("blue", 0))
	gone := func() {
		t.Helper()
		h.Run(t, "rm "+path+" && systemctl daemon-reload")
		if s := g.states(r)[0]; !s.Running || !s.Unsupervised || s.Release != r.ID {
			t.Errorf("%+v", s)
		}
	}
	gone()
	g.ok(g.Start(t.Context(), r, nil))
	if s := g.states(r)[0]; !s.Running || s.Unsupervised || s.Detail != "" {
		t.Errorf("%+v", s)
	}
	if got := h.Run(t, "systemctl show --value -p MainPID "+g.unit("blue", 0)); got != pid {
		t.Error("it was started again")
	}
	gone()
	g.ok(g.Stop(t.Context(), r.Placement))
	if s := g.states(r)[0]; s.Running {
		t.Errorf("%+v", s)
	}
	if got := h.Run(t, "ls /proc/"+strings.TrimSpace(pid)+" >/dev/null 2>&1 || echo gone"); got != "gone\n" {
		t.Error("its process is still there")
	}
}

// A disk that is too small is seen before anything is sent.
func TestSmallDisk(t *testing.T) {
	t.Parallel()
	all := machinetest.Start(t, 2, machinetest.SmallDisk("b", 16<<20))
	provide(t, all)
	g := newGround(t, asRoot, all, 1)
	noise := make([]byte, 8<<20)
	if _, err := rand.Read(noise); err != nil {
		t.Fatal(err)
	}
	// The file is kept, and lies among the release's files: it takes twice its size, and not much more.
	g.artifact("#!/bin/sh\n" + string(noise[:7<<20]))
	if problems := g.Room(t.Context(), g.release("1.0.0"), "blue"); len(problems) > 0 {
		t.Errorf("%v", problems)
	}
	g.placed(g.release("1.0.0"), "blue")
	all[1].Run(t, "rm -rf /srv/*")
	g.artifact("#!/bin/sh\n" + string(noise))
	problems := g.Room(t.Context(), g.release("1.0.0"), "blue")
	if len(problems) != 1 || strings.Join(problems[0].Path, ".") != "platform.host.hosts.b" || !strings.HasPrefix(problems[0].Detail, "host b: ") || !strings.Contains(problems[0].Detail, "the release needs 17.0 MiB") {
		t.Errorf("%v", problems)
	}
	if _, err := g.Place(t.Context(), g.release("1.0.0"), "blue"); err == nil || !strings.Contains(err.Error(), "has 16.0 MiB free and the release needs 17.0 MiB") {
		t.Errorf("%v", err)
	}
	// One of a lost artifact that neither has.
	g.reference.Path += ".lost"
	problems = g.Room(t.Context(), g.release("1.0.0"), "blue")
	if len(problems) != 1 || strings.Join(problems[0].Path, ".") != "content.artifact" {
		t.Errorf("%v", problems)
	}
}

// A program for other machines is told before anything is sent, once for all of them.
func TestForeignArchitecture(t *testing.T) {
	t.Parallel()
	g := newGround(t, asRoot, hosts(t, 2), 1)
	header := make([]byte, 64)
	copy(header, "\x7fELF\x02\x02\x01") // which is big-endian, as no machine here is
	header[19] = 0x16
	g.artifact(string(header))
	problems := g.Room(t.Context(), g.release("1.0.0"), "blue")
	if len(problems) != 1 {
		t.Fatalf("%v", problems)
	}
	g.contains(problems[0].Detail, "hosts a and b: the program ./web is for s390x, and the machine is ", ": build it for linux/")
}

// A program that is not in the artifact is told before anything is sent, and not as a problem of a machine.
func TestProgramThatIsNotInTheArtifact(t *testing.T) {
	t.Parallel()
	g := newGround(t, asRoot, hosts(t, 2), 1)
	r := g.release("1.0.0")
	r.Content.Host.Command = []string{"./app/web"}
	r.ID = r.Content.ReleaseID(g.id)
	problems := g.Room(t.Context(), r, "blue")
	if len(problems) != 1 || strings.Join(problems[0].Path, ".") != "content.host.command" || len(problems[0].Hosts) > 0 {
		t.Fatalf("%v", problems)
	}
	g.contains(problems[0].Detail, "the program ./app/web is not among the release's files: the artifact has web; write ./web")
	_, err := g.Place(t.Context(), r, "blue")
	if err == nil {
		t.Fatal("placed")
	}
	g.contains(err.Error(), problems[0].Detail)
	for _, h := range g.hosts {
		h.Run(t, "[ -z \"$(find "+g.definition.Directory+" -name 'artifact*' -type f)\" ]")
	}
}

// What was packed under a strict umask runs as another user than the one who logs in.
func TestPackedForTheOwnerAlone(t *testing.T) {
	t.Parallel()
	for name, k := range map[string]kind{
		"www-data by sudo": withSudo, "www-data by root": {user: "root", systemd: service.Systemd{User: "www-data"}}, "a dynamic user": asRoot,
		"the user's own manager": usersOwn,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGround(t, k, hosts(t, 1), 1)
			dir := t.TempDir()
			script := "#!/bin/sh\n. ./lib/settings\nexec " + instanceProgram + " " + asInstance + " \"$@\"\n"
			packing := exec.CommandContext(t.Context(), "sh", "-c", `umask 077; cd "$1"; mkdir -p app/lib; printf %s "$2" >app/web; chmod u+x app/web; echo : >app/lib/settings; tar -czf web.tar.gz -C app .`, "sh", dir, script)
			if out, err := packing.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			g.reference.Path = dir + "/web.tar.gz"
			var err error
			g.reference.Digest, err = artifact.Digest(t.Context(), g.reference.Path)
			g.ok(err)
			r := g.placed(g.release("1.0.0"), "blue")
			g.started(r, nil)
			g.answers(r)
			mode := strings.TrimSpace(g.hosts[0].Run(t, "stat -c %a "+g.definition.Directory+"/releases/"+r.ID.Label()+"/web"))
			if want := choose(k.systemd.Scope == service.ScopeUser, "700", "755"); mode != want {
				t.Errorf("the program has the mode %s, want %s", mode, want)
			}
		})
	}
}

func choose(condition bool, yes, no string) string {
	if condition {
		return yes
	}
	return no
}

// A machine that was started again runs what ran, and says of what was stopped that it was.
func TestReboot(t *testing.T) {
	t.Parallel()
	all := machinetest.Start(t, 1)
	provide(t, all)
	g := newGround(t, asRoot, all, 1)
	// It warms up, which takes as long as there is no such file.
	g.definition.Systemd.Before = [][]string{{"/bin/sh", "-c", "until [ -e /run/warm ]; do sleep 0.1; done"}}
	all[0].Run(t, "touch /run/warm")
	g.open()
	stopped, running := g.placed(g.release("1.0.0"), "blue"), g.placed(g.release("2.0.0"), "green")
	g.started(stopped, nil)
	g.started(running, nil)
	g.ok(g.Stop(t.Context(), stopped.Placement))
	boot := g.states(running)[0].Boot
	if again := g.states(running)[0].Boot; len(strings.Fields(boot)) != 2 || again != boot {
		t.Errorf("one start of the machine is %q and %q", boot, again)
	}
	// Something that takes long to start is to be there before the instance.
	all[0].WriteFile(t, "/etc/systemd/system/late.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'until [ -e /run/go ]; do sleep 0.1; done'\n[Install]\nWantedBy=multi-user.target\n", 0o644)
	all[0].WriteFile(t, "/etc/systemd/system/"+g.unit("green", 0)+".d/50-late.conf", "[Unit]\nAfter=late.service\n", 0o644)
	all[0].Run(t, "systemctl daemon-reload && systemctl enable late")
	up := make(chan error, 1)
	go func() { up <- all[0].Host.Reboot(context.WithoutCancel(t.Context())) }()
	g.eventually(func() error {
		_, err := g.Inspect(t.Context(), running.Placement)
		if err == nil || !strings.Contains(err.Error(), "host a (") || !strings.Contains(err.Error(), "the machine is coming up") {
			return fmt.Errorf("it does not come up yet: %v", err) //nolint:errorlint // it may be nil
		}
		return nil
	})
	if s := g.states(stopped)[0]; s.Running || !strings.Contains(s.Detail, "it was stopped at") {
		t.Errorf("what was stopped, while the machine comes up: %+v", s)
	}
	all[0].Run(t, "touch /run/go")
	g.eventually(func() error {
		if got := all[0].Run(t, "systemctl show --value -p SubState "+g.unit("green", 0)); got != "start-pre\n" {
			return errors.New("it does not warm up yet: " + got)
		}
		return nil
	})
	if states, err := g.Inspect(t.Context(), running.Placement); err == nil || !strings.Contains(err.Error(), "the machine is coming up") {
		t.Errorf("what ran, while it warms up: %+v, %v", states, err)
	}
	all[0].Run(t, "touch /run/warm")
	g.ok(<-up)
	g.eventually(func() error {
		return g.Probe(context.WithoutCancel(t.Context()), running.Placement.Instances[0], service.Health{})
	})
	if s := g.states(running)[0]; !s.Running || s.Release != running.ID || s.Restarts != 0 || s.Detail != "" || s.Boot == "" || s.Boot == boot {
		t.Errorf("what ran: %+v", s)
	}
	if s := g.states(stopped)[0]; s.Running || !strings.Contains(s.Detail, "it was stopped at") {
		t.Errorf("what was stopped: %+v", s)
	}
	// One that nobody has come back.
	all[0].Run(t, "systemctl disable late "+g.unit("green", 0))
	if s := g.states(running)[0]; !s.Running || !s.Unsupervised {
		t.Errorf("disabled: %+v", s)
	}
	// Nor is a start said to have mended it where it cannot be enabled.
	const wants = "/etc/systemd/system/multi-user.target.wants"
	all[0].Run(t, "mount --bind "+wants+" "+wants+" && mount -o remount,bind,ro "+wants)
	if err := g.Start(t.Context(), running, nil); err == nil {
		t.Error("started what cannot be enabled")
	} else {
		g.contains(err.Error(), "Read-only file system", g.unit("green", 0)+" runs, and is not enabled")
	}
	all[0].Run(t, "umount "+wants)
	if s := g.states(running)[0]; !s.Running || !s.Unsupervised {
		t.Errorf("where it cannot be enabled: %+v", s)
	}
	all[0].Reboot(t)
	g.eventually(func() error { _, err := g.Inspect(t.Context(), running.Placement); return err })
	if s := g.states(running)[0]; s.Running || !strings.Contains(s.Detail, "the machine was started again since it ran") {
		t.Errorf("disabled, and started again: %+v", s)
	}
	// What is not warm in time is started again, and is not waited for.
	all[0].WriteFile(t, "/etc/systemd/system/"+g.unit("green", 0)+".d/50-late.conf", "[Service]\nTimeoutStartSec=1\n", 0o644)
	all[0].Run(t, "systemctl enable "+g.unit("green", 0))
	go func() { up <- all[0].Host.Reboot(context.WithoutCancel(t.Context())) }()
	g.eventually(func() error {
		states, err := g.Inspect(t.Context(), running.Placement)
		if err == nil && (states[0].Running || states[0].Restarts < 1 || !strings.Contains(states[0].Detail, "(systemd.before) ended with signal: terminated")) {
			err = fmt.Errorf("it is waited for: %+v", states[0])
		}
		return err
	})
	all[0].Run(t, "touch /run/warm")
	g.ok(<-up)
	g.answers(running)
}

// While a machine goes down, what a program has left behind may drain for longer than the program itself: the instance has not died. It has where
// somebody stops it.
func TestGoingDown(t *testing.T) {
	t.Parallel()
	all := machinetest.Start(t, 1)
	provide(t, all)
	g := newGround(t, asRoot, all, 1)
	g.artifact("#!/bin/sh\n(trap '' TERM; until [ -e /run/drained ]; do sleep 0.1; done) &\nexec " + instanceProgram + " " + asInstance + " \"$@\"\n")
	// What was started after sshd is stopped before it.
	g.definition.Systemd.DropIns = map[string]string{"10-drain.conf": "[Unit]\nAfter=ssh.service\n[Service]\nTimeoutStopSec=300\n"}
	g.open()
	r := g.placed(g.release("1.0.0"), "blue")
	g.started(r, nil)
	t.Cleanup(func() { all[0].Run(t, "touch /run/drained") })
	drains := func() {
		t.Helper()
		g.eventually(func() error {
			if got := all[0].Run(t, "systemctl show --value -p SubState -p MainPID "+g.unit("blue", 0)); got != "0\nfinal-sigterm\n" {
				return errors.New("it does not drain yet: " + got)
			}
			return nil
		})
	}
	all[0].Run(t, "systemctl stop --no-block "+g.unit("blue", 0))
	drains()
	if s := g.states(r)[0]; s.Running {
		t.Errorf("stopped by hand: %+v", s)
	}
	all[0].Run(t, "touch /run/drained")
	all[0].Run(t, "systemctl stop "+g.unit("blue", 0)+"; rm /run/drained; systemctl start "+g.unit("blue", 0))
	g.answers(r)
	up := make(chan error, 1)
	go func() { up <- all[0].Host.Reboot(context.WithoutCancel(t.Context())) }()
	drains()
	g.eventually(func() error {
		states, err := g.Inspect(t.Context(), r.Placement)
		if err == nil {
			t.Fatalf("while the machine goes down: %+v", states)
		}
		if !strings.Contains(err.Error(), "the machine is going down") {
			return err // Its connections are ended first.
		}
		return nil
	})
	all[0].Run(t, "touch /run/drained")
	g.ok(<-up)
	g.answers(r)
}

// A machine that does not answer is named, and what is known of the others is told.
func TestMachineDown(t *testing.T) {
	t.Parallel()
	all := machinetest.Start(t, 2)
	provide(t, all)
	g := newGround(t, asRoot, all, 1)
	r := g.placed(g.release("1.0.0"), "blue")
	g.started(r, nil)
	if problems := g.Unready(t.Context()); len(problems) > 0 {
		t.Errorf("%v", problems)
	}
	all[1].PowerOff(t)
	states, err := g.Inspect(t.Context(), r.Placement)
	if err == nil || len(states) != 1 || !states[0].Running {
		t.Fatalf("%+v, %v", states, err)
	}
	g.contains(err.Error(), "host b", "blue/a/0 runs")
	for _, problems := range [][]service.Problem{g.Unready(t.Context()), g.Room(t.Context(), r, "blue")} {
		if len(problems) != 1 || strings.Join(problems[0].Path, ".") != "platform.host.hosts.b" {
			t.Errorf("%v", problems)
		}
	}
	if err := g.Stop(t.Context(), r.Placement); err == nil {
		t.Error("stopped on a machine that is off")
	}
	if s, _ := g.Inspect(t.Context(), r.Placement); len(s) != 1 || s[0].Running {
		t.Errorf("the other one: %+v", s)
	}
	all[1].Boot(t)
	// That it could not be reached is the answer for a second more, and it boots in less.
	g.eventually(func() error { return g.Stop(t.Context(), r.Placement) })
}

// Where there are no hosts, it is the one machine that is worked on, and instances have no host in their names.
func TestAlone(t *testing.T) {
	t.Parallel()
	g := newGround(t, alone, hosts(t, 1), 2)
	r := g.placed(g.release("1.0.0"), "green")
	g.ok(g.Reach(t.Context(), r.Placement))
	if problems := slices.Concat(g.Room(t.Context(), r, "green"), g.Unready(t.Context())); len(problems) > 0 {
		t.Errorf("%v", problems)
	}
	g.started(r, nil)
	for n, s := range g.states(r) {
		if want := "green/" + strconv.Itoa(n); !s.Running || s.Release != r.ID || s.Detail != "" || s.Name != want || g.get(s.Instance, "DEPLOY_INSTANCE") != want {
			t.Errorf("%+v", s)
		}
	}
	if waves := g.Waves(r.Placement, true); len(waves) != 1 || len(waves[0].Instances) != 2 {
		t.Errorf("%+v", waves)
	}
	// What was placed on another machine is not here once its directory is not; what another user placed is that user's.
	g.hosts[0].Run(t, "chown 1000 "+g.definition.Directory+"/service")
	var out *delivery.OutOfReach
	if err := g.Reach(t.Context(), r.Placement); !errors.As(err, &out) || out.Elsewhere {
		t.Errorf("another user's: %v", err)
	}
	g.hosts[0].Run(t, "chown 0 "+g.definition.Directory+"/service")
	elsewhere := r.Placement
	elsewhere.Platform = []byte(strings.Replace(strings.Replace(string(r.Placement.Platform), `"id":"`, `"id":"0`, 1), g.definition.Directory, "/srv/nowhere", 1))
	if err := g.Reach(t.Context(), elsewhere); !errors.As(err, &out) || !out.Elsewhere {
		t.Errorf("another machine's: %v", err)
	}
	g.ok(g.Stop(t.Context(), r.Placement))
}

// What the journal does not have any more is told, and who may not read it is told how to.
func TestLogsMissing(t *testing.T) {
	t.Parallel()
	all := machinetest.Start(t, 1, machinetest.Sudo())
	provide(t, all)
	g := newGround(t, withSudo, all, 2)
	r := g.placed(g.release("1.0.0"), "blue")
	g.started(r, nil)
	if missing, err := g.LogsMissing(t.Context(), r.Placement); missing != "" || err != nil {
		t.Errorf("%q, %v", missing, err)
	}
	all[0].Run(t, "journalctl --rotate && journalctl --vacuum-time=1s --vacuum-files=1")
	g.eventually(func() error {
		all[0].Run(t, "logger again; journalctl --sync --rotate && journalctl --vacuum-time=1s --vacuum-files=1")
		missing, err := g.LogsMissing(t.Context(), r.Placement)
		if err == nil && !strings.Contains(missing, "blue/a/0: the journal begins at") {
			err = errors.New("nothing is missing: " + missing)
		}
		return err
	})
	g.definition.Systemd.Sudo = false
	g.open()
	_, err := g.Logs(t.Context(), r.Placement, 10)
	if err == nil {
		t.Fatal("the journal is read by who may not")
	}
	g.contains(err.Error(), "usermod -aG systemd-journal deploy")
	for _, problems := range [][]service.Problem{g.Room(t.Context(), r, "green")} {
		if len(problems) != 1 || !strings.Contains(problems[0].Detail, "systemd.sudo") {
			t.Errorf("%v", problems)
		}
	}
	g.definition.Systemd.Sudo = true
	g.open()
	// What is missing is named, with the line that allows it. The guide's rules are for some arguments alone.
	ours := g.id.Environment() + "-" + g.id.Name() + "-(blue|green)-[0-9]+\\.service"
	narrow := `deploy ALL = (root) NOPASSWD: /usr/bin/systemctl --version, /usr/bin/systemctl --no-ask-password daemon-reload, /usr/bin/journalctl ^-q --no-pager .*$, \
	/usr/bin/systemctl ^--no-ask-password (enable --now|disable --now --no-reload|stop|reset-failed)( ` + ours + `)+$, \
	/usr/bin/install ^-m 0644( ` + ours + `)+ /etc/systemd/system/$`
	for rules, wants := range map[string][]string{
		narrow + `, /usr/bin/rm ^-f( /etc/systemd/system/` + ours + `)+$`: nil,
		narrow: {"may not run rm by sudo", "deploy ALL = (root) NOPASSWD: /usr/bin/rm ("},
		"deploy ALL = (root) NOPASSWD: /usr/bin/systemctl, /usr/bin/install -d *": {"may not run journalctl, install, rm by sudo", "NOPASSWD: /usr/bin/journalctl, /usr/bin/install, /usr/bin/rm ("},
		// What is allowed with a password alone is not allowed to a script.
		"deploy ALL = (root) ALL, NOPASSWD: /usr/bin/systemctl, /usr/bin/journalctl": {"may not run install, rm by sudo without a password (sudo: a password is required)"},
	} {
		all[0].Run(t, "rm /etc/sudoers.d/*")
		all[0].WriteFile(t, "/etc/sudoers.d/deploy", rules+"\n", 0o440)
		all[0].Run(t, "visudo -c")
		problems := g.Room(t.Context(), r, "green")
		if len(problems) != min(len(wants), 1) {
			t.Errorf("%s: %v", rules, problems)
			continue
		}
		for _, problem := range problems {
			g.contains(problem.Detail, wants...)
		}
	}
	all[0].Run(t, "rm /etc/sudoers.d/*")
	if problems := g.Room(t.Context(), r, "green"); len(problems) != 1 || !strings.Contains(problems[0].Detail, "sudo without a password") {
		t.Errorf("%v", problems)
	}
	err = g.Stop(t.Context(), r.Placement)
	if err == nil {
		t.Fatal("stopped without sudo")
	}
	g.contains(err.Error(), "by sudo without a password")
	all[0].WriteFile(t, "/etc/sudoers.d/deploy", "deploy ALL=(root) NOPASSWD: ALL\n", 0o440)
}

// Who may not read what his own units write is told so, before a release that needs it is put anywhere, and no log is taken for an empty one; neither is one that is not kept.
func TestJournalThatIsNotTheUsers(t *testing.T) {
	t.Parallel()
	all := machinetest.Start(t, 1)
	provide(t, all)
	for storage, k := range map[string]kind{"volatile": usersOwn, "none": asRoot} {
		g := newGround(t, k, all, 1)
		keep := func(where string) {
			all[0].WriteFile(t, "/etc/systemd/journald.conf.d/storage.conf", "[Journal]\nStorage="+where+"\n", 0o644)
			all[0].Run(t, "rm -rf /run/log/journal /var/log/journal; systemctl restart systemd-journald")
			// The user's own journal begins with what he wrote first.
			all[0].Run(t, "setpriv --reuid="+machinetest.User+" --clear-groups logger begins; journalctl --sync")
		}
		keep("persistent")
		r := g.placed(g.release("1.0.0"), "blue")
		g.started(r, nil)
		if problems := g.Unready(t.Context()); len(problems) > 0 {
			t.Errorf("%v", problems)
		}
		if lines, err := g.Logs(t.Context(), r.Placement, 10); len(lines) > 0 || err != nil {
			t.Errorf("kept on disk: %q, %v", lines, err)
		}
		if missing, err := g.LogsMissing(t.Context(), r.Placement); missing != "" || err != nil {
			t.Errorf("kept on disk: %q, %v", missing, err)
		}
		keep(storage)
		g.ok(g.Stop(t.Context(), r.Placement))
		g.started(r, nil)
		_, err := g.Logs(t.Context(), r.Placement, 10)
		if err == nil {
			t.Fatalf("a journal is read whose Storage=%s", storage)
		}
		missing, unread := g.LogsMissing(t.Context(), r.Placement)
		if storage == "none" {
			g.contains(err.Error(), "blue/a/0: the journal has nothing of it since it was started at")
			g.contains(missing, "blue/a/0: the journal has nothing of it since it was started at")
			continue
		}
		if unread == nil {
			t.Fatalf("what is missing of it is %q", missing)
		}
		for _, told := range []string{err.Error(), unread.Error()} {
			g.contains(told, "blue/a/0: the journal cannot be read: ", "usermod -aG systemd-journal deploy", "Storage=persistent")
		}
		if problems := g.Room(t.Context(), r, "blue"); len(problems) > 0 {
			t.Errorf("a release that reads no log: %v", problems)
		}
		reading := r
		reading.Health.DenyLogs = []string{"panic"}
		for _, problems := range [][]service.Problem{g.Unready(t.Context()), g.Room(t.Context(), reading, "blue")} {
			if len(problems) != 1 {
				t.Errorf("%v", problems)
				continue
			}
			g.contains(problems[0].Detail, "the journal cannot be read: ", "usermod -aG systemd-journal deploy")
		}
		// What is run before a release's program speaks against it all the same.
		g.definition.Systemd.Before = [][]string{{"/bin/true"}, {"/bin/sh", "-c", "exit 7"}}
		g.open()
		g.ok(g.Start(t.Context(), g.placed(g.release("2.0.0"), "green"), nil))
	}
}

// Also where a machine shows nobody the processes of others (hidepid), an instance that runs as somebody else is healthy, and another
// program on its port is not taken for it.
func TestProcessesThatAreHidden(t *testing.T) {
	t.Parallel()
	for _, hidepid := range []string{"1", "2"} {
		t.Run(hidepid, func(t *testing.T) {
			t.Parallel()
			all := machinetest.Start(t, 1, machinetest.Sudo())
			provide(t, all)
			g := newGround(t, withSudo, all, 1)
			all[0].Run(t, "mount -o remount,hidepid="+hidepid+" /proc")
			r := g.placed(g.release("1.0.0"), "blue")
			g.started(r, nil)
			g.answers(r)
			i := r.Placement.Instances[0]
			_, port, err := net.SplitHostPort(i.Address)
			g.ok(err)
			g.ok(g.Stop(t.Context(), r.Placement))
			all[0].Run(t, "systemd-run --unit squatter -p Type=exec -E PORT="+port+" -E DEPLOY_ADDRESS="+all[0].Address+" "+instanceProgram+" "+asInstance)
			g.eventually(func() error {
				err := g.Probe(t.Context(), i, service.Health{})
				if err == nil {
					g.Fatal("another program counts as the instance")
				}
				if !strings.Contains(err.Error(), "another program") {
					return err
				}
				return nil
			})
		})
	}
}
