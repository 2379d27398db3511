package host_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host/process"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host/supervisor"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/platformtest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// bystander is a process that has nothing to do with us, in a session of its own.
func bystander(t *testing.T) (*exec.Cmd, process.Identity) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sleep", "600")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	identity, err := process.Of(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	return cmd, identity
}

// A status that names a process which was given the number of one of ours.
func TestNumberGivenToAnother(t *testing.T) {
	t.Parallel()
	for name, forge := range map[string]func(process.Identity) process.Identity{
		"started later":       func(i process.Identity) process.Identity { i.Start--; return i },
		"started before":      func(i process.Identity) process.Identity { i.Start++; return i },
		"since another start": func(i process.Identity) process.Identity { i.Boot = "another"; return i },
	} {
		t.Run(name, func(t *testing.T) {
			g := newGround(t, 1)
			r := g.placed(g.release("1.0.0"), "blue")
			_, other := bystander(t)
			forged := forge(other)
			g.ok(os.MkdirAll(string(g.instance("blue/0")), 0o750))
			forge := func() {
				g.ok(g.instance("blue/0").WriteStatus(supervisor.Status{
					Release: r.ID, Supervisor: forged, Child: forged, DrainTimeout: service.Duration(10 * time.Millisecond),
				}))
			}
			forge()
			if s := g.state(r); s.Running || s.Release != "" {
				t.Errorf("it is taken for ours: %+v", s)
			}
			g.ok(g.Stop(g.Context(), r.Placement))
			g.ok(g.Remove(g.Context(), r.Placement))
			forge()
			_, err := g.Place(g.Context(), r, "blue")
			g.ok(err)
			g.started(r, nil)
			if s := g.state(r); !s.Running {
				t.Errorf("not started: %+v", s)
			}
			g.ok(g.Remove(g.Context(), r.Placement))
			if !other.Alive() {
				t.Fatal("the other process was ended")
			}
		})
	}
}

// What would be signalled without the check: the same status with the true identity.
func TestIdentityIsWhatDecides(t *testing.T) {
	t.Parallel()
	g := newGround(t, 1)
	r := g.placed(g.release("1.0.0"), "blue")
	cmd, own := bystander(t)
	g.ok(os.MkdirAll(string(g.instance("blue/0")), 0o750))
	g.ok(g.instance("blue/0").WriteStatus(supervisor.Status{Release: r.ID, Supervisor: own, Child: own, DrainTimeout: service.Duration(5 * time.Second)}))
	g.ok(g.Stop(g.Context(), r.Placement))
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "terminated") {
		t.Errorf("it ended with %v", err)
	}
}

