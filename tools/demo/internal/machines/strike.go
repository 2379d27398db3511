package machines

import (
	"context"
	"fmt"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/machinetest/nspawn"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/story"
)

// strikeLimit bounds one trouble; a boot is in some of them.
const strikeLimit = 3 * time.Minute

// Strike implements story.Place.
func (p *Place) Strike(ctx context.Context, t story.Trouble) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, strikeLimit)
	defer cancel()
	began := time.Now()
	switch t {
	case story.ReloadRouter:
		m := p.all["lb1"]
		_, err := m.Run(ctx, "systemctl reload haproxy")
		return "lb1: systemctl reload haproxy", err
	case story.RebootHost:
		err := slowReboot(ctx, p.all["b"])
		return fmt.Sprintf("host b: rebooted; up again after %.1f s", time.Since(began).Seconds()), err
	case story.HostDown:
		return "host c: systemctl poweroff", shutDown(ctx, p.all["c"])
	case story.HostUp:
		err := p.all["c"].Boot(ctx)
		return fmt.Sprintf("host c: switched on, up after %.1f s", time.Since(began).Seconds()), err
	default:
		return "", fmt.Errorf("nothing here makes this trouble: %s", t)
	}
}

// firmware is how long a machine is away before it boots. These boot in half a second; real ones take longer than the minute that a release
// waits for a host that it cannot see.
const firmware = 75 * time.Second

// slowReboot starts a machine again as long as a real one takes for it.
func slowReboot(ctx context.Context, m *nspawn.Host) error {
	if err := shutDown(ctx, m); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("wait for machine %s: %w", m.Name, ctx.Err())
	case <-time.After(firmware):
	}
	return m.Boot(ctx)
}

// shutDown has a machine end everything in its own time, and returns when it is off.
func shutDown(ctx context.Context, m *nspawn.Host) error {
	if _, err := m.Run(ctx, "systemctl --no-block poweroff"); err != nil {
		return err
	}
	for {
		if _, err := m.Run(ctx, "true"); err != nil && ctx.Err() == nil {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until machine %s is off: %w", m.Name, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
	return m.PowerOff(ctx)
}
