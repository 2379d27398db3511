package host

import (
	"context"
	"fmt"
	"net"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host/supervisor"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/probe"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Probe implements delivery.Platform. An answer counts only if it is the instance that listens.
func (h *Host) Probe(ctx context.Context, i service.Instance, health service.Health) error {
	timeout := health.Timeout.D()
	if timeout <= 0 {
		timeout = probe.DefaultTimeout
	}
	timed, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := ask(timed, i, health)
	switch {
	case err != nil && ctx.Err() == nil && timed.Err() != nil:
		return fmt.Errorf("%s did not answer within %s", i.Address, timeout)
	case err != nil:
		return err
	}
	return h.isListener(i)
}

func ask(ctx context.Context, i service.Instance, health service.Health) error {
	dial := new(net.Dialer).DialContext
	if health.HTTP != nil {
		return probe.HTTP(ctx, dial, i.Address, *health.HTTP)
	}
	connection, err := dial(ctx, "tcp", i.Address)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	return connection.Close()
}

// isListener sees to it that what answered is the instance, and no other program on its port.
func (h *Host) isListener(i service.Instance) error {
	path, err := layout(h.definition.Directory).instance(i.Name)
	if err != nil {
		return err
	}
	status, _, err := supervisor.Directory(path).ReadStatus()
	if err != nil {
		return err
	}
	found, err := listenersOf(i, status)
	switch {
	case err != nil:
		return err
	case found.others != "":
		return fmt.Errorf("%s was answered by another program: %s", i.Address, found.others)
	case !found.own:
		return fmt.Errorf("%s was answered, but not by this instance, which does not listen there", i.Address)
	}
	return nil
}
