package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/fence"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host/supervisor"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Stop implements delivery.Platform. It returns within the drain timeout and a margin.
func (h *Host) Stop(ctx context.Context, p service.Placement) error {
	l, err := h.where(p)
	if err == nil {
		err = raise(ctx, l)
	}
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
	lock, theirs, err := stopSupervisor(ctx, l.epoch(), dir, release)
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
	if err := gone(ctx, status); err != nil {
		return err
	}
	return then(dir)
}

// gone waits until the supervisor, whose lock is free, is no process any more. The kernel closes the files of one that exits, and with
// them gives the lock back, a moment before nobody sees it any longer: who looks in between would find the place taken.
func gone(ctx context.Context, status supervisor.Status) error {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	if err := status.Supervisor.Wait(ctx); err != nil {
		return fmt.Errorf("wait for its supervisor, process %d, to be gone: %w", status.Supervisor.PID, err)
	}
	return nil
}

// stopSupervisor asks the supervisor to stop and waits until it has gone, which gives us its lock. One that does not go
// is killed. theirs: the place is another release's.
func stopSupervisor(ctx context.Context, epoch string, dir supervisor.Directory, release service.ReleaseID) (lock *os.File, theirs bool, err error) {
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
				if err := current(ctx, epoch, "stop"); err != nil {
					return nil, false, err
				}
				// Where that cannot be noted, as on a disk that is full, it is stopped all the same.
				_ = dir.NoteStopping(status.Supervisor)
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
	_ = dir.NoteStopping(status.Supervisor) // As in stopSupervisor.
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

// raise notes the run's epoch, where there is a directory to note it in.
func raise(ctx context.Context, l layout) error {
	if _, err := os.Stat(string(l)); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return fence.Raise(ctx, l.epoch())
}

// current is the last thing before an effect: neither this run's lease nor the epoch that is noted says that another one is at
// work. What a signal or a removal does in the instant between this and the call, the newer run finds when it inspects.
func current(ctx context.Context, epoch, what string) error {
	if err := fence.Check(ctx, what); err != nil {
		return err
	}
	owner, found := fence.From(ctx)
	if !found {
		return nil
	}
	newer, err := owner.Newer(epoch)
	if err == nil && newer {
		err = fmt.Errorf("%s: %w", what, fence.ErrStale)
	}
	return err
}