// A supervisor that exits gives its lock back before it is gone: a stop that ends in between leaves a place that looks taken.
func TestStopWaitsForASupervisorOnItsWayOut(t *testing.T) {
	t.Parallel()
	g := newGround(t, 1)
	old, next := g.placed(g.release("1.0.0"), "blue"), g.placed(g.release("2.0.0"), "blue")
	leaving, itself := bystander(t)
	g.ok(os.MkdirAll(string(g.instance("blue/0")), 0o750))
	g.ok(g.instance("blue/0").WriteStatus(supervisor.Status{Release: old.ID, Supervisor: itself, DrainTimeout: service.Duration(time.Second)}))
	stopped := make(chan error, 1)
	go func() { stopped <- g.Stop(g.Context(), old.Placement) }()
	select {
	case err := <-stopped:
		t.Fatalf("the stop ended before the supervisor: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	g.ok(leaving.Process.Kill())
	g.ok(<-stopped)
	g.started(next, nil)
	g.ok(g.Stop(g.Context(), next.Placement))
}

func TestOrphan(t *testing.T) {
	t.Parallel()
	for name, behaviour := range map[string]string{"good": "", "stubborn": platformtest.Stubborn, "with children": platformtest.Parent} {
		t.Run(name, func(t *testing.T) {
			g := newGround(t, 1)
			r := g.placed(g.release("1.0.0"), "blue")
			other := g.placed(g.release("2.0.0"), "blue")
			g.started(r, map[string]string{platformtest.VariableBehaviour: behaviour})
			orphan := func() supervisor.Status {
				t.Helper()
				status := g.status("blue/0")
				if sent, err := status.Supervisor.Signal(syscall.SIGKILL); err != nil || !sent {
					t.Fatalf("kill the supervisor: %t, %v", sent, err)
				}
				g.ok(status.Supervisor.Wait(g.Context()))
				s := g.state(r)
				if !s.Running || s.Release != r.ID || !strings.Contains(s.Detail, "supervisor is gone") {
					t.Fatalf("got %+v", s)
				}
				g.ok(g.Probe(g.Context(), r.Placement.Instances[0], service.Health{}))
				return status
			}
			gone := func(s supervisor.Status) {
				t.Helper()
				if members, err := s.Group().Members(); err != nil || len(members) > 0 {
					t.Fatalf("left: %v, %v", members, err)
				}
			}
			before := orphan()
			if err := g.Start(g.Context(), other, nil); err == nil || !strings.Contains(err.Error(), string(r.ID)) {
				t.Fatalf("another release was started beside it: %v", err)
			}
			g.ok(g.Stop(g.Context(), other.Placement))
			if !before.Child.Alive() {
				t.Fatal("stopping another release ended it")
			}
			g.started(r, map[string]string{platformtest.VariableBehaviour: behaviour})
			gone(before)
			if s := g.state(r); !s.Running || s.Detail != "" {
				t.Fatalf("replaced: %+v", s)
			}
			again := orphan()
			g.ok(g.Stop(g.Context(), r.Placement))
			gone(again)
			if s := g.state(r); s.Running || !strings.Contains(s.Detail, "was stopped") {
				t.Fatalf("stopped: %+v", s)
			}
		})
	}
}

// The leader of an orphaned group is dead, and what it started lives.
func TestOrphanWithoutLeader(t *testing.T) {
	t.Parallel()
	g := newGround(t, 1)
	r := g.placed(g.release("1.0.0"), "blue")
	g.started(r, map[string]string{platformtest.VariableBehaviour: platformtest.Parent})
	status := g.status("blue/0")
	for _, i := range []process.Identity{status.Supervisor, status.Child} {
		_, err := i.Signal(syscall.SIGKILL)
		g.ok(err)
		g.ok(i.Wait(g.Context()))
	}
	if s := g.state(r); !s.Running {
		t.Fatalf("got %+v", s)
	}
	g.ok(g.Stop(g.Context(), r.Placement))
	if err := g.Probe(g.Context(), r.Placement.Instances[0], service.Health{}); err == nil {
		t.Error("it still answers")
	}
}

// What a dead instance has started would hold its port: it goes too, before the next one comes.
func TestCrashTakesItsChildren(t *testing.T) {
	t.Parallel()
	g := newGround(t, 1)
	r := g.placed(g.release("1.0.0"), "blue")
	g.started(r, map[string]string{platformtest.VariableBehaviour: platformtest.Parent})
	before := g.status("blue/0")
	members, err := before.Group().Members()
	if err != nil || len(members) < 2 {
		t.Fatalf("members %v, %v", members, err)
	}
	_, err = before.Child.Signal(syscall.SIGKILL)
	g.ok(err)
	g.eventually(func() error {
		now := g.status("blue/0")
		if now.Child == before.Child {
			return errors.New("not started again")
		}
		return g.Probe(g.Context(), r.Placement.Instances[0], service.Health{})
	})
	for _, m := range members {
		if now, err := process.Read(m.PID); err == nil && !now.Zombie && now.Start == m.Start {
			t.Errorf("left: %v", m)
		}
	}
	if s := g.state(r); s.Restarts != 1 || !strings.Contains(s.Detail, "signal: killed") {
		t.Errorf("got %+v", s)
	}
}

// runs places and starts a release whose program is a script.
func (g *ground) runs(script string) service.Release {
	g.Helper()
	g.digest = g.write(g.artifact, archive(g.T, script))
	r := g.placed(g.release("1.0.0"), "blue")
	g.ok(g.Start(g.Context(), r, nil))
	return r
}

// number reads what a script wrote into a file of the release's directory.
func (g *ground) number(r service.Release, name string) process.Identity {
	g.Helper()
	var identity process.Identity
	g.eventually(func() error {
		data, err := os.ReadFile(filepath.Join(g.definition.Directory, "releases", r.ID.Label(), name))
		if err != nil {
			return err
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
		if err != nil {
			return err
		}
		identity, err = process.Of(pid)
		return err
	})
	return identity
}

// A shell with job control gives each job a group of its own, in the same session: all of them are the instance.
const jobs = "#!/bin/bash\nset -m\nsleep 3601 &\necho $! >job.new; mv job.new job\nwait\n"

func TestChildrenInGroupsOfTheirOwn(t *testing.T) {
	t.Parallel()
	t.Run("stop", func(t *testing.T) {
		g := newGround(t, 1)
		r := g.runs(jobs)
		job := g.number(r, "job")
		g.ok(g.Stop(g.Context(), r.Placement))
		if job.Alive() {
			t.Error("it runs on after the stop")
		}
	})
	t.Run("crash", func(t *testing.T) {
		g := newGround(t, 1)
		r := g.runs(jobs)
		job, status := g.number(r, "job"), g.status("blue/0")
		_, err := status.Child.Signal(syscall.SIGKILL)
		g.ok(err)
		g.eventually(func() error {
			if now := g.status("blue/0"); now.Restarts == 0 || job.Alive() {
				return fmt.Errorf("restarts %d, the job is alive: %t", now.Restarts, job.Alive())
			}
			return nil
		})
	})
	// Nothing is left that is known by its identity: the session's number and the environment are what tells.
	t.Run("orphan", func(t *testing.T) {
		g := newGround(t, 1)
		r := g.runs(jobs)
		job, status := g.number(r, "job"), g.status("blue/0")
		for _, i := range []process.Identity{status.Supervisor, status.Child} {
			_, err := i.Signal(syscall.SIGKILL)
			g.ok(err)
			g.ok(i.Wait(g.Context()))
		}
		if s := g.state(r); !s.Running {
			t.Errorf("it is not seen: %+v", s)
		}
		g.ok(g.Stop(g.Context(), r.Placement))
		if job.Alive() {
			t.Error("it runs on after the stop")
		}
	})
}

// An instance that writes outlives its supervisor, and what it writes is kept; it can be seen that nobody looks after it.
func TestInstanceThatWritesOutlivesItsSupervisor(t *testing.T) {
	t.Parallel()
	g := newGround(t, 1)
	r := g.runs("#!/bin/sh\nn=0\nwhile :; do n=$((n+1)); echo tick $n; sleep 0.05; done\n")
	ticks := func(more int) {
		t.Helper()
		before := -1
		g.eventually(func() error {
			lines, err := g.Logs(g.Context(), r.Placement, 1000)
			if before < 0 {
				before = len(lines)
			}
			if err != nil || len(lines) < before+more {
				return fmt.Errorf("%d lines, %d before: %w", len(lines), before, err)
			}
			return nil
		})
	}
	ticks(2)
	status := g.status("blue/0")
	g.ok(syscall.Kill(g.logger("blue/0"), syscall.SIGKILL))
	ticks(3) // By another one.
	if missing, err := g.LogsMissing(g.Context(), r.Placement); err != nil || !strings.Contains(missing, "ended before its time (signal: killed)") {
		t.Errorf("it is said of the log that %q is missing: %v", missing, err)
	}
	if now := g.status("blue/0"); now.Child != status.Child || now.Restarts != 0 {
		t.Fatalf("the logger's end ended it: %+v", now)
	}
	_, err := status.Supervisor.Signal(syscall.SIGKILL)
	g.ok(err)
	g.ok(status.Supervisor.Wait(g.Context()))
	ticks(3)
	s := g.state(r)
	if !s.Running || !s.Unsupervised || !strings.Contains(s.Detail, "its supervisor is gone") {
		t.Errorf("got %+v", s)
	}
	snapshot := service.Snapshot{Instances: []service.InstanceState{s}}
	if !snapshot.Complete(r) || snapshot.Supervised(r) {
		t.Errorf("complete %t, supervised %t", snapshot.Complete(r), snapshot.Supervised(r))
	}
	g.ok(g.Start(g.Context(), r, nil))
	if s := g.state(r); !s.Running || s.Unsupervised || status.Child.Alive() {
		t.Errorf("started anew: %+v", s)
	}
}

// What was rotated away could have been anything: whoever looks for something in the log is told.
func TestLogThatWasRotatedAway(t *testing.T) {
	t.Parallel()
	g := newGround(t, 1)
	missing := func(r service.Release) string {
		t.Helper()
		reason, err := g.LogsMissing(g.Context(), r.Placement)
		g.ok(err)
		return reason
	}
	r := g.runs("#!/bin/sh\necho 'ERROR: first words'\nyes 'a perfectly good line of the log that says nothing at all' | head -c 5000000\nexec sleep 600\n")
	g.eventually(func() error {
		if reason := missing(r); reason != "blue/0: the oldest lines were rotated away: the log keeps 3 files of 1 MiB" {
			return fmt.Errorf("it says %q", reason)
		}
		return nil
	})
	g.ok(g.Stop(g.Context(), r.Placement))
	other := g.runs("#!/bin/sh\necho all well\nexec sleep 600\n")
	if reason := missing(other); reason != "" {
		t.Errorf("another release's log says %q", reason)
	}
}

// A log that is closed before all is written says so: what writes it stands still when the instance ends.
func TestLogThatIsClosedBeforeItsEnd(t *testing.T) {
	t.Parallel()
	g := newGround(t, 1)
	r := g.placed(g.release("1.0.0"), "blue")
	g.started(r, nil)
	g.ok(syscall.Kill(g.logger("blue/0"), syscall.SIGSTOP))
	g.ok(g.Stop(g.Context(), r.Placement))
	if missing, err := g.LogsMissing(g.Context(), r.Placement); err != nil || !strings.Contains(missing, "the last lines may be missing") {
		t.Errorf("it is said of the log that %q is missing: %v", missing, err)
	}
}

// logger is the process that writes an instance's log.
func (g *ground) logger(instance string) int {
	g.Helper()
	processes, err := process.List()
	g.ok(err)
	var found []int
	for _, p := range processes {
		if line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.PID)); bytes.Contains(line, []byte("log\x00"+string(g.instance(instance)))) {
			found = append(found, p.PID)
		}
	}
	if len(found) != 1 {
		g.Fatalf("%d loggers", len(found))
	}
	return found[0]
}

// A supervisor that was killed right after it started the instance has noted itself alone.
func TestSupervisorKilledBeforeItNotesTheInstance(t *testing.T) {
	t.Parallel()
	g := newGround(t, 1)
	r := g.placed(g.release("1.0.0"), "blue")
	g.started(r, nil)
	status := g.status("blue/0")
	_, err := status.Supervisor.Signal(syscall.SIGKILL)
	g.ok(err)
	g.ok(status.Supervisor.Wait(g.Context()))
	child := status.Child
	status.Child = process.Identity{}
	g.ok(g.instance("blue/0").WriteStatus(status))
	if s := g.state(r); !s.Running || s.Release != r.ID {
		t.Errorf("it is not seen: %+v", s)
	}
	g.ok(g.Stop(g.Context(), r.Placement))
	if child.Alive() {
		t.Error("it runs on after the stop")
	}
}

func TestSupervisorSurvivesItsStarter(t *testing.T) {
	t.Parallel()
	g := newGround(t, 1)
	// It removes what the other process places.
	r := g.release("1.0.0")
	placement, err := g.Placement(r, "blue")
	g.ok(err)
	r.Placement = placement
	t.Cleanup(func() { g.ok(g.Remove(context.Background(), placement)) })
	input, err := json.Marshal(order{Definition: g.definition, Release: r, Environment: map[string]string{"GREETING": "hello"}})
	g.ok(err)
	self, err := os.Executable()
	g.ok(err)
	cmd := exec.CommandContext(t.Context(), self, asStarter) //nolint:gosec // this program
	cmd.Stdin = bytes.NewReader(input)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// Pipes and a descriptor that is inherited by accident: all of them close when the starter ends, or somebody holds on to them.
	reader, writer, err := os.Pipe()
	g.ok(err)
	defer func() { _ = reader.Close() }()
	cmd.ExtraFiles = []*os.File{nil, nil, nil, nil, writer}
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // Whatever is in its group.
	g.ok(writer.Close())
	g.ok(reader.SetReadDeadline(time.Now().Add(10 * time.Second)))
	if _, err := io.ReadAll(reader); err != nil {
		t.Errorf("an inherited descriptor is still open: %v", err)
	}
	g.eventually(func() error { return g.Probe(g.Context(), placement.Instances[0], service.Health{}) })
	status := g.status("blue/0")
	for what, pid := range map[string]int{"supervisor": status.Supervisor.PID, "instance": status.Child.PID} {
		info, err := process.Read(pid)
		g.ok(err)
		if info.Session != status.Supervisor.PID {
			t.Errorf("the %s is in the session %d", what, info.Session)
		}
		files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		g.ok(err)
		for _, f := range files {
			if target, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, f.Name())); what == "instance" && strings.Contains(target, g.definition.Directory) {
				t.Errorf("the instance has %s open", target)
			}
		}
	}
}

