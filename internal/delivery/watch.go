package delivery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
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
	// restarts that an instance had when it was seen first, and the boot of its machine when it was seen last.
	restarts map[string]int
	boots    map[string]string
	began    time.Time
	// failures counts for each instance the probes in a row that failed.
	failures map[string]int
	// looks counts them. round is the first of those that see every machine once, or find it silent: one alone may be too short for a slow one.
	looks, round int
	// late: in this round there is a machine that has not answered yet, and is not silent.
	late bool
	// unseen says what this round has not seen, and later looks will; nil: it saw every instance answer. A *silentError where a machine is
	// silent, or late.
	unseen error
	// silentAt is when a machine was found silent last.
	silentAt time.Time
}

// newWatch notes how often the release's instances were started until now. It is an error that this process may not look.
func newWatch(ctx context.Context, platform Platform, r service.Release) (*watch, error) {
	v := &watch{platform: platform, release: r, restarts: map[string]int{}, boots: map[string]string{}, failures: map[string]int{}, round: 1}
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
	v.began = time.Now()
	instances, err := platform.Inspect(looking, r.Placement)
	if outOfReach(err) || ctx.Err() != nil {
		return nil, cmp.Or(err, ctx.Err())
	}
	// Those on a machine that is silent are counted from when it is seen.
	for _, i := range instances {
		v.restarts[i.Name], v.boots[i.Name] = i.Restarts, i.Boot
	}
	if err == nil {
		for _, m := range v.machines {
			m.noted = slices.DeleteFunc(slices.Clone(instances), func(i service.InstanceState) bool {
				return !slices.ContainsFunc(m.instances, func(its service.Instance) bool { return its.Name == i.Name })
			})
		}
	}
	return v, nil
}

// look looks once at all instances. A death is told at once, also while another machine, or a probe, hangs. A machine is waited for about a
// lookInterval, and one that was silent the last time not at all: it is heard when it answers, and is silent when it has not for longestProbe. An
// error by against speaks against the release; a *silentError says that a machine has been silent for too long.
func (v *watch) look(ctx context.Context) error {
	if v.looks++; !v.late {
		v.round = v.looks
	}
	for _, m := range v.machines {
		v.ask(ctx, m)
	}
	over := time.NewTimer(lookInterval)
	defer over.Stop()
	for {
		said, more := v.next(ctx, over.C)
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
	v.late, v.unseen = false, nil
	v.cameUp()
	v.awaited()
	return cmp.Or(v.answered(), v.bear())
}

// anew has a round begin with the next look: what was asked before says nothing of what is now.
func (v *watch) anew() { v.late = false }

// awaited tells of a machine that has not answered in this round, and may still do so before it is silent.
func (v *watch) awaited() {
	for _, m := range v.machines {
		if m.silent == nil && (m.saw < v.round || m.answered < v.round) {
			v.late = true
			v.unseen = &silentError{fmt.Errorf("%s has not answered yet", names(m.instances))}
		}
	}
}

// died tells of an instance that does not run any more, was started again, or has another release's in its place. One on a machine that was
// started again came up with it.
func (v *watch) died(m *watched, instances []service.InstanceState) error {
	for _, i := range instances {
		before, known := v.restarts[i.Name]
		again := i.Boot != "" && v.boots[i.Name] != "" && i.Boot != v.boots[i.Name]
		if m.cameUp = m.cameUp || again; !known || again {
			before, v.restarts[i.Name] = i.Restarts, i.Restarts
		}
		v.boots[i.Name] = cmp.Or(i.Boot, v.boots[i.Name])
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
// says nothing, and while it is late it is not known whether it is.
func (v *watch) answered() error {
	for _, m := range v.machines {
		counts := m.fresh && m.silent == nil && !m.asked
		m.fresh = m.fresh && m.silent == nil && m.asked
		for n, failed := range m.probes {
			i := m.instances[n]
			if counts && failed == nil {
				v.failures[i.Name] = 0
			}
			if failed == nil {
				continue
			}
			if v.unseen = fmt.Errorf("%s does not answer: %w", i.Name, failed); !counts {
				continue
			}
			if v.failures[i.Name]++; v.failures[i.Name] >= failuresInARow {
				return against([]string{fmt.Sprintf("%s at %s: %s", i.Name, i.Address, failed)},
					"instance %s of %s does not answer under traffic, %d times in a row: %s", i.Name, v.release.ID, failuresInARow, failed)
			}
		}
	}
	return nil
}

// cameUp has machines that were started again be silent until all of their instances have answered: they need a while to be ready, as at each start.
func (v *watch) cameUp() {
	for _, m := range v.machines {
		if !m.cameUp || m.silent != nil {
			continue
		}
		failed := errNotAsked
		if m.fresh {
			failed = errors.Join(m.probes...)
		}
		if m.cameUp = failed != nil; m.cameUp {
			m.silent = &silentError{fmt.Errorf("%s came up again with its machine, and does not answer yet: %w", names(m.instances), failed)}
		}
	}
}

var errNotAsked = errors.New("it has not said anything yet")

// bear tells of a machine that is silent for too long, or of a process that may not look. Silence for a while is no reason to go back: stable is on
// the same machine.
func (v *watch) bear() (tooLong error) {
	for _, m := range v.machines {
		switch bears := m.patience.bears(m.silent); {
		case m.silent == nil:
			continue
		case !bears:
			tooLong = cmp.Or(tooLong, m.silent)
		}
		v.unseen, v.silentAt = m.silent, time.Now()
	}
	return tooLong
}

// settle looks until every instance was seen to answer: while a machine is silent for as long as look bears it, else failuresInARow times at most.
func (v *watch) settle(ctx context.Context) error {
	for failures := 0; ; {
		if err := v.look(ctx); err != nil {
			return err
		}
		if v.late {
			continue
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

// leaves tells of an instance that was about to be gone when it was seen last: it answers, and is no death that a look tells of, until it is.
func (v *watch) leaves() error {
	for _, m := range v.machines {
		for _, i := range m.states {
			if !i.Stays(v.release.ID) {
				return against(nil, "instance %s of %s is about to be gone: %s", i.Name, v.release.ID, i.Detail)
			}
		}
	}
	return nil
}
