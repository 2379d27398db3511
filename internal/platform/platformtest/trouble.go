package platformtest

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// crash: an instance that dies is started again, counted, and its end told.
func crash(b *bench) {
	r := b.placed("1.0.0", "blue")
	b.started(r, nil)
	b.runs(r)
	i := r.Placement.Instances[0]
	for death := 1; death <= 2; death++ {
		b.crashes(i)
		b.eventually("started again", func() error {
			s := b.inspect(r)[0]
			if !s.Running || s.Restarts != death {
				return fmt.Errorf("%+v", s)
			}
			return contains(s.Detail, fmt.Sprintf("exit status %d", CrashCode))
		})
		b.answers(r)
	}
	b.ok(b.Platform.Stop(b.Context(), r.Placement))
	b.still(r)
}

// crashesFromTheStart: the death shows at once, and restarts become rarer.
func crashesFromTheStart(b *bench) {
	r := b.placed("1.0.0", "blue")
	b.ok(b.Platform.Start(b.Context(), r, map[string]string{VariableBehaviour: Crashing}))
	b.eventually("third death", func() error {
		if s := b.inspect(r)[0]; s.Restarts < 3 {
			return fmt.Errorf("%+v", s)
		}
		return nil
	})
	b.ok(contains(b.inspect(r)[0].Detail, fmt.Sprintf("exit status %d", CrashCode)))
	// What it wrote goes through another process into the log.
	b.eventually("log of three crashes", func() error {
		lines, err := b.Platform.Logs(b.Context(), r.Placement, 100)
		if count := strings.Count(strings.Join(lines, "\n"), "it crashes"); err != nil || count < 3 {
			return fmt.Errorf("the log tells of %d crashes: %w", count, err)
		}
		return nil
	})
	b.ok(b.Platform.Stop(b.Context(), r.Placement))
	b.still(r)
}

// deaf: it runs, and is not healthy.
func deaf(b *bench) {
	r := b.placed("1.0.0", "blue")
	b.ok(b.Platform.Start(b.Context(), r, map[string]string{VariableBehaviour: Deaf}))
	s := b.inspect(r)[0]
	if !s.Running || s.Release != r.ID || s.Restarts != 0 {
		b.Errorf("%+v", s)
	}
	b.ok(contains(s.Detail, "does not listen", r.Placement.Instances[0].Address))
	for _, h := range []service.Health{healthRoot, {Timeout: healthRoot.Timeout}} {
		if err := b.Platform.Probe(b.Context(), r.Placement.Instances[0], h); err == nil {
			b.Error("it is healthy")
		}
	}
}

// stubborn: it ignores SIGTERM, and is gone all the same.
func stubborn(b *bench) {
	r := b.placed("1.0.0", "blue")
	b.started(r, map[string]string{VariableBehaviour: Stubborn})
	b.ok(b.Platform.Stop(b.Context(), r.Placement))
	b.still(r)
	b.ok(contains(b.inspect(r)[0].Detail, "killed"))
}

// longDrain is so long that what is being stopped is seen, however slow the machines are.
const longDrain = 10 * time.Second

// stopCutShort: a stop that nobody waits for any more goes on. Until its end the instance runs, and is none that stays; one who starts it waits
// for that end.
func stopCutShort(b *bench) {
	b.Draining(longDrain)
	r := b.placed("1.0.0", "blue")
	b.started(r, map[string]string{VariableBehaviour: Stubborn})
	ctx, cut := context.WithCancel(b.Context())
	defer cut()
	stopped := make(chan error, 1)
	go func() { stopped <- b.Platform.Stop(ctx, r.Placement) }()
	b.eventually("on its way out", func() error {
		if s := b.inspect(r)[0]; !s.Stopping {
			return fmt.Errorf("%+v", s)
		}
		return nil
	})
	cut()
	if err := <-stopped; err == nil {
		b.Error("the stop was cut short, and says that it came to its end")
	}
	states := b.inspect(r)
	if s := states[0]; !s.Running || !s.Stopping || s.Release != r.ID || s.Detail != "it is being stopped" || (service.Snapshot{Instances: states}).Complete(r) {
		b.Errorf("%+v", s)
	}
	b.answers(r)
	b.started(r, map[string]string{VariableMark: "anew"})
	if mark := b.get(r.Placement.Instances[0], "/environment?name="+VariableMark); mark != "anew" {
		b.Error("what was being stopped was left alone")
	}
	b.runs(r)
}

