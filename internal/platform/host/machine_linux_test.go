package host_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// on is the ground's platform as another machine, or this one under another name, has it.
func (g *ground) on(machine host.Machine) *host.Host {
	g.Helper()
	there := options
	there.Machine = machine
	h, err := host.New(g.definition, id, there)
	g.ok(err)
	return h
}

// From another machine, where the directory is not, a release that runs would look like one that was removed.
func TestAnotherMachineKnowsNothing(t *testing.T) {
	t.Parallel()
	g := newGround(t, 1)
	r := g.release("1.0.0")
	first := host.Machine{ID: "1", Name: "web-1"}
	var err error
	r.Placement, err = g.on(first).Place(t.Context(), r, "blue")
	g.ok(err)
	// What is seen of the directory from there.
	g.ok(os.Rename(g.definition.Directory, g.definition.Directory+" of web-1"))

	second := g.on(host.Machine{ID: "2", Name: "web-2"})
	_, inspecting := second.Inspect(t.Context(), r.Placement)
	_, reading := second.Logs(t.Context(), r.Placement, 10)
	var out *delivery.OutOfReach
	for method, err := range map[string]error{
		"Inspect": inspecting, "Reach": second.Reach(t.Context(), r.Placement), "Logs": reading, "Start": second.Start(t.Context(), r, nil),
		"Stop": second.Stop(t.Context(), r.Placement), "Remove": second.Remove(t.Context(), r.Placement),
	} {
		if !errors.As(err, &out) || !out.Elsewhere || !strings.Contains(err.Error(), "on the machine web-1, and this is web-2") {
			t.Errorf("%s: %v", method, err)
		}
	}
	stopped := func(what string, h *host.Host, p service.Placement) {
		t.Helper()
		if states, err := h.Inspect(t.Context(), p); err != nil || len(states) != 1 || states[0].Running {
			t.Errorf("%s: %+v, %v", what, states, err)
		}
	}
	stopped("its own machine, where the directory was deleted", g.on(first), r.Placement)
	// Containers do not know which machine they are: to a placement of one another one is the same, and no machine is.
	container := g.on(host.Machine{Name: "a container"})
	if _, err := container.Inspect(t.Context(), r.Placement); !errors.As(err, &out) {
		t.Errorf("a container: %v", err)
	}
	inContainer, err := container.Placement(r, "blue")
	g.ok(err)
	stopped("placed in a container", g.on(host.Machine{Name: "the next container"}), inContainer)
	if err := second.Reach(t.Context(), inContainer); !errors.As(err, &out) {
		t.Errorf("placed in a container, and seen from a machine: %v", err)
	}

	// What is said is how to go on where a machine was replaced: the last line is to be pasted.
	command := out.Next[strings.LastIndex(out.Next, "\n")+1:]
	said, err := exec.Command("sh", "-ec", command).CombinedOutput() //nolint:gosec,noctx // what the error says
	if err != nil {
		t.Fatalf("%s: %v: %s", command, err, said)
	}
	stopped("the machine that has taken its place", second, r.Placement)
	g.ok(second.Remove(t.Context(), r.Placement))
}

// Another user cannot end what runs, and root would start it as root. Whose it is, the directory says, which may have been given away.
func TestAnotherUserIsOutOfReach(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away: run as root")
	}
	g := newGround(t, 1)
	r := g.placed(g.release("1.0.0"), "blue")
	theirs, old := r.Placement, r.Placement
	theirs.Platform = []byte(strings.Replace(string(theirs.Platform), `"user":0`, `"user":54321`, 1))
	old.Platform = nil // from before users were recorded
	owner := filepath.Join(g.definition.Directory, "service")
	refused := func(what string, p service.Placement, next string) {
		t.Helper()
		var out *delivery.OutOfReach
		if err := g.Reach(t.Context(), p); !errors.As(err, &out) || out.Elsewhere || !strings.Contains(out.Why, "by the user 54321, and this runs as root") || !strings.Contains(out.Next, "sudo -u '#54321' …") || !strings.Contains(out.Next, next) {
			t.Errorf("%s: %+v (%v)", what, out, err)
		}
	}
	g.ok(g.Reach(t.Context(), r.Placement))
	g.ok(g.Reach(t.Context(), theirs)) // the directory was given to root
	g.ok(os.Chown(owner, 54321, 54321))
	refused("given away", r.Placement, "chown -R root '"+g.definition.Directory+"'")
	refused("placed by another user", theirs, "chown -R root")
	refused("placed by another user, long ago", old, "chown -R root")
	if _, err := g.Inspect(t.Context(), theirs); err != nil {
		t.Errorf("to look at it is nobody's harm: %v", err)
	}
	g.ok(os.Chown(owner, 65534, 65534)) // as network disks do that do not tell
	g.ok(g.Reach(t.Context(), r.Placement))
	refused("nobody's, placed by another user", theirs, "chown -R root")
	g.ok(os.Remove(owner))
	g.ok(g.Reach(t.Context(), r.Placement))
	refused("deleted, placed by another user", theirs, "\n  mkdir -p '"+g.definition.Directory+"' && echo production/web >'"+owner+"'")
	g.ok(os.WriteFile(owner, []byte(id+"\n"), 0o600))
}

// What this machine is stays the same from process to process.
func TestThisMachine(t *testing.T) {
	t.Parallel()
	g := newGround(t, 1)
	first, err := g.Placement(g.release("1.0.0"), "blue")
	g.ok(err)
	second, err := newGroundLike(g).Placement(g.release("1.0.0"), "blue")
	g.ok(err)
	if string(first.Platform) != string(second.Platform) {
		t.Errorf("%s and %s", first.Platform, second.Platform)
	}
	data, err := os.ReadFile("/etc/machine-id")
	if err != nil {
		t.Skip("this machine has no machine-id(5)")
	}
	if secret := strings.TrimSpace(string(data)); secret != "" && strings.Contains(string(first.Platform), secret) {
		t.Error("machine-id(5) is given away")
	}
}

func newGroundLike(g *ground) *host.Host { return g.on(host.Machine{}) }
