package host_test

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host/process"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host/supervisor"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/platformtest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// leaves waits until the instance of a release is seen to be on its way out.
func (g *ground) leaves(r service.Release) {
	g.Helper()
	g.eventually(func() error {
		if s := g.state(r); !s.Running || !s.Stopping || s.Detail != "it is being stopped" {
			return fmt.Errorf("%+v", s)
		}
		return nil
	})
}

// A supervisor of an older version notes nothing of a stop: who asks it to does.
func TestStopOfASupervisorThatNotesNothing(t *testing.T) {
	t.Parallel()
	g := newGround(t, 1)
	g.draining(time.Minute)
	r := g.placed(g.release("1.0.0"), "blue")
	g.started(r, nil)
	// In its place, and with its lock.
	g.ok(g.Stop(g.Context(), r.Placement))
	lock, free, err := g.instance("blue/0").Lock()
	if err != nil || !free {
		t.Fatalf("free %t, %v", free, err)
	}
	old := exec.CommandContext(t.Context(), "sh", "-c", "trap '' TERM; echo there; exec sleep 600")
	old.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := old.StdoutPipe()
	g.ok(err)
	g.ok(old.Start())
	defer func() {
		g.ok(old.Process.Kill())
		_ = old.Wait()
		g.ok(lock.Close())
	}()
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	identity, err := process.Of(old.Process.Pid)
	g.ok(err)
	g.ok(g.instance("blue/0").WriteStatus(supervisor.Status{Release: r.ID, Supervisor: identity, Child: identity, DrainTimeout: service.Duration(time.Minute)}))
	if s := g.state(r); !s.Running || s.Stopping {
		t.Fatalf("before it is stopped: %+v", s)
	}
	ctx, cut := context.WithCancel(t.Context())
	defer cut()
	stopped := make(chan error, 1)
	go func() { stopped <- g.Stop(ctx, r.Placement) }()
	g.leaves(r)
	cut()
	if err := <-stopped; !errors.Is(err, context.Canceled) {
		t.Errorf("the stop: %v", err)
	}
	if s := g.state(r); !s.Stopping {
		t.Errorf("after the stop was cut short: %+v", s)
	}
}

// Somebody else ends a supervisor, which notes that itself; what a supervisor that is gone has left is ended by who stops it.
func TestSeenToBeStopped(t *testing.T) {
	t.Parallel()
	stubborn := map[string]string{platformtest.VariableBehaviour: platformtest.Stubborn}
	for name, end := range map[string]func(*ground, service.Release, supervisor.Status){
		"by hand": func(g *ground, _ service.Release, s supervisor.Status) {
			_, err := s.Supervisor.Signal(syscall.SIGTERM)
			g.ok(err)
		},
		"as an orphan": func(g *ground, r service.Release, s supervisor.Status) {
			_, err := s.Supervisor.Signal(syscall.SIGKILL)
			g.ok(err)
			g.ok(s.Supervisor.Wait(g.Context()))
			stopped := make(chan error, 1)
			g.Cleanup(func() { g.ok(<-stopped) })
			go func() { stopped <- g.Stop(context.Background(), r.Placement) }()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGround(t, 1)
			g.draining(5 * time.Second)
			r := g.placed(g.release("1.0.0"), "blue")
			g.started(r, stubborn)
			before := g.status("blue/0")
			end(g, r, before)
			g.leaves(r)
			g.started(r, nil)
			if s := g.state(r); !s.Running || s.Stopping || s.Detail != "" || before.Child.Alive() {
				t.Errorf("%+v", s)
			}
		})
	}
}

// Noted, and cut off before the supervisor was told: a start ends what is there, rather than to wait for what nobody does.
func TestStartAfterAStopThatWasOnlyNoted(t *testing.T) {
	t.Parallel()
	g := newGround(t, 1)
	r := g.placed(g.release("1.0.0"), "blue")
	g.started(r, nil)
	before := g.status("blue/0")
	g.ok(g.instance("blue/0").NoteStopping(before.Supervisor))
	g.leaves(r)
	g.started(r, nil)
	if s := g.state(r); !s.Running || s.Stopping || s.Detail != "" || before.Child.Alive() {
		t.Errorf("%+v", s)
	}
}
