package delivery

import (
	"context"
	"errors"
	"slices"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// How machines are asked that may not answer: briefly, twice, and then not again.

// silence is what one work knows of machines that did not answer twice. They are not asked again by it: each question takes as long as it may.
type silence struct {
	hosts []string
	// err is what the last look said of them.
	err error
}

// without is r on other hosts than those.
func without(r service.Release, hosts []string) service.Release {
	r.Placement.Instances = slices.DeleteFunc(slices.Clone(r.Placement.Instances), func(i service.Instance) bool {
		return i.Host != "" && slices.Contains(hosts, i.Host)
	})
	return r
}

// answering is r on those of its machines that answer, and what is there. It is a *silentError that others do not; then r on the ones
// that do comes with it. Any other error says nothing about machines.
func (w *work) answering(ctx context.Context, r service.Release) (service.Release, []service.InstanceState, error) {
	part := without(r, w.silence.hosts)
	var states []service.InstanceState
	if len(part.Placement.Instances) > 0 {
		var silent []string
		var err error
		if states, silent, err = w.look(ctx, part); len(silent) > 0 {
			// One that was busy, or whose connection had broken, answers now.
			var more []service.InstanceState
			again, _ := parted(part, silent)
			more, silent, err = w.look(ctx, again)
			states = append(states, more...)
		}
		if len(silent) > 0 {
			w.silence.hosts, w.silence.err = append(w.silence.hosts, silent...), err
			part = without(part, silent)
		} else if err != nil {
			return part, states, err
		}
	}
	if len(part.Placement.Instances) < len(r.Placement.Instances) {
		return part, states, &silentError{w.silence.err}
	}
	return part, states, nil
}

// look is one look at what is there of r, which no machine may take long for. Where others are silent, it names them with the error.
func (w *work) look(ctx context.Context, r service.Release) (states []service.InstanceState, silent []string, err error) {
	looking, cancel := context.WithTimeout(ctx, longestProbe)
	defer cancel()
	if states, err = w.adapters.Platform.Inspect(looking, r.Placement); err == nil || outOfReach(err) || ctx.Err() != nil {
		return states, nil, err
	}
	return states, slices.DeleteFunc(hostsOf(r.Placement), func(host string) bool {
		return slices.ContainsFunc(states, func(s service.InstanceState) bool { return s.Host == host })
	}), err
}

// isSilent tells whether an error is nothing but that machines do not answer.
func isSilent(err error) bool {
	silent := (*silentError)(nil)
	return errors.As(err, &silent) && !outOfReach(err)
}

// silentOf are the hosts of r that do not answer.
func (w *work) silentOf(r service.Release) []string {
	return slices.DeleteFunc(hostsOf(r.Placement), func(host string) bool { return !slices.Contains(w.silence.hosts, host) })
}