func TestSecretsAreInNoArgumentAndNoFile(t *testing.T) {
	t.Parallel()
	const secret = "marked-7f3a9c-secret"
	g := newGround(t, 1)
	r := g.placed(g.release("1.0.0"), "blue")
	g.started(r, map[string]string{"PASSWORD": secret})
	status := g.status("blue/0")
	if data, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", status.Child.PID)); err != nil || !bytes.Contains(data, []byte("PASSWORD="+secret)) {
		t.Fatalf("the instance did not get it: %v", err)
	}
	// After a restart it has it still: the supervisor keeps it in memory.
	_, err := status.Child.Signal(syscall.SIGKILL)
	g.ok(err)
	g.eventually(func() error {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", g.status("blue/0").Child.PID))
		if err != nil || !bytes.Contains(data, []byte("PASSWORD="+secret)) || g.status("blue/0").Restarts != 1 {
			return fmt.Errorf("not restarted with it: %w", err)
		}
		return nil
	})
	all, err := process.List()
	g.ok(err)
	for _, p := range all {
		if line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.PID)); err == nil && bytes.Contains(line, []byte(secret)) {
			t.Errorf("in the arguments of process %s", p)
		}
	}
	files := 0
	err = filepath.WalkDir(g.definition.Directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || strings.Contains(path, "/bin/supervisor-") {
			return err
		}
		files++
		data, err := os.ReadFile(path) //nolint:gosec // a file of the test
		if bytes.Contains(data, []byte(secret)) {
			t.Errorf("in the file %s", path)
		}
		return err
	})
	g.ok(err)
	if files < 4 {
		t.Errorf("only %d files were looked at", files)
	}
}

