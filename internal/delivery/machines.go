package delivery

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// What a restore does while one of several machines does not answer.

const (
	// machinesTimeout is how long a restore waits for machines that do not answer: one that is started again needs about that.
	machinesTimeout  = 2 * time.Minute
	machinesInterval = 500 * time.Millisecond
)

// mostlyServes tells whether machines do not answer, and at least half of r's instances run it on those that do, and answer.
func (w *work) mostlyServes(ctx context.Context, r service.Release) bool {
	ctx, cancel := context.WithTimeout(ctx, longestProbe)
	defer cancel()
	states, err := w.adapters.Platform.Inspect(ctx, r.Placement)
	if err == nil || outOfReach(err) {
		return false
	}
	up := slices.DeleteFunc(slices.Clone(r.Placement.Instances), func(i service.Instance) bool {
		return !slices.ContainsFunc(states, func(s service.InstanceState) bool { return s.Name == i.Name && s.Running && s.Release == r.ID })
	})
	if len(up) == 0 || 2*len(up) < len(r.Placement.Instances) {
		return false
	}
	part := r
	part.Placement.Instances = up
	return w.probeOnce(ctx, part) == nil
}

// awaitMachines waits, for a while, until all of r's machines answer. What becomes of those that do not is told by who asks them next.
func (w *work) awaitMachines(ctx context.Context, r service.Release) {
	ctx, cancel := context.WithTimeout(ctx, machinesTimeout)
	defer cancel()
	for {
		if _, err := w.adapters.Platform.Inspect(ctx, r.Placement); err == nil || outOfReach(err) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(machinesInterval):
		}
	}
}

// completeStable starts what is missing of stable when its traffic is safe already.
func (w *work) completeStable(ctx context.Context, a *ledger.Attempt, stable service.Release, result *putBackResult) {
	w.awaitMachines(ctx, stable)
	if err := w.startAgain(ctx, a.Number, stable); err != nil {
		result.fail("stable %s has the traffic, and not all of it runs: %s", stable.ID, err)
		return
	}
	result.did("stable %s is whole again", stable.ID)
}

func outOfReach(err error) bool {
	var out *OutOfReach
	return errors.As(err, &out)
}
