package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/artifact"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host/supervisor"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Room implements delivery.Platform. A release of which only the id is known is looked at as far as that goes.
func (h *Host) Room(ctx context.Context, r service.Release, slot string, leaving ...service.Placement) []service.Problem {
	p, err := h.Placement(r, slot)
	if err != nil {
		return []service.Problem{{Path: []string{"platform", "host", "slots"}, Detail: err.Error()}}
	}
	l := layout(h.definition.Directory)
	var problems []service.Problem
	add := func(detail string, path ...string) {
		problems = append(problems, service.Problem{Path: append([]string{"platform", "host"}, path...), Detail: detail})
	}
	err = writable(string(l))
	if err == nil {
		err = h.foreign(l)
	}
	if err != nil {
		add(err.Error(), "directory")
		return problems // What is in it is another's, or cannot be read.
	}
	mine, free := []service.ReleaseID{r.ID}, map[string]bool{}
	for _, old := range leaving {
		mine = append(mine, old.Release)
		for _, i := range old.Instances {
			free[i.Address] = free[i.Address] || !slices.Contains(p.Instances, i) // One that stays is found to be the instance's own.
		}
	}
	if err := occupied(l, slot, mine...); err != nil {
		add(err.Error(), "slots", slot)
	}
	for _, i := range p.Instances {
		if free[i.Address] {
			continue
		}
		problem, err := h.portTaken(l, i)
		if err != nil {
			problem = err.Error()
		}
		if problem != "" {
			add(problem, "slots", slot, "ports")
		}
	}
	if r.Content.Artifact == "" {
		return problems
	}
	if problem := h.diskProblem(ctx, l, r); problem != nil {
		problems = append(problems, *problem)
	}
	return problems
}

// portTaken tells who holds an instance's port that is neither this service's instance in its place nor left over from it.
func (h *Host) portTaken(l layout, i service.Instance) (string, error) {
	dir, err := l.instance(i.Name)
	if err != nil {
		return "", err
	}
	// What runs there under another release is occupied's business.
	status, _, err := supervisor.Directory(dir).ReadStatus()
	if err != nil {
		return "", err
	}
	return portProblem(i, status)
}

func (h *Host) diskProblem(ctx context.Context, l layout, r service.Release) *service.Problem {
	reference, err := service.ParseReference(r.Content.Artifact)
	if err != nil {
		return &service.Problem{Path: []string{"content", "artifact"}, Detail: err.Error()}
	}
	contents, err := contentsOf(ctx, l, reference, h.options.Limits)
	if err != nil {
		return &service.Problem{Path: []string{"content", "artifact"}, Detail: err.Error()}
	}
	if _, err := os.Stat(l.release(r.ID)); err == nil {
		return nil // It is there already.
	}
	free, err := freeBytes(existing(string(l)))
	var supervisor int64
	if err == nil {
		supervisor, err = h.supervisorMissing(ctx, l)
	}
	if err != nil {
		return &service.Problem{Path: []string{"platform", "host", "directory"}, Detail: err.Error()}
	}
	missing := supervisor
	if _, err := os.Stat(keptFile(l, reference.Digest)); err != nil {
		missing += contents.Size
	}
	if need := contents.Disk(missing); free < uint64(need) { //nolint:gosec // sizes are not negative
		return &service.Problem{Path: []string{"platform", "host", "directory"}, Detail: fmt.Sprintf(
			"%s has %.1f MiB free and the release needs %.1f MiB: make room", l, mebibytes(free), mebibytes(need))}
	}
	return nil
}

func mebibytes[T int64 | uint64](n T) float64 { return float64(n) / (1 << 20) }

// contentsOf is what the artifact unpacks to, from where it can be read without changing anything.
func contentsOf(ctx context.Context, l layout, reference service.Reference, limits artifact.Limits) (artifact.Contents, error) {
	contents, err := artifact.Examine(ctx, reference.Path, reference.Digest, "", limits)
	if err == nil {
		return contents, nil
	}
	if kept, keptErr := artifact.Examine(ctx, keptFile(l, reference.Digest), reference.Digest, "", limits); keptErr == nil {
		return kept, nil
	}
	return artifact.Contents{}, err
}

// existing is the directory, or the nearest above it that is there.
func existing(dir string) string {
	for {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// writable tells whether we may write into the directory, or make it.
func writable(dir string) error {
	there := existing(dir)
	if info, err := os.Stat(there); err != nil {
		return fmt.Errorf("look at the directory: %w", err)
	} else if !info.IsDir() {
		return fmt.Errorf("%s is not a directory", there)
	}
	if err := unix.Access(there, unix.W_OK|unix.X_OK); err != nil {
		return fmt.Errorf("this user cannot write into %s: %w", there, err)
	}
	return nil
}

func freeBytes(dir string) (uint64, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return 0, fmt.Errorf("ask how much space %s has: %w", dir, err)
	}
	return stat.Bavail * uint64(stat.Bsize), nil //nolint:gosec // a block size is positive
}
