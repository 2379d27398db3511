//go:build linux

package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"text/template"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/machinetest/nspawn"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/bench/result"
)

//go:embed haproxy.cfg.tmpl
var haproxyConfiguration string

//go:embed main.tf
var configuration []byte

const (
	serviceID = "production/web"
	// backend of haproxy.cfg.tmpl that the provider splits, and the one for releases by hand.
	backend, handBackend = "web", "hand"
	adminSocket          = "/run/haproxy/admin.sock"
	stateFile            = "/var/lib/haproxy/server-state"
	blue, green          = "blue", "green"
	// patience is how long something may take that must happen.
	patience = time.Minute
)

// world is the machines and what is measured on them.
type world struct {
	options options
	// directory of this run, below build.
	directory string
	// provider and instance are programs.
	provider, instance string
	cli                *cli

	Hosts, Balancers                                                []*nspawn.Host
	WebPort, StatsPort, Blue, Green, HandBlue, HandGreen, AlonePort int

	// releases counts the versions that were made, applied are the arguments that the last was made with.
	releases int
	applied  []string
	results  []result.Result
	// wrong is what should not have been, and did not end the benchmark.
	wrong []error
}

// open boots the machines and starts HAProxy. Also with an error, the world is to be closed where there is one.
func open(ctx context.Context, o options) (*world, error) {
	tree, err := nspawn.Tree(o.root)
	if err != nil {
		return nil, err
	}
	w := &world{options: o, directory: filepath.Join(o.root, "build", "bench-machines")}
	if err := errors.Join(os.RemoveAll(w.directory), os.MkdirAll(filepath.Join(w.directory, "logs"), 0o750)); err != nil {
		return nil, fmt.Errorf("make the directory of this run: %w", err)
	}
	if err := w.build(ctx); err != nil {
		return nil, err
	}
	ports, err := nspawn.FreePorts(7)
	if err != nil {
		return nil, err
	}
	for i, port := range []*int{&w.WebPort, &w.StatsPort, &w.Blue, &w.Green, &w.HandBlue, &w.HandGreen, &w.AlonePort} {
		*port = ports[i]
	}
	began := time.Now()
	// A bound: of the disk, which is memory, an artifact takes twice its size at most. The provider wants as much free, and a little more.
	disk := 1<<30 + int64(o.artifact)<<20*8
	all, err := nspawn.Start(ctx, nspawn.Options{Tree: tree, Disk: disk, Limit: o.limit + 10*time.Minute}, "a", "b", "c", "lb1", "lb2")
	if err != nil {
		return nil, err
	}
	w.Hosts, w.Balancers = all[:3], all[3:]
	fmt.Printf("Three hosts and two machines with HAProxy, booted in %.0f s.\n", time.Since(began).Seconds())
	for _, lb := range w.Balancers {
		if err := w.balance(ctx, lb); err != nil {
			return w, fmt.Errorf("HAProxy on %s: %w", lb.Name, err)
		}
	}
	return w, w.configure(ctx)
}

// build builds the provider and the instance.
func (w *world) build(ctx context.Context) error {
	var err error
	if w.cli, w.provider, err = newCLI(ctx, w.options.root, w.directory); err != nil {
		return err
	}
	w.instance = filepath.Join(w.directory, "instance")
	return goBuild(ctx, w.options.root, w.instance, "./tools/bench/machines/instance", "CGO_ENABLED=0")
}

func goBuild(ctx context.Context, root, out, pkg string, environment ...string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-trimpath", "-o", out, pkg)
	cmd.Dir, cmd.Env = root, append(os.Environ(), environment...)
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, said)
	}
	return nil
}

// balance configures HAProxy on a machine and starts it.
func (w *world) balance(ctx context.Context, lb *nspawn.Host) error {
	t, err := template.New("haproxy.cfg").Parse(haproxyConfiguration)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := t.Execute(&text, map[string]any{"World": w, "Address": lb.Address}); err != nil {
		return err
	}
	if err := lb.WriteFile(ctx, "/etc/haproxy/haproxy.cfg", text.Bytes(), 0o644); err != nil {
		return err
	}
	if _, err = lb.Run(ctx, "systemctl start haproxy"); err != nil {
		return fmt.Errorf("%w\n%s", err, lb.Log(ctx))
	}
	return nil
}

// machine is how Terraform's configuration has one.
type machine struct {
	Address string `json:"address"`
	Port    int    `json:"port"`
	HostKey string `json:"host_key"`
}

func machinesOf(hosts []*nspawn.Host) map[string]machine {
	all := map[string]machine{}
	for _, h := range hosts {
		all[h.Name] = machine{h.Address, h.Port, h.HostKey}
	}
	return all
}

// configure writes Terraform's configuration and initializes it.
func (w *world) configure(ctx context.Context) error {
	for _, h := range append(w.Hosts[:3:3], w.Balancers...) {
		w.cli.environment = append(w.cli.environment, "DEPLOY_CREDENTIAL_KEY_"+strings.ToUpper(h.Name)+"="+h.Key)
	}
	text, err := json.Marshal(map[string]any{"world": map[string]any{
		"store": w.store(), "artifact": w.instance, "blue": w.Blue, "green": w.Green,
		"hosts": machinesOf(w.Hosts), "balancers": machinesOf(w.Balancers),
	}})
	if err == nil {
		err = w.cli.initialize(ctx, "web", map[string][]byte{"main.tf": configuration, "world.auto.tfvars.json": text})
	}
	return err
}

func (w *world) store() string { return "file://" + filepath.Join(w.directory, "store") }

// close ends the machines.
func (w *world) close() error {
	all := append(w.Hosts[:len(w.Hosts):len(w.Hosts)], w.Balancers...)
	errs := make([]error, len(all))
	var ending sync.WaitGroup
	for i, h := range all {
		ending.Go(func() { errs[i] = h.End() })
	}
	ending.Wait()
	return errors.Join(errs...)
}

// targets are what users reach.
func (w *world) targets() []string {
	all := make([]string, len(w.Balancers))
	for i, lb := range w.Balancers {
		all[i] = net.JoinHostPort(lb.Address, strconv.Itoa(w.WebPort))
	}
	return all
}

// runtime is the Runtime API of one HAProxy, reached without SSH.
func (w *world) runtime(lb *nspawn.Host) *haproxy.Client {
	address := net.JoinHostPort(lb.Address, strconv.Itoa(w.StatsPort))
	return haproxy.New(lb.Name, func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", address)
	}, 5*time.Second)
}

// share is the weight of a slot in whole percent, by one HAProxy.
func (w *world) share(ctx context.Context, lb *nspawn.Host, slot string) (int, error) {
	servers, err := w.runtime(lb).Servers(ctx, backend)
	if err != nil {
		return 0, err
	}
	its, all := 0, 0
	for _, s := range servers {
		if s.Admin.Maint() {
			continue
		}
		if all += s.Weight; strings.HasPrefix(s.Name, slot+"-") {
			its += s.Weight
		}
	}
	if all == 0 {
		return 0, nil
	}
	return 100 * its / all, nil
}

// stable is the slot that has all of the traffic on both.
func (w *world) stable(ctx context.Context) (string, error) {
	for _, slot := range []string{blue, green} {
		one, err := w.share(ctx, w.Balancers[0], slot)
		if err != nil {
			return "", err
		}
		other, err := w.share(ctx, w.Balancers[1], slot)
		if err != nil {
			return "", err
		}
		if one == 100 && other == 100 {
			return slot, nil
		}
	}
	return "", errors.New("no slot has all of the traffic")
}

func otherSlot(slot string) string {
	if slot == blue {
		return green
	}
	return blue
}
