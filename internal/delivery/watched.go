package delivery

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// watched is a machine with instances of the release.
type watched struct {
	instances []service.Instance
	// asked, probed: it was asked for the states of its instances, or they were probed, and has not answered. Only what is not silent is waited for.
	asked, probed bool
	// saw, answered are the looks that began what was answered last: the states, and the probes.
	saw, answered int
	// silent is why it could not be looked at the last time; nil: it could.
	silent   error
	patience patience
	// cameUp: it was started again, and its instances have not all answered since.
	cameUp bool
	// noted are the states that the watch began with, which need not be asked for again by a look at once.
	noted []service.InstanceState
	// states are those of its instances that it said last.
	states []service.InstanceState
	// probes are what came of those of the instances. fresh: they are not counted yet.
	probes []error
	fresh  bool
}

// statement is what a machine says: its instances' states, or why they are not known, or what came of their probes.
type statement struct {
	of *watched
	// look that asked. cut: who asked did not wait for the answer.
	look   int
	cut    bool
	states []service.InstanceState
	err    error
	probed bool
	probes []error
}

// ask asks a machine that has answered, and its instances beside it. Who asks ends ctx.
func (v *watch) ask(ctx context.Context, m *watched) {
	if m.asked {
		return
	}
	m.asked = true
	look, stop := v.looks, func() {}
	if !m.probed {
		m.probed = true
		// One that was given more time to answer has it.
		probing, cancel := context.WithTimeout(ctx, max(longestProbe, v.release.Health.Timeout.D()))
		stop = cancel
		go func() {
			defer cancel()
			said := ended(func() statement {
				return statement{probed: true, probes: probeAll(probing, v.platform, m.instances, v.release.Health)}
			})
			said.given.of, said.given.look, said.given.cut = m, look, errors.Is(probing.Err(), context.Canceled)
			v.heard <- said
		}()
	}
	noted := m.noted
	if m.noted = nil; len(noted) == len(m.instances) && time.Since(v.began) < lookInterval {
		v.heard <- ended(func() statement { return statement{of: m, look: look, states: noted} })
		return
	}
	go func() {
		said := ended(func() statement {
			looking, cancel := context.WithTimeout(ctx, longestProbe)
			defer cancel()
			part := v.release.Placement
			part.Instances = m.instances
			states, err := v.platform.Inspect(looking, part)
			return statement{states: states, err: err}
		})
		if said.given.err != nil {
			stop() // Nothing that its instances say counts.
		}
		said.given.of, said.given.look, said.given.cut = m, look, ctx.Err() != nil
		v.heard <- said
	}()
}

// next is what a machine says, waited for while there are some that were asked and are not silent, until the look is over.
func (v *watch) next(ctx context.Context, over <-chan time.Time) (said answer[statement], more bool) {
	select {
	case said = <-v.heard:
		return said, true
	default:
	}
	if !slices.ContainsFunc(v.machines, func(m *watched) bool { return m.silent == nil && (m.asked || m.probed) }) {
		return said, false
	}
	select {
	case said = <-v.heard:
		return said, true
	case <-over:
	case <-ctx.Done():
	}
	return said, false
}

// hear notes what a machine said. It is an error that an instance died.
func (v *watch) hear(said statement) error {
	m := said.of
	switch {
	case said.probed:
		if m.probed = false; !said.cut {
			m.probes, m.answered, m.fresh = said.probes, said.look, true
		}
		return nil
	case said.cut:
		m.asked = false
		return nil
	}
	m.asked, m.saw, m.states, m.silent = false, said.look, said.states, nil
	if said.err != nil {
		m.silent = &silentError{said.err}
	}
	return v.died(m, said.states)
}
