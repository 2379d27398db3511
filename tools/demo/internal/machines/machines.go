// Package machines is the place of the story where services usually run: three Debian hosts with systemd, reached over SSH, and two more
// with HAProxy. They are real systems, booted in systemd-nspawn, and need root.
package machines

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/machinetest/nspawn"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/story"
	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/workshop"
)

// The machines, by their names.
var (
	hostNames   = []string{"a", "b", "c"}
	routerNames = []string{"lb1", "lb2"}
)

// keyVariable of the environment is the credential that examples/demo-machines logs in with.
const keyVariable = "DEPLOY_CREDENTIAL_DEPLOY_KEY"

// Place are the machines.
type Place struct {
	// Limit is how long they live at most, should nobody end them.
	Limit time.Duration

	tree    string
	sudoers string
	all     map[string]*nspawn.Host
	ports   ports
	started bool
}

// ports are the same on each machine, since each has an address of its own.
type ports struct {
	users, blue, green int
}

var _ story.Place = (*Place)(nil)

// Example is examples/demo-machines.
func (p *Place) Example() string { return "demo-machines" }

// sudoersFile is what the user who deploys may do as root: the one that the guide on machines gives.
const sudoersFile = "examples/machines/files/sudoers.d/deploy"

// Build finds what machines boot from, which .ci/machines made.
func (p *Place) Build(_ context.Context, w *workshop.Workshop, _ story.Say) (err error) {
	if p.tree, err = nspawn.Tree(w.Root); err != nil {
		return fmt.Errorf("machines are %w: %w", story.ErrUnavailable, err)
	}
	sudoers, err := os.ReadFile(filepath.Join(w.Root, filepath.FromSlash(sudoersFile)))
	if err != nil {
		return fmt.Errorf("read what the user who deploys may do: %w", err)
	}
	p.sudoers = string(sudoers)
	return nil
}

// Start boots the machines, and starts HAProxy on those that are routers.
func (p *Place) Start(ctx context.Context, _ *workshop.Workshop, say story.Say) (story.Started, error) {
	free, err := nspawn.FreePorts(3)
	if err != nil {
		return story.Started{}, err
	}
	p.ports = ports{users: free[0], blue: free[1], green: free[2]}
	say("booting %d machines", len(hostNames)+len(routerNames))
	began := time.Now()
	booted, err := nspawn.Start(ctx, nspawn.Options{Tree: p.tree, Sudoers: p.sudoers, Limit: p.Limit}, append(append([]string{}, hostNames...), routerNames...)...)
	if err != nil {
		return story.Started{}, err
	}
	p.all = map[string]*nspawn.Host{}
	for _, m := range booted {
		p.all[m.Name] = m
	}
	key, err := p.oneKey(ctx)
	if err != nil {
		return story.Started{}, err
	}
	s := story.Started{Environment: []string{keyVariable + "=" + key}, Variables: p.variables()}
	for _, name := range routerNames {
		if err := p.startHAProxy(ctx, p.all[name]); err != nil {
			return story.Started{}, err
		}
		s.URLs = append(s.URLs, p.url(p.all[name]))
	}
	p.started = true
	say("three hosts and two HAProxy are up after %.0f s; users ask %s and %s", time.Since(began).Seconds(), s.URLs[0], s.URLs[1])
	return s, nil
}

// oneKey lets the key of the first machine log in to all of them, as the key of who deploys does.
func (p *Place) oneKey(ctx context.Context) (string, error) {
	const file = "/home/" + nspawn.User + "/.ssh/authorized_keys"
	first := p.all[hostNames[0]]
	public, err := first.Run(ctx, "cat "+file)
	if err != nil {
		return "", err
	}
	for _, m := range p.all {
		// sshd reads it as the user.
		if err := m.WriteFile(ctx, file, []byte(public), 0o644); err != nil {
			return "", err
		}
	}
	return first.Key, nil
}

// variables of examples/demo-machines.
func (p *Place) variables() map[string]any {
	login := func(names []string) map[string]any {
		machines := map[string]any{}
		for _, name := range names {
			m := p.all[name]
			machines[name] = map[string]any{"address": m.Address, "port": m.Port, "host_key": m.HostKey}
		}
		return machines
	}
	return map[string]any{
		"hosts": login(hostNames), "routers": login(routerNames),
		"ports": map[string]int{"users": p.ports.users, "blue": p.ports.blue, "green": p.ports.green},
	}
}

// End ends all machines. Before that nothing of the service may be left on its hosts.
func (p *Place) End(ctx context.Context) error {
	var errs []error
	if p.started {
		for _, name := range hostNames {
			errs = append(errs, p.clean(ctx, p.all[name]))
		}
	}
	for _, m := range p.all {
		errs = append(errs, m.End())
	}
	p.all, p.started = nil, false
	return errors.Join(errs...)
}

// lookLimit bounds a look at a machine.
const lookLimit = 20 * time.Second

// clean tells whether a host still runs units of the service.
func (p *Place) clean(ctx context.Context, m *nspawn.Host) error {
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	left, err := m.Run(ctx, "ls /etc/systemd/system | grep -E '(blue|green)' || :; ss -Hltn | awk '{print $4}' | grep -F "+
		fmt.Sprintf("-e %[1]s:%[2]d -e %[1]s:%[3]d || :", m.Address, p.ports.blue, p.ports.green))
	if err != nil {
		return err
	}
	if left != "" {
		return fmt.Errorf("host %s still has of the service, after its destroy: %q", m.Name, left)
	}
	return nil
}
