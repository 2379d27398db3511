package machines_test

import (
	"testing"

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
