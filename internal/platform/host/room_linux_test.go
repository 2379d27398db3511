package host_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// What Room asks for is what Place takes: the supervisor once, the artifact once a digest, and the release's files.
func TestRoomOnASmallDisk(t *testing.T) {
	t.Parallel()
	g := newGround(t, 1)
	dir := t.TempDir()
	const disk = 128 << 20
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=128m"); err != nil {
		if os.Getenv("CI") == "true" && os.Getuid() == 0 {
			t.Fatal(err)
		}
		t.Skipf("mount a small file system: %v: run the test as root", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	g.definition.Directory = filepath.Join(dir, "srv")
	var err error
	g.Host, err = host.New(g.definition, id, options)
	g.ok(err)
	self, err := os.Executable()
	g.ok(err)
	supervisor, err := os.Stat(self)
	g.ok(err)
	g.artifact = filepath.Join(filepath.Dir(g.artifact), "server")
	program := func(size int64) {
		data := make([]byte, size)
		copy(data, "#!/bin/sh\n")
		g.digest = g.write(g.artifact, data)
	}
	refused := func(size int64, part string) {
		t.Helper()
		program(size)
		if problems := g.Room(t.Context(), g.release("2.0.0"), "green"); len(problems) != 1 || !strings.Contains(problems[0].Detail, part) {
			t.Errorf("%d bytes: %v", size, problems)
		}
	}
	// Twice its size, some MiB for what is not counted here, and at first the supervisor.
	fits := (disk - supervisor.Size()) / 2
	refused(fits, "MiB free and the release needs")
	program(fits - (2 << 20))
	r := g.release("1.0.0")
	if problems := g.Room(t.Context(), r, "blue"); len(problems) > 0 {
		t.Errorf("%v", problems)
	}
	g.placed(r, "blue")
	if problems := g.Room(t.Context(), r, "blue"); len(problems) > 0 {
		t.Errorf("what is there already: %v", problems)
	}
	refused(4<<20, "the release needs 9.0 MiB")
	program(1 << 20)
	g.placed(g.release("3.0.0"), "green")
}

// Ports that move between the instances of the only slot are free once what runs there has left it.
func TestPortsMoveWithinASlot(t *testing.T) {
	t.Parallel()
	g := newGround(t, 2)
	ports := g.definition.Slots["blue"].Ports
	open := func(ports []int) {
		g.definition.Slots = map[string]service.HostSlot{"blue": {Ports: ports}}
		g.draining(700 * time.Millisecond)
	}
	open(ports[1:])
	old := g.placed(g.release("1.0.0"), "blue")
	g.started(old, nil)
	open(ports)
	next := g.release("2.0.0")
	if problems := g.Room(t.Context(), next, "blue", old.Placement); len(problems) > 0 {
		t.Errorf("in the way: %v", problems)
	}
	// Beside it they are not.
	if problems := g.Room(t.Context(), next, "blue"); len(problems) != 2 {
		t.Errorf("beside it: %v", problems)
	}
}