// leftByItsParent: what an instance has started goes with it.
func leftByItsParent(b *bench) {
	r := b.placed("1.0.0", "blue")
	b.started(r, map[string]string{VariableBehaviour: Parent})
	b.runs(r)
	b.ok(b.Platform.Stop(b.Context(), r.Placement))
	b.still(r)
}

func probes(b *bench) {
	r := b.placed("1.0.0", "blue")
	b.started(r, nil)
	i := r.Placement.Instances[0]
	probe := func(path string, status ...int) error {
		return b.Platform.Probe(b.Context(), i, service.Health{HTTP: &service.HTTPProbe{Path: path, Status: status}, Timeout: healthRoot.Timeout})
	}
	b.ok(b.Platform.Probe(b.Context(), i, service.Health{Timeout: healthRoot.Timeout}))
	b.ok(probe("/moved", 302))
	b.ok(probe("/broken", 200, 500))
	for path, want := range map[string]string{"/moved": "302", "/broken": "no database", "/missing": "404"} {
		if err := probe(path); err == nil {
			b.Errorf("%s is healthy", path)
		} else if err := contains(err.Error(), want, path); err != nil {
			b.Error(err)
		}
	}
	if err := probe("/", 204); err == nil {
		b.Error("the status 200 was taken for 204")
	}
	b.ok(b.Platform.Stop(b.Context(), r.Placement))
	// Another program answers on the port now, and well.
	listener, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", i.Address)
	b.ok(err)
	defer func() { _ = listener.Close() }()
	if err := b.Platform.Probe(b.Context(), i, service.Health{Timeout: healthRoot.Timeout}); err == nil {
		b.Error("another program counts as a healthy instance")
	}
	// A probe that gets no answer ends in time.
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	health := healthRoot
	health.Timeout = service.Duration(50 * time.Millisecond)
	if err := b.Platform.Probe(ctx, i, health); err == nil || ctx.Err() != nil {
		b.Errorf("a probe without an answer: %v", err)
	} else {
		b.ok(contains(err.Error(), "50ms"))
	}
}

func logs(b *bench) {
	r := b.placed("1.0.0", "blue")
	b.started(r, map[string]string{VariableLines: "50", VariableMark: "first "})
	read := func(limit int) []string {
		b.Helper()
		lines, err := b.Platform.Logs(b.Context(), r.Placement, limit)
		b.ok(err)
		return lines
	}
	// They go through a pipe: that it answers does not say that they are there.
	b.eventually("log", func() error {
		if lines := read(3); strings.Join(lines, ",") != "first 000047,first 000048,first 000049" {
			return fmt.Errorf("%q", lines)
		}
		return nil
	})
	if lines := read(1000); len(lines) != 50 || lines[0] != "first 000000" {
		b.Errorf("%d lines, the first one is %q", len(lines), lines[0])
	}
	// A restart after a crash belongs to the same start; a new start does not.
	b.crashes(r.Placement.Instances[0])
	b.eventually("log of both lives", func() error {
		if lines := read(1000); len(lines) != 100 {
			return fmt.Errorf("%d lines", len(lines))
		}
		return nil
	})
	b.answers(r)
	b.ok(b.Platform.Stop(b.Context(), r.Placement))
	if lines := read(1); len(lines) != 1 || lines[0] != "it was asked to stop" {
		b.Errorf("after it was stopped: %q", lines)
	}
	b.started(r, map[string]string{VariableLines: "2", VariableMark: "second "})
	b.eventually("log of the second start", func() error {
		if lines := read(1000); strings.Join(lines, ",") != "second 000000,second 000001" {
			return fmt.Errorf("%d lines: %.100q", len(lines), lines)
		}
		return nil
	})
}

func logsOfSeveral(b *bench) {
	r := b.placed("1.0.0", "blue")
	b.started(r, map[string]string{VariableLines: "10", VariableMark: "line "})
	b.eventually("log", func() error {
		lines, err := b.Platform.Logs(b.Context(), r.Placement, 4)
		b.ok(err)
		if len(lines) != 4 {
			return fmt.Errorf("%q", lines)
		}
		return contains(strings.Join(lines, "\n"), r.Placement.Instances[0].Name+": line 000009", r.Placement.Instances[1].Name+": line 000009")
	})
}
