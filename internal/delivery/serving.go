package delivery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const (
	// probeTimeout bounds the one probe of stable before traffic goes back: it stands between users and stable.
	// One that was given more time to answer has it, up to longestProbe, and so has one on a host.
	probeTimeout = 2 * time.Second
	longestProbe = 10 * time.Second
)

// serves tells whether r's own instances, and no other release's in their place, run and answer.
func (w *work) serves(ctx context.Context, r service.Release) error {
	_, err := w.serving(ctx, r)
	return err
}

// serving is serves, and tells as well whether r mostly does: machines do not answer, and at least half of its instances run on those
// that do, and answer.
func (w *work) serving(ctx context.Context, r service.Release) (mostly bool, err error) {
	probing, stop := context.WithCancel(ctx)
	defer stop()
	answered := beside(func() error { return w.probeOnce(probing, r) })
	looking, cancel := context.WithTimeout(ctx, longestProbe) // A machine that does not answer stands between users and stable, too.
	instances, err := w.adapters.Platform.Inspect(looking, r.Placement)
	cancel()
	if err != nil {
		return !outOfReach(err) && w.mostlyAnswers(ctx, r, instances), err
	}
	if !(service.Snapshot{Instances: instances}).Complete(r) {
		return false, fmt.Errorf("%s is not complete: %s", r.ID, describe(instances))
	}
	return false, answered()
}

// probeOnce asks every instance of r once.
func (w *work) probeOnce(ctx context.Context, r service.Release) error {
	longest := min(max(probeTimeout, r.Health.Timeout.D()), longestProbe)
	if len(hostsOf(r.Placement)) > 0 {
		longest = longestProbe // To log in takes part of it.
	}
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	if len(r.Placement.Instances) == 0 {
		return fmt.Errorf("%s has no instances", r.ID)
	}
	failures := probeAll(ctx, w.adapters.Platform, r.Placement.Instances, r.Health)
	for n, i := range r.Placement.Instances {
		if failures[n] != nil {
			failures[n] = fmt.Errorf("%s at %s: %w", i.Name, i.Address, failures[n])
		}
	}
	return errors.Join(failures...)
}

// probeAll asks every instance once, side by side: one that hangs must not hide another that has died.
func probeAll(ctx context.Context, platform Platform, instances []service.Instance, h service.Health) []error {
	answers := make([]func() error, len(instances))
	for n, i := range instances {
		answers[n] = beside(func() error { return platform.Probe(ctx, i, h) })
	}
	failures := make([]error, len(instances))
	for n, answer := range answers {
		failures[n] = answer()
	}
	return failures
}
