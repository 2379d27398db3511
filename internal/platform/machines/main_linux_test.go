package machines_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/artifact"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/machinetest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/machines"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/platformtest"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/secureshell"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// What this program does instead of tests, by its first argument.
const (
	asInstance = "test-instance"
	asParrot   = "test-parrot"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case asInstance:
			os.Exit(platformtest.Serve())
		case asParrot:
			os.Exit(parrot())
		}
	}
	// They wait for machines most of the time.
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	os.Exit(machinetest.Main(m))
}

// instanceProgram is where this program lies on the machines.
const instanceProgram = "/usr/local/bin/test-instance"

var provided struct {
	sync.Mutex
	hosts map[*machinetest.Host]bool
}

// hosts are machines that have the instances' program.
func hosts(t *testing.T, n int) []*machinetest.Host {
	t.Helper()
	all := machinetest.Shared(t, n)
	provide(t, all)
	return all
}

func provide(t *testing.T, all []*machinetest.Host) {
	t.Helper()
	provided.Lock()
	defer provided.Unlock()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range all {
		if !provided.hosts[h] {
			h.WriteFile(t, instanceProgram, string(program), 0o755)
			if provided.hosts == nil {
				provided.hosts = map[*machinetest.Host]bool{}
			}
			provided.hosts[h] = true
		}
	}
}

// ground is a platform with a service of its own on machines, and an artifact to run there.
type ground struct {
	*testing.T
	*machines.Machines
	definition service.HostPlatform
	id         service.ID
	hosts      []*machinetest.Host
	reference  service.Reference
	local      machines.Machine
	connect    func(name string, s service.SSH) machines.Machine
	options    machines.Options
}

// kind is how the machines of a ground are used.
type kind struct {
	user string
	// alone: the machine has no name, as where there are no hosts.
	alone   bool
	systemd service.Systemd
	reach   string
}

var (
	asRoot              = kind{user: "root"}
	alone               = kind{user: "root", alone: true}
	withSudo            = kind{user: machinetest.User, systemd: service.Systemd{Sudo: true, User: "www-data", Secrets: service.SecretsCredentials}, reach: service.ReachSSH}
	usersOwnCredentials = kind{user: machinetest.User, systemd: service.Systemd{Scope: service.ScopeUser, Secrets: service.SecretsCredentials}}
	usersOwn            = kind{user: machinetest.User, systemd: service.Systemd{Scope: service.ScopeUser}}
)

var (
	numberMu sync.Mutex
	number   int
)

// newGround has so many instances on each of the machines.
func newGround(t *testing.T, k kind, all []*machinetest.Host, instances int) *ground {
	t.Helper()
	numberMu.Lock()
	number++
	id := service.ID(fmt.Sprintf("test/web%d", number))
	numberMu.Unlock()
	systemd := k.systemd
	systemd.RestartDelay = service.Duration(100 * time.Millisecond)
	directory := "/srv/" + id.Name()
	if k.systemd.Scope == service.ScopeUser {
		directory = "/home/" + k.user + "/srv/" + id.Name()
	}
	g := &ground{T: t, id: id, hosts: all, definition: service.HostPlatform{
		Directory: directory, DrainTimeout: service.Duration(700 * time.Millisecond), Supervisor: service.SupervisorSystemd,
		Systemd: &systemd, Hosts: map[string]service.Host{}, Slots: map[string]service.HostSlot{}, MaxParallel: len(all), Reach: k.reach,
	}}
	ports := machinetest.FreePorts(t, 2*instances)
	g.definition.Slots["blue"] = service.HostSlot{Ports: ports[:instances]}
	g.definition.Slots["green"] = service.HostSlot{Ports: ports[instances:]}
	keys := credentialsOf{}
	for _, h := range all {
		login := h.SSH(k.user)
		login.PrivateKey = "key_of_" + h.Name
		keys[login.PrivateKey] = h.Key
		g.definition.Hosts[h.Name] = service.Host{SSH: login, Address: h.Address}
	}
	connections := secureshell.New(keys, secureshell.Options{})
	t.Cleanup(func() { _ = connections.Close() })
	g.connect = func(_ string, s service.SSH) machines.Machine { return connections.Machine(s) }
	if k.alone {
		g.definition.Hosts, g.definition.Address = nil, all[0].Address
		login := all[0].SSH(k.user)
		login.PrivateKey = "key_of_" + all[0].Name
		g.local = connections.Machine(login)
	}
	g.artifact("#!/bin/sh\nexec " + instanceProgram + " " + asInstance + " \"$@\"\n")
	g.open()
	return g
}

type credentialsOf map[string]string

func (c credentialsOf) Lookup(name string) (string, error) {
	if value, found := c[name]; found {
		return value, nil
	}
	return "", errors.New("there is no " + name)
}

// open makes the platform of the definition as it is now.
func (g *ground) open() {
	g.Helper()
	var err error
	if g.Machines, err = machines.New(g.definition, g.id, g.connect, g.local, g.options); err != nil {
		g.Fatal(err)
	}
}

// draining has instances that are placed from then on have so much time to end.
func (g *ground) draining(timeout time.Duration) {
	g.Helper()
	g.definition.DrainTimeout = service.Duration(timeout)
	g.open()
}

// artifact makes a program the artifact.
func (g *ground) artifact(program string) {
	g.Helper()
	path := filepath.Join(g.TempDir(), "web")
	if err := os.WriteFile(path, []byte(program), 0o600); err != nil {
		g.Fatal(err)
	}
	digest, err := artifact.Digest(context.Background(), path)
	if err != nil {
		g.Fatal(err)
	}
	g.reference = service.Reference{Path: path, Digest: digest}
}

// release of the ground's artifact.
func (g *ground) release(version string) service.Release {
	content := service.Content{
		Version: version, Artifact: g.reference.String(), Host: &service.HostContent{Command: []string{"./web", "--as", version}},
	}
	return service.Release{ID: content.ReleaseID(g.id), Content: content}
}

func (g *ground) placed(r service.Release, slot string) service.Release {
	g.Helper()
	return platformtest.Placed(g, g, r, slot)
}

func (g *ground) started(r service.Release, environment map[string]string) {
	g.Helper()
	platformtest.Started(g, g, r, environment, service.Health{})
}

func (g *ground) answers(r service.Release) {
	g.Helper()
	platformtest.Healthy(g, g, r, service.Health{})
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

func (g *ground) states(r service.Release) []service.InstanceState {
	g.Helper()
	states, err := g.Inspect(g.Context(), r.Placement)
	g.ok(err)
	return states
}

func (g *ground) contains(text string, parts ...string) {
	g.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			g.Errorf("%q is not in %q", part, text)
		}
	}
}
