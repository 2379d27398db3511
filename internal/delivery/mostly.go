package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// What is known of a release whose machines are asked each for itself, as they answer.

// part of a release, on one machine, and what was seen of it. silent: it could not be looked at. failed: an instance does not answer.
type part struct {
	release        service.Release
	states         []service.InstanceState
	silent, failed error
}

// onEach are the parts of r on its machines.
func onEach(r service.Release) []service.Release {
	var all []service.Release
	at := map[string]int{}
	for _, i := range r.Placement.Instances {
		n, known := at[i.Host]
		if !known {
			n, at[i.Host] = len(all), len(all)
			all = append(all, r)
			all[n].Placement.Instances = nil
		}
		all[n].Placement.Instances = append(all[n].Placement.Instances, i)
	}
	if len(all) == 0 {
		return []service.Release{r}
	}
	return all
}

// ask asks a part of a release once.
func (w *work) ask(ctx context.Context, r service.Release) part {
	probed := beside(func() error { return w.probeOnce(ctx, r) })
	states, err := w.adapters.Platform.Inspect(ctx, r.Placement)
	if err != nil {
		return part{release: r, silent: err}
	}
	return part{release: r, states: states, failed: probed()}
}

// mostlyAnswers tells whether at least half of r's instances (mostly) were seen to run it, and all of these answer.
func (w *work) mostlyAnswers(r service.Release, heard []part) bool {
	up := 0
	for _, p := range heard {
		there := running(p)
		if up += there; there > 0 && p.failed != nil {
			return false
		}
	}
	most, _ := w.mostly(r, up)
	return most
}

// running counts the instances that were seen to run their release, and to go on to.
func running(p part) (up int) {
	for _, i := range p.release.Placement.Instances {
		if slices.ContainsFunc(p.states, func(s service.InstanceState) bool { return s.Name == i.Name && s.Stays(p.release.ID) }) {
			up++
		}
	}
	return up
}

// silentAmong is a *silentError that machines of r are silent, or were not heard of so far; nil: none is.
func silentAmong(r service.Release, heard []part) error {
	var errs []error
	left := slices.Clone(r.Placement.Instances)
	for _, p := range heard {
		errs = append(errs, p.silent)
		left = slices.DeleteFunc(left, func(i service.Instance) bool { return i.Host == p.release.Placement.Instances[0].Host })
	}
	if len(left) > 0 {
		errs = append(errs, fmt.Errorf("%s has not answered within %s", names(left), lookInterval))
	}
	if err := errors.Join(errs...); err != nil {
		return &silentError{err}
	}
	return nil
}

// incomplete is why r, whose machines all answer, does not serve; nil: it does.
func incomplete(r service.Release, heard []part) error {
	var seen []service.InstanceState
	var failed []error
	for _, p := range heard {
		seen, failed = append(seen, p.states...), append(failed, p.failed)
	}
	if !(service.Snapshot{Instances: seen}).Complete(r) {
		return fmt.Errorf("%s is not complete: %s", r.ID, describe(seen))
	}
	return errors.Join(failed...)
}
