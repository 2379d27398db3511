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

// answers asks once whether r's own instances, and no other release's in their place, run and answer. It is a *silentError that a machine does
// not answer.
func (w *work) answers(ctx context.Context, r service.Release) error {
	ctx, cancel := context.WithTimeout(ctx, longestProbe) // A machine that is silent stands between users and stable, too.
	defer cancel()
	answered := beside(func() error { return w.probeOnce(ctx, r) })
	instances, err := w.adapters.Platform.Inspect(ctx, r.Placement)
	switch {
	case err != nil:
		return &silentError{err}
	case !(service.Snapshot{Instances: instances}).Complete(r):
		return fmt.Errorf("%s is not complete: %s", r.ID, describe(instances))
	}
	return answered()
}

// serves is answers, where a machine that is silent is like an instance that is.
func (w *work) serves(ctx context.Context, r service.Release) error {
	err := w.answers(ctx, r)
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

// servingWithin is serving that takes about longest. Once r mostly serves, users are not kept from it for more than about a lookInterval by a
// machine that may be silent.
func (w *work) servingWithin(ctx context.Context, r service.Release, longest time.Duration) (mostly bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	machines := onEach(r)
	heard := make(chan answer[part], len(machines))
	for _, m := range machines {
		go func() { heard <- ended(func() part { return w.ask(ctx, m) }) }()
	}
	enough := time.NewTimer(lookInterval)
	defer enough.Stop()
	var all []part
	for waited := false; len(all) < len(machines) && (!waited || !w.mostlyAnswers(r, all)); {
		select {
		case said := <-heard:
			all = append(all, said.get())
		case <-enough.C:
			waited = true
		}
	}
	if silent := silentAmong(r, all); silent != nil {
		return w.mostlyAnswers(r, all), silent
	}
	return false, incomplete(r, all)
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