func TestPortHeldByAnotherProgram(t *testing.T) {
	t.Parallel()
	g := newGround(t, 1)
	r := g.placed(g.release("1.0.0"), "blue")
	address := r.Placement.Instances[0].Address
	for name, on := range map[string]string{"the address": address, "all addresses": address[strings.LastIndex(address, ":"):]} {
		t.Run(name, func(t *testing.T) {
			listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", on)
			g.ok(err)
			defer func() { _ = listener.Close() }()
			me, err := process.Read(os.Getpid())
			g.ok(err)
			_, port, _ := strings.Cut(address, ":")
			want := []string{"port " + port, fmt.Sprintf("process %d (%s)", me.PID, me.Name)}
			problems := g.Room(t.Context(), r, "blue")
			if len(problems) != 1 {
				t.Fatalf("problems %v", problems)
			}
			err = g.Start(t.Context(), r, nil)
			if err == nil {
				t.Fatal("it was started")
			}
			for _, part := range want {
				if !strings.Contains(problems[0].Detail, part) || !strings.Contains(err.Error(), part) {
					t.Errorf("%q is not in %q and %q", part, problems[0].Detail, err)
				}
			}
			if problems := g.Room(t.Context(), r, "green"); len(problems) > 0 {
				t.Errorf("the other slot: %v", problems)
			}
		})
	}
}

