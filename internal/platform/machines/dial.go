package machines

import (
	"context"
	"fmt"
	"net"
	"time"

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
	switch {
	case err != nil && m.definition.Reach == service.ReachAuto: // A host that the service has no more, and that was not worked on yet.
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	case err != nil:
		return nil, err
	case m.definition.Reach == service.ReachSSH:
		return dialThrough(ctx, machine, address)
	}
	return m.dialEither(ctx, it.host, machine, address)
}

// dialEither takes the way that led there last; where that fails, the other one.
func (m *Machines) dialEither(ctx context.Context, host string, machine Machine, address string) (net.Conn, error) {
	m.mu.Lock()
	tunnelled := m.tunnelled[host]
	m.mu.Unlock()
	if tunnelled {
		if connection, err := dialThrough(ctx, machine, address); err == nil {
			return connection, nil
		}
	}
	direct, err := (&net.Dialer{Timeout: networkTry}).DialContext(ctx, "tcp", address)
	if err == nil {
		m.remember(host, false)
		return direct, nil
	}
	if tunnelled || ctx.Err() != nil {
		return nil, err
	}
	through, throughErr := dialThrough(ctx, machine, address)
	if throughErr != nil {
		return nil, fmt.Errorf("%w; and %w", err, throughErr)
	}
	m.remember(host, true)
	return through, nil
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
