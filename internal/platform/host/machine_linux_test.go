package host_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

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
	for method, err := range map[string]error{
		"Inspect": inspecting, "Reach": second.Reach(t.Context(), r.Placement), "Logs": reading, "Start": second.Start(t.Context(), r, nil),
		"Stop": second.Stop(t.Context(), r.Placement), "Remove": second.Remove(t.Context(), r.Placement),
	} {
		if err == nil || !strings.Contains(err.Error(), "on the machine web-1, and this is web-2") {
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
	stopped("a machine that does not know which it is", g.on(host.Machine{Name: "a container"}), r.Placement)
	unknown, err := g.on(host.Machine{Name: "a container"}).Placement(r, "blue")
	g.ok(err)
	stopped("placed by one that did not know", second, unknown)

	// The error says how to go on where a machine was replaced.
	_, command, found := strings.Cut(inspecting.Error(), "say so: ")
	if !found {
		t.Fatalf("it does not say what to do: %v", inspecting)
	}
	out, err := exec.Command("sh", "-ec", command).CombinedOutput() //nolint:gosec,noctx // what the error says
	if err != nil {
		t.Fatalf("%s: %v: %s", command, err, out)
	}
	stopped("the machine that has taken its place", second, r.Placement)
	g.ok(second.Remove(t.Context(), r.Placement))
}

// Another user cannot end what runs, and root would start it as root.
func TestAnotherUserIsOutOfReach(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away: run as root")
	}
	g := newGround(t, 1)
	r := g.placed(g.release("1.0.0"), "blue")
	theirs := r.Placement
	theirs.Platform = []byte(strings.Replace(string(theirs.Platform), `"user":0`, `"user":54321`, 1))
	g.ok(g.Reach(t.Context(), r.Placement))
	g.ok(g.Reach(t.Context(), theirs)) // but the directory was given to root
	g.ok(os.Chown(filepath.Join(g.definition.Directory, "service"), 54321, 54321))
	g.ok(g.Reach(t.Context(), r.Placement)) // some file systems tell another owner
	r.Placement = theirs
	if err := g.Reach(t.Context(), r.Placement); err == nil || !strings.Contains(err.Error(), "by the user 54321, and this runs as root") {
		t.Errorf("reach what another user placed: %v", err)
	}
	if _, err := g.Inspect(t.Context(), r.Placement); err != nil {
		t.Errorf("to look at it is nobody's harm: %v", err)
	}
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