func TestLogsAcrossRotation(t *testing.T) {
	t.Parallel()
	g := newGround(t, 1)
	r := g.placed(g.release("1.0.0"), "blue")
	// 2.6 MiB: with files of 1 MiB, two were rotated.
	const count = 90_000
	mark := "a line of thirty bytes " // and six digits and a newline
	g.started(r, map[string]string{platformtest.VariableLines: fmt.Sprint(count), platformtest.VariableMark: mark})
	t.Cleanup(func() {
		if missing, err := g.LogsMissing(context.Background(), r.Placement); missing != "" || err != nil {
			t.Errorf("all of it is there, and it says %q, %v", missing, err)
		}
	})
	last := fmt.Sprintf("%s%06d", mark, count-1)
	var lines []string
	g.eventually(func() error {
		var err error
		if lines, err = g.Logs(g.Context(), r.Placement, 60_000); err != nil || len(lines) == 0 || lines[len(lines)-1] != last {
			return fmt.Errorf("%d lines: %w", len(lines), err)
		}
		return nil
	})
	if len(lines) != 60_000 {
		t.Fatalf("%d lines", len(lines))
	}
	for n, line := range lines {
		if want := fmt.Sprintf("%s%06d", mark, count-60_000+n); line != want {
			t.Fatalf("line %d is %q, want %q", n, line, want)
		}
	}
	g.eventually(func() error { // Old files are deleted a moment after rotation.
		files, err := os.ReadDir(g.instance("blue/0").Logs(r.ID))
		if err != nil || len(files) != 3 {
			return fmt.Errorf("%v: %w", files, err)
		}
		for _, f := range files {
			if info, err := f.Info(); err != nil || info.Size() > 1<<20 {
				return fmt.Errorf("%s has %d bytes: %w", f.Name(), info.Size(), err)
			}
		}
		return nil
	})
}
