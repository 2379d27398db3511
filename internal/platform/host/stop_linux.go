package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host/supervisor"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Stop implements delivery.Platform. It returns within the drain timeout and a margin.
func (h *Host) Stop(ctx context.Context, p service.Placement) error {
	l, err := h.where(p)
	if err == nil {
		err = each(p, func(i service.Instance) error {
			return withStopped(ctx, l, i, p.Release, func(supervisor.Directory) error { return nil })
		})
	}
	if err != nil {
		return fmt.Errorf("stop %s: %w", p.Release, err)
	}
	return nil
}

// withStopped ends the instance of the release and then, holding the lock of its place, does something with it.
// Where another release has the place, both are left out.
func withStopped(ctx context.Context, l layout, i service.Instance, release service.ReleaseID, then func(supervisor.Directory) error) error {
	path, err := l.instance(i.Name)
	if err != nil {
		return err
	}
	dir := supervisor.Directory(path)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil // Nothing was ever started there.
	}
	lock, theirs, err := stopSupervisor(ctx, dir, release)
	if err != nil || theirs {
		return err
	}
	defer func() { _ = lock.Close() }()
	status, found, err := dir.ReadStatus()
	if err != nil || !found || status.Release != release {
		return err
	}
	if err := endOrphan(ctx, dir, status, status.DrainTimeout.D()); err != nil {
		return err
	}
	return then(dir)
}

// stopSupervisor asks the supervisor to stop and waits until it has gone, which gives us its lock. One that does not go
// is killed. theirs: the place is another release's.
func stopSupervisor(ctx context.Context, dir supervisor.Directory, release service.ReleaseID) (lock *os.File, theirs bool, err error) {
	// For one that is being started and has not said for what yet.
	deadline := time.Now().Add(settleTimeout)
	asked, killed := false, false
	for {
		lock, free, err := dir.Lock()
		if err != nil || free {
			return lock, false, err
		}
		status, found, err := dir.ReadStatus()
		if err != nil {
			return nil, false, err
		}
		if found && status.Supervisor.Alive() {
			switch {
			case status.Release != release:
				return nil, true, nil
			case !asked:
				if asked, err = status.Supervisor.Signal(syscall.SIGTERM); err != nil {
					return nil, false, err
				}
				deadline = time.Now().Add(status.DrainTimeout.D() + stopMargin)
			case !killed && time.Now().After(deadline):
				if killed, err = status.Supervisor.Signal(syscall.SIGKILL); err != nil {
					return nil, false, err
				}
				deadline = time.Now().Add(stopMargin)
			}
		}
		if time.Now().After(deadline) && (killed || !asked) {
			return nil, false, errors.New("its place is being used, and whoever uses it does not say for what")
		}
		if err := pause(ctx); err != nil {
			return nil, false, fmt.Errorf("wait for its supervisor to stop: %w", err)
		}
	}
}

// endOrphan ends an instance whose supervisor is gone, as that would have, and notes it. Only who holds the lock may.
func endOrphan(ctx context.Context, dir supervisor.Directory, status supervisor.Status, drain time.Duration) error {
	alive, err := status.InstanceAlive()
	if err != nil || !alive {
		return err
	}
	draining, cancel := context.WithTimeout(ctx, drain)
	defer cancel()
	margin, cancelMargin := context.WithTimeout(ctx, drain+stopMargin)
	defer cancelMargin()
	if err := status.Group().End(draining, margin); err != nil {
		return fmt.Errorf("end what its supervisor left running: %w", err)
	}
	status.StoppedAt = time.Now().UTC()
	return dir.WriteStatus(status)
}
