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

// answers asks once whether r's own instances, and no other release's in their place, run and answer, within about longest. It is a
// *silentError that a machine does not answer; the states of the others come with it.
func (w *work) answers(ctx context.Context, r service.Release, longest time.Duration) ([]service.InstanceState, error) {
	ctx, cancel := context.WithTimeout(ctx, longest) // A machine that is silent stands between users and stable, too.
	defer cancel()
	answered := beside(func() error { return w.probeOnce(ctx, r) })
	instances, err := w.adapters.Platform.Inspect(ctx, r.Placement)
	switch {
	case err != nil:
		return instances, &silentError{err}
	case !(service.Snapshot{Instances: instances}).Complete(r):
		return instances, fmt.Errorf("%s is not complete: %s", r.ID, describe(instances))
	}
	return instances, answered()
}

// serves is answers, where a machine that is silent is like an instance that is.
func (w *work) serves(ctx context.Context, r service.Release) error {
	_, err := w.answers(ctx, r, longestProbe)
	if silent := (*silentError)(nil); errors.As(err, &silent) {
		return silent.error
	}
	return err
}

// serving is serves, and tells as well whether r mostly does: machines are silent, and at least half of its instances run on those
// that are not, and answer.
func (w *work) serving(ctx context.Context, r service.Release) (mostly bool, err error) {
	return w.servingWithin(ctx, r, longestProbe)
}

// servingWithin is serving that takes about longest, and where machines are silent twice that.
func (w *work) servingWithin(ctx context.Context, r service.Release, longest time.Duration) (mostly bool, err error) {
	instances, err := w.answers(ctx, r, longest)
	if !isSilent(err) {
		return false, err
	}
	probing, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	return w.mostlyAnswers(probing, r, instances), err
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
