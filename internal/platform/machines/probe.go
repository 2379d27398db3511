package machines

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/probe"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/shellword"
)

// reachTimeout bounds what a probe does on the machine beside asking the instance, which says nothing about the instance: the login
// before its first question, the way through it, and the look who listens.
const reachTimeout = 10 * time.Second

// Probe implements delivery.Platform. An answer counts only if on the machine it is the instance that listens there; that the network
// leads to that machine, where it is asked over the network, is the definition's word. health's timeout bounds the answer; the way to the
// machine and the look who listens there have a bound of their own.
func (m *Machines) Probe(ctx context.Context, i service.Instance, health service.Health) error {
	timeout := health.Timeout.D()
	if timeout <= 0 {
		timeout = probe.DefaultTimeout
	}
	if err := m.ask(ctx, i, health, timeout); err != nil {
		return err
	}
	return within(ctx, reachTimeout, func(ctx context.Context) error { return m.isListener(ctx, i) }, "who listens at %s was not told", i.Address)
}

// within does something within a time, and says what came to nothing where the time was over.
func within(ctx context.Context, longest time.Duration, do func(context.Context) error, format string, a ...any) error {
	bounded, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	err := do(bounded)
	if err != nil && ctx.Err() == nil && bounded.Err() != nil {
		return fmt.Errorf(format+" within %s", append(slices.Clip(a), longest)...)
	}
	return err
}

func (m *Machines) ask(ctx context.Context, i service.Instance, health service.Health, timeout time.Duration) error {
	longest := timeout
	if i.Host != "" && m.definition.Reach != service.ReachNetwork {
		longest = max(timeout, reachTimeout) // It may have to log in first.
	}
	var connection net.Conn
	err := within(ctx, longest, func(ctx context.Context) (err error) {
		connection, err = m.Dial(ctx, i, i.Address)
		return err
	}, "%s did not answer", i.Address)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = connection.Close() }()
	if health.HTTP == nil {
		return nil
	}
	return within(ctx, timeout, func(ctx context.Context) error {
		// The connection is for this question alone.
		return probe.HTTP(ctx, func(context.Context, string, string) (net.Conn, error) { return connection, nil }, i.Address, *health.HTTP)
	}, "%s did not answer", i.Address)
}

// isListener sees to it that what answered is the instance, and no other program on its port. Once its socket is known, that alone is
// looked for: sockets have numbers that are not given to others while they are there.
func (m *Machines) isListener(ctx context.Context, i service.Instance) error {
	p, err := m.alone(i)
	if err != nil {
		return err
	}
	m.mu.Lock()
	known := m.own[i.Name]
	m.mu.Unlock()
	seen, err := p.seeListener(ctx, known)
	if err != nil {
		return p.named(err)
	}
	if seen == nil {
		return nil // Known.
	}
	other := ""
	for n, it := range p.instances {
		own, others := seen[n].listener(it, p.address)
		if own && others == "" {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.own[i.Name] = inodes(seen[n].sockets)
			return nil
		}
		other = others
	}
	if other != "" {
		return fmt.Errorf("%s was answered by another program: %s", i.Address, other)
	}
	return fmt.Errorf("%s was answered, but not by this instance, which does not listen there", i.Address)
}

// alone is one instance as a part: in the slot of the user's own unit that as well, since it may be the one that is meant.
func (m *Machines) alone(i service.Instance) (part, error) {
	d := m.definition
	it, err := m.read(i, m.id)
	if err != nil {
		return part{}, err
	}
	machine, err := m.reached(it.host, nil)
	if err != nil {
		return part{}, err
	}
	instances := []instance{it}
	if e := d.Existing; e != nil && e.Slot == it.slot {
		users := it
		users.unit = e.Unit
		instances = append(instances, users)
	}
	address, _, _ := net.SplitHostPort(i.Address) // read has seen that it is one
	return part{
		record: record{Directory: d.Directory, DrainTimeout: d.DrainTimeout, Scope: d.Systemd.Scope, Sudo: d.Systemd.Sudo},
		host:   it.host, machine: machine, release: service.ReleaseID(m.id), slot: it.slot, address: address, instances: instances,
	}, nil
}

// seeListener looks who listens; nil: the sockets that are known, and no others, do. That is asked first, by the shortest of all scripts.
func (p part) seeListener(ctx context.Context, known string) ([]sight, error) {
	if known != "" {
		out, err := p.look(ctx, listenersFunction+"listeners "+shellword.Quote(p.listening())+"\nexit 0\n")
		if err != nil {
			return nil, err
		}
		if inodes(readSockets(strings.Split(out, "\n"))) == known {
			return nil, nil
		}
	}
	return p.see(ctx)
}

// inodes are the numbers of sockets, in an order that is always the same. While sockets come and go, the kernel lists some of them twice.
func inodes(sockets []socket) string {
	all := make([]string, len(sockets))
	for n, s := range sockets {
		all[n] = s.inode
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), " ")
}
