package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host/supervisor"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Remove implements delivery.Platform.
func (h *Host) Remove(ctx context.Context, p service.Placement) error {
	l, err := h.where(p)
	if err == nil {
		err = raise(ctx, l)
	}
	if err == nil {
		err = remove(ctx, l, p)
	}
	if err != nil {
		return fmt.Errorf("remove %s: %w", p.Release, err)
	}
	return nil
}

func remove(ctx context.Context, l layout, p service.Placement) error {
	err := each(p, func(i service.Instance) error {
		return withStopped(ctx, l, i, p.Release, func(dir supervisor.Directory) error { return dir.RemoveStatus() })
	})
	if err != nil {
		return err
	}
	for _, i := range p.Instances {
		path, err := l.instance(i.Name)
		if err != nil {
			return err
		}
		if err := os.RemoveAll(supervisor.Directory(path).Release(p.Release)); err != nil {
			return fmt.Errorf("remove its logs: %w", err)
		}
	}
	if needed, err := runs(l, p.Release); needed || err != nil {
		return err // It runs in the other slot, from the same files.
	}
	if err := current(ctx, l.epoch(), "remove"); err != nil {
		return err
	}
	if err := removeTree(l.release(p.Release)); err != nil {
		return fmt.Errorf("remove its files: %w", err)
	}
	if err := removeRecord(l, p.Release); err != nil {
		return err
	}
	return release(l, p.Release)
}

// runs tells whether the release runs anywhere in the service's directory.
func runs(l layout, id service.ReleaseID) (bool, error) {
	for _, slot := range slotNames {
		names, err := children(l.slot(slot))
		if err != nil {
			return false, err
		}
		for _, name := range names {
			status, found, err := supervisor.Directory(name).ReadStatus()
			if err != nil {
				return false, err
			}
			if !found || status.Release != id {
				continue
			}
			if alive, err := status.InstanceAlive(); alive || err != nil || status.Supervisor.Alive() {
				return true, err
			}
		}
	}
	return false, nil
}

// removeTree removes a directory such that it is never there in part: under its name it is whole, or gone.
func removeTree(dir string) error {
	doomed := filepath.Join(filepath.Dir(dir), "."+filepath.Base(dir)+".removing")
	if err := os.RemoveAll(doomed); err != nil { // What was left when it was killed.
		return err
	}
	if err := os.Rename(dir, doomed); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	return os.RemoveAll(doomed)
}

// release lets go of the release's artifact, which goes with the last release that uses it.
func release(l layout, id service.ReleaseID) error {
	kept, err := children(l.path("artifacts"))
	if err != nil {
		return err
	}
	for _, dir := range kept {
		if err := os.Remove(filepath.Join(dir, "used-by", id.Label())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("let go of its artifact: %w", err)
		}
		// Fails, as it should, while there is another use. Any artifact without one is what a killed run left.
		if err := os.Remove(filepath.Join(dir, "used-by")); err != nil && !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := removeTree(dir); err != nil {
			return fmt.Errorf("remove its artifact: %w", err)
		}
	}
	return nil
}
