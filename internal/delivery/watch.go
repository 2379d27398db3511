package delivery

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// watch looks at the instances of a release that has traffic, or is about to have more: are they there, and do they answer.
type watch struct {
	platform Platform
	release  service.Release
	machines []*watched
	// heard is what machines say, in the order in which they say it.
	heard chan answer[statement]
	// restarts that an instance had when it was seen first.
	restarts map[string]int
	// failures counts for each instance the probes in a row that failed.
	failures map[string]int
	// unseen says what the last look did not see, and later ones will; nil: it saw every instance answer. A *silentError where a machine is
	// silent.
	unseen error
}

// watched is a machine with instances of the release.
type watched struct {
	instances []service.Instance
	// asked: not all that was asked is answered. Only what is not silent is waited for.
	asked bool
	// silent is why it could not be looked at the last time; nil: it could.
	silent   error
	patience patience
	// probes are what came of those of the instances.
	probes []error
}

// statement is what a machine says: first its instances' states, or why they are not known; then what came of their probes.
type statement struct {
	of     *watched
	states []service.InstanceState
	err    error
	probed bool
	probes []error
}

// newWatch notes how often the release's instances were started until now. It is an error that this process may not look.
func newWatch(ctx context.Context, platform Platform, r service.Release) (*watch, error) {
	v := &watch{platform: platform, release: r, restarts: map[string]int{}, failures: map[string]int{}}
	byHost := map[string]*watched{}
	for _, i := range r.Placement.Instances {
		if byHost[i.Host] == nil {
			byHost[i.Host] = &watched{}
			v.machines = append(v.machines, byHost[i.Host])
		}
		byHost[i.Host].instances = append(byHost[i.Host].instances, i)
	}
	v.heard = make(chan answer[statement], 2*len(v.machines))
	looking, cancel := context.WithTimeout(ctx, longestProbe)
	defer cancel()
	instances, err := platform.Inspect(looking, r.Placement)
	if outOfReach(err) || ctx.Err() != nil {
		return nil, err
	}
	// Those on a machine that is silent are counted from when it is seen.
	for _, i := range instances {
		v.restarts[i.Name] = i.Restarts
	}
	return v, nil
}

// look looks once at all instances. A death is told at once, also while another machine, or a probe, hangs. A machine that was silent the last
// time is not waited for: it is heard when it answers. An error by against speaks against the release; a *silentError says that a machine has
// been silent for too long.
func (v *watch) look(ctx context.Context) error {
	for _, m := range v.machines {
		if !m.asked {
			v.ask(ctx, m)
		}
	}
	for {
		said, more := v.next(ctx)
		if ctx.Err() != nil {
			return fmt.Errorf("look at %s: %w", v.release.ID, ctx.Err())
		}
		if !more {
			break
		}
		if err := v.hear(said.get()); err != nil {
			return err
		}
	}
	v.unseen = nil
	return cmp.Or(v.answered(), v.silence())
}

// next is what a machine says, waited for while there are some that were asked and are not silent.
func (v *watch) next(ctx context.Context) (said answer[statement], more bool) {
	select {
	case said = <-v.heard:
		return said, true
	default:
	}
	for _, m := range v.machines {
		if !m.asked || m.silent != nil {
			continue
		}
		select {
		case said = <-v.heard:
			return said, true
		case <-ctx.Done():
			return said, false
		}
	}
	return said, false
}

// ask asks a machine, and its instances beside it. Who asks ends ctx.
func (v *watch) ask(ctx context.Context, m *watched) {
	m.asked = true
	ctx, stop := context.WithCancel(ctx)
	health := v.release.Health
	probes := beside(func() []error {
		// One that was given more time to answer has it.
		probing, cancel := context.WithTimeout(ctx, max(longestProbe, health.Timeout.D()))
		defer cancel()
		return probeAll(probing, v.platform, m.instances, health)
	})
	go func() {
		defer stop()
		seen := ended(func() statement {
			looking, cancel := context.WithTimeout(ctx, longestProbe)
			defer cancel()
			part := v.release.Placement
			part.Instances = m.instances
			states, err := v.platform.Inspect(looking, part)
			return statement{of: m, states: states, err: err}
		})
		v.heard <- seen
		if seen.broken == nil && seen.given.err == nil {
			v.heard <- ended(func() statement { return statement{of: m, probed: true, probes: probes()} })
		}
	}()
}

// hear notes what a machine said. It is an error that an instance died.
func (v *watch) hear(said statement) error {
	m := said.of
	if said.probed {
		m.asked, m.probes = false, said.probes
		return nil
	}
	if m.silent = nil; said.err != nil {
		m.asked, m.silent = false, &silentError{said.err}
	}
	return v.died(said.states)
}

// died tells of an instance that does not run any more, was started again, or has another release's in its place.
func (v *watch) died(instances []service.InstanceState) error {
	for _, i := range instances {
		before, known := v.restarts[i.Name]
		if !known {
			before, v.restarts[i.Name] = i.Restarts, i.Restarts
		}
		switch {
		case !i.Running || i.Restarts > before:
			return against(nil, "instance %s of %s died under traffic: %s", i.Name, v.release.ID, i.Detail)
		case i.Release != v.release.ID:
			return against(nil, "%s runs in the place of instance %s of %s", i.Release, i.Name, v.release.ID)
		}
	}
	return nil
}

// answered counts the probes in a row that failed: an instance may have got stuck while its process lives. One on a machine that is silent
// says nothing.
func (v *watch) answered() error {
	for _, m := range v.machines {
		if m.silent != nil {
			continue
		}
		for n, i := range m.instances {
			failed := m.probes[n]
			if failed == nil {
				v.failures[i.Name] = 0
				continue
			}
			if v.failures[i.Name]++; v.failures[i.Name] >= failuresInARow {
				return against([]string{fmt.Sprintf("%s at %s: %s", i.Name, i.Address, failed)},
					"instance %s of %s does not answer under traffic, %d times in a row: %s", i.Name, v.release.ID, failuresInARow, failed)
			}
			v.unseen = fmt.Errorf("%s does not answer: %w", i.Name, failed)
		}
	}
	return nil
}

// silence tells of a machine that stays silent, or of a process that may not look. Silence for a while is no reason to go back: stable is on
// the same machine.
func (v *watch) silence() error {
	for _, m := range v.machines {
		switch bears := m.patience.bears(m.silent); {
		case m.silent == nil:
		case !bears:
			return m.silent
		default:
			v.unseen = m.silent
		}
	}
	return nil
}

// settle looks until every instance was seen to answer: while a machine is silent for as long as look bears it, else failuresInARow times at most.
func (v *watch) settle(ctx context.Context) error {
	for failures := 0; ; {
		if err := v.look(ctx); err != nil {
			return err
		}
		if v.unseen == nil {
			return nil
		}
		if !isSilent(v.unseen) {
			failures++
		}
		if failures == failuresInARow {
			// Now this one, now that: no instance of them that often in a row.
			return against([]string{v.unseen.Error()}, "%s does not answer, %d times in a row: %s", v.release.ID, failuresInARow, v.unseen)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("look at %s: %w", v.release.ID, ctx.Err())
		case <-time.After(lookInterval):
		}
	}
}
