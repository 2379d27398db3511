package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/artifact"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/fence"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host/supervisor"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Supervise is a supervisor; arguments are those behind Options.SupervisorArgs. The program calls it before anything
// else, and exits with what it returns.
func Supervise(arguments []string) int { return supervisor.Main(arguments) }

// Place implements delivery.Platform.
func (h *Host) Place(ctx context.Context, r service.Release, slot string) (service.Placement, error) {
	p, err := h.Placement(r, slot)
	if err != nil {
		return service.Placement{}, err
	}
	r.Placement = p
	if err := h.place(ctx, layout(h.definition.Directory), r); err != nil {
		return service.Placement{}, fmt.Errorf("place %s: %w", r.ID, err)
	}
	return p, nil
}

func (h *Host) place(ctx context.Context, l layout, r service.Release) error {
	if err := makeDirectories(string(l), l.path("artifacts"), l.path("releases"), l.path("bin")); err != nil {
		return err
	}
	if err := h.own(l); err != nil {
		return err
	}
	if err := fence.Raise(ctx, l.epoch()); err != nil {
		return err
	}
	if _, err := h.supervisorProgram(ctx, l); err != nil {
		return err
	}
	reference, err := service.ParseReference(r.Content.Artifact)
	if err != nil {
		return err
	}
	if err := keep(ctx, l, r.ID, reference); err != nil {
		return err
	}
	if err := writeRecord(l, r); err != nil {
		return err
	}
	if _, err := os.Stat(l.release(r.ID)); err == nil {
		return nil // It appeared whole, with this digest: the label has the content's hash in it.
	}
	if err := fence.Check(ctx, "place"); err != nil {
		return err
	}
	name := filepath.Base(reference.Path)
	return artifact.Install(ctx, keptFile(l, reference.Digest), name, reference.Digest, l.release(r.ID), h.options.Limits)
}

func makeDirectories(all ...string) error {
	for _, dir := range all {
		if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // a release may have helpers under other users
			return err
		}
	}
	return nil
}

// own claims the directory for the service: two in one would stop each other's instances.
func (h *Host) own(l layout) error {
	if err := h.foreign(l); err != nil {
		return err
	}
	f, err := os.OpenFile(l.owner(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // no secret
	if errors.Is(err, fs.ErrExist) {
		return h.foreign(l)
	}
	if err != nil {
		return fmt.Errorf("claim the directory: %w", err)
	}
	_, err = f.WriteString(string(h.id) + "\n")
	return errors.Join(err, f.Sync(), f.Close())
}

// foreign tells whether the directory belongs to another service.
func (h *Host) foreign(l layout) error {
	data, err := os.ReadFile(l.owner())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read whose directory it is: %w", err)
	}
	// Empty: somebody was killed before the name was written, and nothing was placed yet.
	if owner := strings.TrimSpace(string(data)); owner != "" && owner != string(h.id) {
		return fmt.Errorf("the directory %s belongs to the service %s: give each service its own", l, owner)
	}
	return nil
}

func keptFile(l layout, digest string) string { return filepath.Join(l.kept(digest), "artifact") }

// keep puts the artifact beside the releases, so that one that is kept can be installed again without the user's file.
func keep(ctx context.Context, l layout, id service.ReleaseID, reference service.Reference) error {
	kept := l.kept(reference.Digest)
	known := artifact.Verify(ctx, keptFile(l, reference.Digest), reference.Digest) == nil
	if !known {
		if err := artifact.Verify(ctx, reference.Path, reference.Digest); err != nil {
			return fmt.Errorf("%w; and the directory %s keeps no artifact with the digest %s", err, l, reference.Digest)
		}
	}
	// The reference first: what is referred to and not there is put there again; the other way round it would stay for ever.
	if err := makeDirectories(filepath.Join(kept, "used-by")); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(kept, "used-by", id.Label()), nil, 0o600); err != nil {
		return fmt.Errorf("keep the artifact: %w", err)
	}
	if known {
		return nil
	}
	return copyFile(ctx, reference.Path, keptFile(l, reference.Digest), 0o644, reference.Digest)
}
