package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// silentLooks in a row at which an instance does not answer speak against it: one alone may be the network's.
const silentLooks = 3

// patiently asks until there is no error, silentLooks times at most: the answer is that of the last time, or ctx ended.
func patiently(ctx context.Context, ask func() error) error {
	for look := 1; ; look++ {
		err := ask()
		if err == nil || look == silentLooks {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(lookInterval):
		}
	}
}

// sights are what a judge has seen of the candidate's instances.
type sights struct {
	// restarts that an instance had when it was seen first.
	restarts map[string]int
	// silent counts for each instance the looks in a row at which it did not answer.
	silent map[string]int
	// hidden is since when a machine could not be looked at; zero: all of them answer.
	hidden time.Time
	// unseen says what the last look did not see, and later ones will; empty: it saw every instance answer.
	unseen string
}

func newSights() sights { return sights{restarts: map[string]int{}, silent: map[string]int{}} }

// sight is what was seen of the instances of one machine.
type sight struct {
	instances []service.Instance
	states    []service.InstanceState
	err       error
}

// alive looks at the candidate's instances. A death is told at once, also while another machine, or a probe, hangs.
func (j *judge) alive(ctx context.Context) error {
	looking, stop := context.WithCancel(ctx)
	defer stop()
	instances := j.candidate.Placement.Instances
	probes := beside(func() []error { return probeAll(looking, j.adapters.Platform, instances, j.candidate.Health) })
	machines, seen := j.machines(looking)
	var silent error
	hidden := map[string]bool{}
	for range machines {
		look := (<-seen).get()
		if err := j.died(look.states); err != nil {
			return err
		}
		if look.err == nil {
			continue
		}
		silent = look.err
		for _, i := range look.instances {
			hidden[i.Name] = true
		}
	}
	failed := probes()
	if ctx.Err() != nil {
		return fmt.Errorf("look at %s: %w", j.candidate.ID, ctx.Err())
	}
	j.unseen = ""
	if err := j.hides(silent); err != nil {
		return err
	}
	return j.answers(failed, hidden)
}

// machines looks at each of the candidate's machines, side by side, and says how many they are: what is seen first is told first.
func (j *judge) machines(ctx context.Context) (int, <-chan answer[sight]) {
	byHost := map[string][]service.Instance{}
	for _, i := range j.candidate.Placement.Instances {
		byHost[i.Host] = append(byHost[i.Host], i)
	}
	seen := make(chan answer[sight], len(byHost))
	for _, instances := range byHost {
		go func() {
			seen <- ended(func() sight {
				looking, cancel := context.WithTimeout(ctx, longestProbe)
				defer cancel()
				part := j.candidate.Placement
				part.Instances = instances
				states, err := j.adapters.Platform.Inspect(looking, part)
				return sight{instances, states, err}
			})
		}()
	}
	return len(byHost), seen
}

// died tells of an instance that does not run any more, or was started again.
func (j *judge) died(instances []service.InstanceState) error {
	for _, i := range instances {
		before, known := j.restarts[i.Name]
		if !known {
			before, j.restarts[i.Name] = i.Restarts, i.Restarts
		}
		if !i.Running || i.Restarts > before {
			return against(nil, "instance %s of %s died under traffic: %s", i.Name, j.candidate.ID, i.Detail)
		}
	}
	return nil
}

// hides counts how long a machine does not answer, which is no reason to go back: stable is on the same one. One that stays away, or a
// process that may not look, ends the judgement.
func (j *judge) hides(silent error) error {
	switch {
	case silent == nil:
		j.hidden = time.Time{}
		return nil
	case j.hidden.IsZero():
		j.hidden = time.Now()
	}
	if outOfReach(silent) || time.Since(j.hidden) >= silenceTimeout {
		return silent
	}
	j.unseen = silent.Error()
	return nil
}

// answers counts for every instance the looks at which its probe failed: one may have got stuck while its process lives. One on a machine
// that could not be looked at says nothing.
func (j *judge) answers(failed []error, hidden map[string]bool) error {
	for n, i := range j.candidate.Placement.Instances {
		switch {
		case hidden[i.Name]:
			continue
		case failed[n] == nil:
			j.silent[i.Name] = 0
			continue
		}
		if j.silent[i.Name]++; j.silent[i.Name] >= silentLooks {
			return against([]string{fmt.Sprintf("%s at %s: %s", i.Name, i.Address, failed[n])},
				"instance %s of %s does not answer under traffic, %d times in a row: %s", i.Name, j.candidate.ID, silentLooks, failed[n])
		}
		j.unseen = fmt.Sprintf("%s does not answer: %s", i.Name, failed[n])
	}
	return nil
}
