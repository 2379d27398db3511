package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/fence"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host/supervisor"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const (
	// settleTimeout bounds the wait for a supervisor that is just being started or just ending.
	settleTimeout = 15 * time.Second
	// stopMargin is how long a stop may take beyond the drain timeout.
	stopMargin   = 10 * time.Second
	pollInterval = 20 * time.Millisecond
)

// Start implements delivery.Platform.
func (h *Host) Start(ctx context.Context, r service.Release, environment map[string]string) error {
	l, err := h.where(r.Placement)
	if err != nil {
		return fmt.Errorf("start %s: %w", r.ID, err)
	}
	if err := h.start(ctx, l, r, environment); err != nil {
		return fmt.Errorf("start %s: %w", r.ID, err)
	}
	return nil
}

func (h *Host) start(ctx context.Context, l layout, r service.Release, environment map[string]string) error {
	if _, err := os.Stat(l.release(r.ID)); err != nil {
		return fmt.Errorf("its files are not in place: %w", err)
	}
	if r.Content.Host == nil || len(r.Content.Host.Command) == 0 {
		return errors.New("its content has no host.command")
	}
	if err := fence.Raise(ctx, l.epoch()); err != nil {
		return err
	}
	if err := occupied(l, r.Placement.Slot, r.ID); err != nil {
		return err
	}
	if err := makeDirectories(l.path("bin")); err != nil {
		return err
	}
	path, err := h.supervisorProgram(ctx, l)
	if err != nil {
		return err
	}
	program := supervisor.Program{Path: path, Arguments: h.options.SupervisorArgs, Environment: inherited()}
	return each(r.Placement, func(i service.Instance) error {
		spec, err := h.spec(l, r, i, environment)
		if err != nil {
			return err
		}
		if owner, found := fence.From(ctx); found {
			spec.Fence, spec.EpochFile = owner, l.epoch()
		}
		return startInstance(ctx, l, i, program, spec)
	})
}

// each does something with all instances at once.
func each(p service.Placement, do func(service.Instance) error) error {
	errs := make([]error, len(p.Instances))
	var wg sync.WaitGroup
	for n, i := range p.Instances {
		wg.Go(func() {
			if err := do(i); err != nil {
				errs[n] = fmt.Errorf("%s: %w", i.Name, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// occupied tells whether an instance of another release than these lives in the slot, also one that the definition no longer has.
func occupied(l layout, slot string, ids ...service.ReleaseID) error {
	names, err := children(l.slot(slot))
	if err != nil {
		return err
	}
	for _, name := range names {
		status, found, err := supervisor.Directory(name).ReadStatus()
		if err != nil {
			return err
		}
		if !found || slices.Contains(ids, status.Release) {
			continue
		}
		alive, err := status.InstanceAlive()
		if err != nil {
			return err
		}
		if alive || status.Supervisor.Alive() {
			return fmt.Errorf("slot %s holds another release: %s runs as %s/%s; stop it first", slot, status.Release, slot, filepath.Base(name))
		}
	}
	return nil
}

// startInstance starts a supervisor, if none is there that stays.
func startInstance(ctx context.Context, l layout, i service.Instance, program supervisor.Program, spec supervisor.Spec) error {
	path, err := l.instance(i.Name)
	if err != nil {
		return err
	}
	dir := supervisor.Directory(path)
	// Not with the lock in hand, which a newer run would wait for. The supervisor looks at the epoch once more.
	if err := fence.Check(ctx, "start"); err != nil {
		return err
	}
	lock, runs, err := freePlace(ctx, l, dir, spec.Release)
	if err != nil || runs {
		return err
	}
	defer func() { _ = lock.Close() }()
	status, _, err := dir.ReadStatus()
	if err != nil {
		return err
	}
	if err := endOrphan(ctx, dir, status, status.DrainTimeout.D()); err != nil {
		return err
	}
	if problem, err := portProblem(i, status); err != nil || problem != "" {
		return errors.Join(err, errorOf(problem))
	}
	return supervisor.Launch(ctx, program, dir, lock, spec)
}

// freePlace takes the lock of an instance's place when nobody has it. runs: a supervisor of the release has it, and stays.
func freePlace(ctx context.Context, l layout, dir supervisor.Directory, release service.ReleaseID) (lock *os.File, runs bool, err error) {
	bounded, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	for {
		lock, free, err := dir.Lock()
		if err != nil || free {
			return lock, false, err
		}
		status, _, err := dir.ReadStatus()
		if err != nil {
			return nil, false, err
		}
		if status.Supervisor.Alive() && status.Release == release {
			stopping, err := dir.Stopping(status)
			if err != nil || !stopping {
				return nil, err == nil, err
			}
			// A stop that nobody waits for any more is brought to its end: it may have been cut off before the supervisor was told.
			lock, theirs, err := stopSupervisor(ctx, l.epoch(), dir, release)
			if err != nil || !theirs {
				return lock, false, err
			}
		}
		if err := pause(bounded); err != nil {
			return nil, false, fmt.Errorf("its place is being used: %w", err)
		}
	}
}

func errorOf(problem string) error {
	if problem == "" {
		return nil
	}
	return errors.New(problem)
}

func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(pollInterval):
		return nil
	}
}
