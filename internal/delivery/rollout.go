package delivery

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Instances on several machines come up part by part: a release that does not start is seen on the first of them, and where new
// instances take the place of old ones, most go on serving.

// startInWaves starts a release that is placed, each part when all instances of the one before are healthy.
func (w *work) startInWaves(ctx context.Context, attempt int, r service.Release, h service.Health) error {
	for _, part := range w.waves(r, false) {
		if err := w.startPart(ctx, attempt, part, h); err != nil {
			return err
		}
	}
	return nil
}

// replaceInWaves starts a release in the place of another one that has the same slot, by its parts: of each wave the old instances are stopped
// first.
func (w *work) replaceInWaves(ctx context.Context, attempt int, old []service.Release, r service.Release, h service.Health) error {
	rest := slices.Clone(old)
	parts := w.waves(r, true)
	for _, part := range parts {
		for n := range rest {
			var under service.Release
			under, rest[n] = cut(rest[n], part)
			if err := w.stopInstances(ctx, attempt, under); err != nil {
				return err
			}
		}
		// Now that its place is free. Of more machines, each looks for itself when it starts, and one that does not answer is not asked.
		if len(parts) == 1 && len(w.silence.hosts) == 0 {
			asked := r
			asked.Health = h // One that ran before needs less.
			if problems := w.adapters.Platform.Room(ctx, asked, r.Placement.Slot); len(problems) > 0 {
				return errors.New(problems[0].Detail)
			}
		}
		if err := w.startPart(ctx, attempt, part, h); err != nil {
			return err
		}
	}
	for _, r := range rest { // On machines that the service has no more.
		if err := w.stopInstances(ctx, attempt, r); err != nil {
			return err
		}
	}
	return nil
}

// stopInstances is stop for a release that may be nowhere.
func (w *work) stopInstances(ctx context.Context, attempt int, r service.Release) error {
	if len(r.Placement.Instances) == 0 {
		return nil
	}
	return w.stop(ctx, attempt, r)
}

func (w *work) startPart(ctx context.Context, attempt int, part service.Release, h service.Health) error {
	if err := w.start(ctx, attempt, part); err != nil {
		return err
	}
	w.report(attempt, service.StageRelease, 0, time.Now().Add(h.HealthyWithin()), "%s starts as %s", part.ID, names(part.Placement.Instances))
	return w.awaitHealthy(ctx, part, h, nil)
}

// waves are the parts of a release that is placed.
func (w *work) waves(r service.Release, replacing bool) []service.Release {
	placements := w.adapters.Platform.Waves(r.Placement, replacing)
	parts := make([]service.Release, len(placements))
	for n, p := range placements {
		parts[n] = r
		parts[n].Placement = p
	}
	return parts
}

// cut takes the instances out of a release whose places another one's part is about to have.
func cut(r, part service.Release) (under, rest service.Release) {
	under, rest = r, r
	under.Placement.Instances, rest.Placement.Instances = nil, nil
	for _, i := range r.Placement.Instances {
		if slices.ContainsFunc(part.Placement.Instances, func(j service.Instance) bool { return i.Name == j.Name }) {
			under.Placement.Instances = append(under.Placement.Instances, i)
		} else {
			rest.Placement.Instances = append(rest.Placement.Instances, i)
		}
	}
	return under, rest
}

func names(instances []service.Instance) string {
	all := make([]string, len(instances))
	for n, i := range instances {
		all[n] = i.Name
	}
	return strings.Join(all, ", ")
}
