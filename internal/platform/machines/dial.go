package machines

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/secureshell"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// networkTry is how long the network is given before the tunnel is taken, where both may lead there.
const networkTry = time.Second

// Dial implements delivery.Platform.
func (m *Machines) Dial(ctx context.Context, i service.Instance, address string) (net.Conn, error) {
	it, err := m.read(i, m.id)
	if err != nil {
		return nil, err
	}
	if it.host == "" || m.definition.Reach == service.ReachNetwork {
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	}
	machine, err := m.reached(it.host, nil)
	login := m.loginTo(it.host)
	switch {
	case err != nil && m.definition.Reach == service.ReachAuto && !shared(address):
		// A host that the service has no more, and that was not worked on yet.
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	case err != nil:
		return nil, err
	case m.definition.Reach == service.ReachSSH || onlyFromThere(address, login):
		return dialThrough(ctx, machine, address)
	}
	return m.dialEither(ctx, it.host, machine, address, login.Bastion != nil)
}

// loginTo is how a host is logged in to, as far as that is known.
func (m *Machines) loginTo(host string) service.SSH {
	m.mu.Lock()
	defer m.mu.Unlock()
	if h, found := m.definition.Hosts[host]; found {
		return h.SSH
	}
	return m.known[host].SSH
}

// onlyFromThere tells whether an address leads to the host from the host alone: from here a loopback address is this machine's own, and
// what answers there is somebody else. A host that is logged in to at the same loopback address, which is its own, is on this machine.
func onlyFromThere(address string, login service.SSH) bool {
	host, _, _ := net.SplitHostPort(address) // Dialling says what is wrong with it.
	ip, err := netip.ParseAddr(host)
	loopback := err == nil && ip.Unmap().IsLoopback()
	return shared(address) || loopback && (login.Bastion != nil || login.Address != host)
}

// shared tells whether an address is one that each machine has as its own. It is no machine's in particular where one logs in at it either:
// a port there may be forwarded.
func shared(address string) bool {
	host, _, _ := net.SplitHostPort(address)
	return slices.Contains([]string{"localhost", "127.0.0.1", "::1", "::ffff:127.0.0.1"}, host)
}

// way to an instance's address.
type way struct {
	tunnelled bool
	dial      func() (net.Conn, error)
}

// dialEither takes the way that led there last; where that fails, the other one, unless the host itself has answered. As long as none has
// led there, it begins with the network, but not where that is behind a bastion: the same address may be another machine's here.
func (m *Machines) dialEither(ctx context.Context, host string, machine Machine, address string, behind bool) (net.Conn, error) {
	network := way{false, func() (net.Conn, error) {
		return (&net.Dialer{Timeout: networkTry}).DialContext(ctx, "tcp", address)
	}}
	tunnel := way{true, func() (net.Conn, error) { return dialThrough(ctx, machine, address) }}
	m.mu.Lock()
	tunnelled, led := m.tunnelled[host]
	m.mu.Unlock()
	ways := []way{network, tunnel}
	if tunnelled || !led && behind {
		ways = []way{tunnel, network}
	}
	var failed []error
	for _, w := range ways {
		connection, err := w.dial()
		if err == nil {
			m.remember(host, w.tunnelled)
			return connection, nil
		}
		failed = append(failed, err)
		if ctx.Err() != nil || w.tunnelled && settled(err, behind) {
			break
		}
	}
	if len(failed) == 1 {
		return nil, failed[0]
	}
	return nil, fmt.Errorf("%w; and %w", failed[0], failed[1])
}

// settled tells whether an error of the tunnel is the answer. It is where the host has tried, and nobody took the connection: who else has
// that address here is not the instance. Where sshd forbids it, the host did not try; where it cannot be logged in to, neither, but then what
// is behind a bastion is not asked over the network, by which it was not to be reached.
func settled(err error, behind bool) bool {
	return !errors.Is(err, secureshell.ErrForbidden) && (behind || !errors.Is(err, secureshell.ErrUnreachable))
}

func (m *Machines) remember(host string, tunnelled bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tunnelled[host] = tunnelled
}

func dialThrough(ctx context.Context, machine Machine, address string) (net.Conn, error) {
	connection, err := machine.Dial(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("through %s: %w", machine, err)
	}
	return connection, nil
}
