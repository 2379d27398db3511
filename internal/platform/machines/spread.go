package machines

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/artifact"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/machines/transfer"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// A release that is rolled back to comes to hosts that were added since it ran, and what is stable comes to a host as it is added. Its
// artifact may be another file by then, or gone, where we run: the other hosts keep it.

// placeAll places a release on machines. left says where older ones could not be taken away.
func (m *Machines) placeAll(ctx context.Context, parts []part, r service.Release, reference service.Reference) (left, err error) {
	stays := make([]error, len(parts))
	from := func(reference service.Reference) error {
		return each(parts, placedAtOnce, func(n int, p part) (err error) {
			stays[n], err = m.place(ctx, p, r, reference)
			return err
		})
	}
	err = from(reference)
	var nowhere *transfer.AbsentError
	var other *artifact.DigestError
	if !errors.As(err, &nowhere) && !errors.As(err, &other) {
		return allOf(parts, stays), err
	}
	dir, made := os.MkdirTemp("", "deploy-artifact-")
	if made != nil {
		return nil, errors.Join(err, made)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	kept, found := m.kept(ctx, r, reference, dir)
	if !found {
		return nil, fmt.Errorf("%w; no other host keeps it either: put the file with the digest %s back at %s", err, reference.Digest, reference.Path)
	}
	err = from(kept)
	return allOf(parts, stays), err
}

// kept fetches a release's artifact into dir from the first of the hosts that keeps it; found is false where none does.
func (m *Machines) kept(ctx context.Context, r service.Release, reference service.Reference, dir string) (kept service.Reference, found bool) {
	all, err := m.everywhere()
	if err != nil {
		return reference, false
	}
	for _, p := range all {
		path, err := transfer.Fetch(ctx, p.machine, transfer.Request{Artifact: reference, Directory: p.Directory, Release: r.ID}, dir)
		if err == nil {
			return service.Reference{Path: path, Digest: reference.Digest}, true
		}
	}
	return reference, false
}
