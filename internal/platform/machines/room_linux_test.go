package machines_test

import (
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/machinetest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// A group or a path that a unit does not start without is told before anything is stopped, and what the preflight lets through starts.
func TestGroupAndWritableOfTheMachine(t *testing.T) {
	t.Parallel()
	g := newGround(t, asRoot, hosts(t, 1), 1)
	h, there := g.hosts[0], "/var/lib/"+g.id.Name()
	g.definition.Systemd.User, g.definition.Systemd.Group, g.definition.Systemd.Writable = "www-data", g.id.Name(), []string{there}
	g.open()
	r := g.release("1.0.0")
	problems := g.Room(t.Context(), r, "blue")
	said := ""
	for _, p := range problems {
		said += p.Detail + "\n"
	}
	if len(problems) != 2 {
		t.Errorf("%v", problems)
	}
	g.contains(said, "host a: there is no group "+g.id.Name()+" (systemd.group)", "host a: there is no "+there+" (systemd.writable)")
	r = g.placed(r, "blue")
	if err := g.Start(t.Context(), r, nil); err == nil {
		t.Error("it starts without them")
	}
	h.Run(t, "groupadd --system "+g.id.Name()+" && install -d -o www-data "+there)
	if problems := g.Room(t.Context(), r, "blue"); len(problems) > 0 {
		t.Errorf("%v", problems)
	}
	g.started(r, nil)
	g.ok(g.Stop(t.Context(), r.Placement))
}

// Where systemd makes up the user, it makes up the group as well.
func TestGroupOfADynamicUser(t *testing.T) {
	t.Parallel()
	g := newGround(t, asRoot, hosts(t, 1), 1)
	g.definition.Systemd.Group = g.id.Name()
	g.open()
	r := g.release("1.0.0")
	if problems := g.Room(t.Context(), r, "blue"); len(problems) > 0 {
		t.Errorf("%v", problems)
	}
	r = g.placed(r, "blue")
	g.started(r, nil)
	g.ok(g.Stop(t.Context(), r.Placement))
}

// Ports that move between the instances of the only slot are free once what runs there has left it.
func TestPortsMoveWithinASlot(t *testing.T) {
	t.Parallel()
	g := newGround(t, asRoot, hosts(t, 1), 2)
	ports := g.definition.Slots["blue"].Ports
	g.definition.Slots = map[string]service.HostSlot{"blue": {Ports: ports[1:]}}
	g.open()
	old := g.placed(g.release("1.0.0"), "blue")
	g.started(old, nil)
	g.definition.Slots = map[string]service.HostSlot{"blue": {Ports: ports}}
	g.open()
	if problems := g.Room(t.Context(), g.release("2.0.0"), "blue", old.Placement); len(problems) > 0 {
		t.Errorf("in the way: %v", problems)
	}
	// Beside it they are not.
	if problems := g.Room(t.Context(), g.release("2.0.0"), "blue"); len(problems) != 2 {
		t.Errorf("beside it: %v", problems)
	}
}

// A host without cmp and find will do: a unit that is there already as it is to be is left as it is, another one is written.
func TestHostWithoutCmpAndFind(t *testing.T) {
	t.Parallel()
	all := machinetest.Start(t, 1)
	provide(t, all)
	g := newGround(t, asRoot, all, 1)
	h, unit := all[0], "/etc/systemd/system/"+g.unit("blue", 0)
	h.Run(t, "rm $(command -v cmp find)")
	written := func() string { return h.Run(t, "stat -c '%i %z' "+unit+" "+unit+".d/*") }
	g.definition.Systemd.DropIns = map[string]string{"10-nice.conf": "[Service]\nNice=5"}
	g.open()
	r := g.placed(g.release("1.0.0"), "blue")
	if problems := g.Room(t.Context(), r, "blue"); len(problems) > 0 {
		t.Errorf("%v", problems)
	}
	again := func() string {
		t.Helper()
		g.started(r, nil)
		g.ok(g.Stop(t.Context(), r.Placement))
		return written()
	}
	first := again()
	if second := again(); second != first {
		t.Errorf("written anew: %s, then %s", first, second)
	}
	h.Run(t, "echo '# changed' >>"+unit+"; echo '# changed' >>"+unit+".d/10-nice.conf")
	again()
	if left := h.Run(t, "grep -c changed "+unit+" "+unit+".d/* ; exit 0"); strings.Contains(left, ":1") {
		t.Errorf("what was changed stays: %s", left)
	}
}
