package host_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/artifact"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/machinetest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host/process"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host/supervisor"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/platformtest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// What this program does instead of tests, by its first argument.
const (
	asSupervisor = "test-supervise"
	asInstance   = "test-instance"
	asStarter    = "test-starter"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case asSupervisor:
			os.Exit(host.Supervise(os.Args[2:]))
		case asInstance:
			os.Exit(platformtest.Serve())
		case asStarter:
			os.Exit(starter())
		}
	}
	os.Exit(m.Run())
}

const id = service.ID("production/web")

// ground is a host platform on a directory of its own, and an artifact to run there.
type ground struct {
	*testing.T
	*host.Host
	definition service.HostPlatform
	artifact   string
	digest     string
}

var options = host.Options{SupervisorArgs: []string{asSupervisor}}

func newGround(t *testing.T, instances int) *ground {
	t.Helper()
	// Glob's special characters, and a space: users' paths have them.
	base := filepath.Join(t.TempDir(), "a [b] c")
	g := &ground{T: t, artifact: filepath.Join(base, "dist", "web.tar.gz"), definition: service.HostPlatform{
		Directory: filepath.Join(base, "srv"), Address: "127.0.0.1",
		Log: service.HostLog{MaxSize: 1, MaxFiles: 2}, Slots: map[string]service.HostSlot{},
	}}
	ports := machinetest.FreePorts(t, 2*instances)
	g.definition.Slots["blue"] = service.HostSlot{Ports: ports[:instances]}
	g.definition.Slots["green"] = service.HostSlot{Ports: ports[instances:]}
	g.draining(700 * time.Millisecond)
	g.digest = g.write(g.artifact, archive(t, instanceScript(t)))
	t.Cleanup(g.nothingLeft)
	return g
}

// draining makes the platform, with so much time for instances to end.
func (g *ground) draining(timeout time.Duration) {
	g.Helper()
	g.definition.DrainTimeout = service.Duration(timeout)
	var err error
	if g.Host, err = host.New(g.definition, id, options); err != nil {
		g.Fatal(err)
	}
}

// write writes a file and returns its digest.
func (g *ground) write(path string, data []byte) string {
	g.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		g.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		g.Fatal(err)
	}
	digest, err := artifact.Digest(context.Background(), path)
	if err != nil {
		g.Fatal(err)
	}
	return digest
}

// release of the ground's artifact.
func (g *ground) release(version string) service.Release {
	content := service.Content{
		Version: version, Artifact: service.Reference{Path: g.artifact, Digest: g.digest}.String(),
		Host: &service.HostContent{Command: []string{"./bin/web", "--as", version}},
	}
	return service.Release{ID: content.ReleaseID(id), Content: content}
}

func (g *ground) placed(r service.Release, slot string) service.Release {
	g.Helper()
	return platformtest.Placed(g, g, r, slot)
}

func (g *ground) started(r service.Release, environment map[string]string) {
	g.Helper()
	platformtest.Started(g, g, r, environment, service.Health{})
}

func (g *ground) ok(err error) {
	g.Helper()
	if err != nil {
		g.Fatal(err)
	}
}

func (g *ground) eventually(check func() error) {
	g.Helper()
	platformtest.Eventually(g, "what must happen", check)
}

func (g *ground) instance(name string) supervisor.Directory {
	return supervisor.Directory(filepath.Join(g.definition.Directory, "run", name))
}

func (g *ground) status(name string) supervisor.Status {
	g.Helper()
	status, found, err := g.instance(name).ReadStatus()
	if err != nil || !found {
		g.Fatalf("status of %s: found %t, %v", name, found, err)
	}
	return status
}

func (g *ground) state(r service.Release) service.InstanceState {
	g.Helper()
	states, err := g.Inspect(g.Context(), r.Placement)
	if err != nil {
		g.Fatal(err)
	}
	return states[0]
}

// nothingLeft sees to it that no process of the test is left: all of them have the directory as theirs, or in their arguments.
func (g *ground) nothingLeft() {
	g.eventually(func() error {
		all, err := process.List()
		if err != nil {
			return err
		}
		for _, p := range all {
			directory, _ := os.Readlink(fmt.Sprintf("/proc/%d/cwd", p.PID))
			if !p.Zombie && strings.HasPrefix(directory, g.definition.Directory) {
				return fmt.Errorf("left running: %s in %s", p, directory)
			}
		}
		return nil
	})
}

// instanceScript runs this program as an instance.
func instanceScript(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return "#!/bin/sh\nexec '" + self + "' " + asInstance + " \"$@\"\n"
}

func archive(t *testing.T, script string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	if err := w.WriteHeader(&tar.Header{Name: "bin/web", Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(script))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(script)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestContract(t *testing.T) {
	t.Parallel()
	platformtest.Run(t, func(t *testing.T, instances int) platformtest.Subject {
		g := newGround(t, instances)
		return platformtest.Subject{Platform: g, Release: g.release, Draining: g.draining}
	})
}

// order is what a starter does.
type order struct {
	Definition  service.HostPlatform
	Release     service.Release
	Environment map[string]string
}

// starter places and starts a release, and ends.
func starter() int {
	var o order
	err := json.NewDecoder(os.Stdin).Decode(&o)
	var h *host.Host
	if err == nil {
		h, err = host.New(o.Definition, id, options)
	}
	if err == nil {
		o.Release.Placement, err = h.Place(context.Background(), o.Release, "blue")
	}
	if err == nil {
		err = h.Start(context.Background(), o.Release, o.Environment)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
