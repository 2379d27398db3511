package delivery

import (
	"context"
	"errors"
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

// hosted is what of a release is on hosts that the service still has, and what is elsewhere: nothing waits for a host that was taken out,
// which may be why it was. Where no host of it is left, or they have no names, it is all of it.
func (w *work) hosted(r service.Release) (here, elsewhere service.Release) {
	here, elsewhere = parted(r, definedHosts(w.state().Definition))
	if len(here.Placement.Instances) == 0 {
		elsewhere.Placement.Instances = nil
		return r, elsewhere
	}
	return here, elsewhere
}

// mostly tells whether so many instances of r are at least half of all that it has by the service's definition, and how many these are. Those
// that are recorded may be fewer already: a rollback leaves out hosts, and half of half is not enough to serve by.
func (w *work) mostly(r service.Release, up int) (most bool, all int) {
	all = len(r.Placement.Instances)
	if defined, err := w.adapters.Platform.Placement(r, r.Placement.Slot); err == nil && len(defined.Instances) > 0 {
		all = len(defined.Instances)
	}
	return up > 0 && 2*up >= all, all
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

// silent tells whether a machine that r is on does not answer.
func (w *work) silent(ctx context.Context, r service.Release) bool {
	ctx, cancel := context.WithTimeout(ctx, longestProbe)
	defer cancel()
	_, err := w.adapters.Platform.Inspect(ctx, r.Placement)
	return err != nil && !outOfReach(err)
}

// startedAgain starts a release again, at once where machines answer, and once more when those are back that did not.
func (w *work) startedAgain(ctx context.Context, attempt int, r service.Release) error {
	err := w.startAgain(ctx, attempt, withinRestore(ctx, r))
	if err == nil || !w.silent(ctx, r) {
		return err
	}
	w.awaitMachines(ctx, r)
	return w.startAgain(ctx, attempt, withinRestore(ctx, r))
}

// completeStable starts what is missing of stable when its traffic is safe already.
func (w *work) completeStable(ctx context.Context, a *ledger.Attempt, stable service.Release, result *putBackResult) {
	w.awaitMachines(ctx, stable)
	if err := w.startAgain(ctx, a.Number, withinRestore(ctx, stable)); err != nil {
		result.fail("stable %s has the traffic, and not all of it runs: %s", stable.ID, err)
		return
	}
	result.did("stable %s is whole again", stable.ID)
}

func outOfReach(err error) bool {
	var out *OutOfReach
	return errors.As(err, &out)
}
