//go:build !linux

package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

var errNeedsLinux = errors.New("platform host on this machine needs Linux; this is " + runtime.GOOS)

// Supervise is a supervisor on Linux.
func Supervise([]string) int {
	fmt.Fprintln(os.Stderr, errNeedsLinux)
	return 1
}

// Room implements delivery.Platform.
func (h *Host) Room(context.Context, service.Release, string, ...service.Placement) []service.Problem {
	return []service.Problem{{Path: []string{"platform", "host"}, Detail: errNeedsLinux.Error()}}
}

// Place implements delivery.Platform.
func (h *Host) Place(context.Context, service.Release, string) (service.Placement, error) {
	return service.Placement{}, errNeedsLinux
}

// Start implements delivery.Platform.
func (h *Host) Start(context.Context, service.Release, map[string]string) error { return errNeedsLinux }

// Stop implements delivery.Platform.
func (h *Host) Stop(context.Context, service.Placement) error { return errNeedsLinux }

// Remove implements delivery.Platform.
func (h *Host) Remove(context.Context, service.Placement) error { return errNeedsLinux }

// Reach implements delivery.Platform: what was placed was placed on Linux, so on another machine.
func (h *Host) Reach(context.Context, service.Placement) error {
	return &delivery.OutOfReach{Why: errNeedsLinux.Error(), Next: "Run this on the machine where it runs.", Elsewhere: true}
}

// Inspect implements delivery.Platform.
func (h *Host) Inspect(context.Context, service.Placement) ([]service.InstanceState, error) {
	return nil, errNeedsLinux
}

// Releases implements delivery.Platform.
func (h *Host) Releases(context.Context) ([]service.Release, error) { return nil, errNeedsLinux }

// Logs implements delivery.Platform.
func (h *Host) Logs(context.Context, service.Placement, int) ([]string, error) {
	return nil, errNeedsLinux
}

// Probe implements delivery.Platform.
func (h *Host) Probe(context.Context, service.Instance, service.Health) error { return errNeedsLinux }
