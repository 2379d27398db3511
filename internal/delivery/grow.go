package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// grow starts a release on hosts that it is not on yet. One that does not come up there is taken away again, and the others stay as they
// were.
func (w *work) grow(ctx context.Context, r service.Release) error {
	placement, err := w.adapters.Platform.Placement(r, r.Placement.Slot)
	if err != nil {
		return fmt.Errorf("place %s: %w", r.ID, err)
	}
	there := hostsOf(r.Placement)
	added := service.Placement{Release: r.ID, Slot: placement.Slot, Platform: placement.Platform}
	for _, i := range placement.Instances {
		if !slices.Contains(there, i.Host) {
			added.Instances = append(added.Instances, i)
		}
	}
	grown, part := r, r
	part.Placement = added
	if part = w.leavingOut(ctx, part); len(part.Placement.Instances) == 0 {
		return nil
	}
	grown.Placement.Platform = placement.Platform
	grown.Placement.Instances = append(slices.Clone(r.Placement.Instances), part.Placement.Instances...)
	if err := w.roomToGrow(ctx, r, part); err != nil {
		return err
	}
	if err := w.routerKnows(ctx, grown); err != nil {
		return err
	}
	// Recorded last: killed before that, the definition still says that it is to be there, and it is done again.
	if err := w.comeUp(ctx, part); err != nil {
		return w.ungrown(ctx, r, part, err)
	}
	if w.adapters.Router != nil {
		if err := w.setWeightsAmong(ctx, w.inSlotsBut(grown)); err != nil {
			return err
		}
	}
	return w.record(ctx, grown)
}

// leavingOut is a part of a release, that is about to come to hosts, without those that a rollback left out and that still do not answer:
// they are told of, and hold up nobody. Any other that does not answer is one that was added, and is refused.
func (w *work) leavingOut(ctx context.Context, part service.Release) service.Release {
	old := part
	old.Placement.Instances = slices.DeleteFunc(slices.Clone(part.Placement.Instances), func(i service.Instance) bool {
		return !isLeftOut(w.state(), i.Host)
	})
	if len(old.Placement.Instances) == 0 {
		return part
	}
	if _, _, err := w.answering(ctx, old); !isSilent(err) || ctx.Err() != nil {
		return part // What else is wrong there is found by what comes next.
	}
	w.warn("Host Left Out", w.leftOut(part.ID)+".")
	return without(part, w.silentOf(old))
}

// roomToGrow refuses hosts that a part of a release is about to come to and cannot, before anything is done there. What is wrong with
// those that have it is told elsewhere.
func (w *work) roomToGrow(ctx context.Context, r, part service.Release) error {
	looking, cancel := context.WithTimeout(ctx, roomTimeout)
	defer cancel()
	hosts := hostsOf(part.Placement)
	var found []string
	for _, p := range w.adapters.Platform.Room(looking, r, r.Placement.Slot) {
		if slices.ContainsFunc(p.Hosts, func(host string) bool { return slices.Contains(hosts, host) }) {
			found = append(found, p.Detail)
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("look for room for %s on %s: %w", r.ID, strings.Join(hosts, ", "), err)
	}
	if len(found) == 0 {
		return nil
	}
	e := refuse("Hosts Not Added", fmt.Sprintf("%s cannot come to %s: %s", r.ID, strings.Join(hosts, ", "), strings.Join(found, "; ")), growRemedy)
	e.Path = atHosts(hosts)
	return e
}

const (
	// roomTimeout bounds the look for room on hosts that were added.
	roomTimeout = 30 * time.Second
	growRemedy  = "Mend what is named, and apply again; or take the host out of platform.host.hosts."
)

// routerKnows refuses a router that does not split to a release on more hosts. Whether it has also those still that are about to go, or
// not any more, is all the same.
func (w *work) routerKnows(ctx context.Context, grown service.Release) error {
	if w.adapters.Router == nil {
		return nil
	}
	stays, goes := parted(grown, definedHosts(w.state().Definition))
	err := w.routerSplits(ctx, stays)
	if err != nil && len(goes.Placement.Instances) > 0 && w.routerSplits(ctx, grown) == nil {
		err = nil
	}
	if err != nil {
		return err
	}
	return w.routerTakes(ctx)
}

func (w *work) comeUp(ctx context.Context, part service.Release) error {
	if err := w.placeAgain(ctx, w.state().LastAttempt, part); err != nil {
		return err
	}
	if err := w.startInWaves(ctx, w.state().LastAttempt, part, part.Health); err != nil {
		return err
	}
	return w.verifyInstances(ctx, part)
}

// ungrown takes a release, recorded as it is elsewhere, away again from where it did not come up.
func (w *work) ungrown(ctx context.Context, recorded, part service.Release, cause error) error {
	ctx, cancel := w.rescue(ctx, restoreTimeout)
	defer cancel()
	hosts := strings.Join(hostsOf(part.Placement), ", ")
	e := &Error{
		Summary: "Hosts Not Added", What: fmt.Sprintf("%s did not come up on %s: %s", part.ID, hosts, w.scrubbed(cause, part)),
		Next: growRemedy, Path: atHosts(hostsOf(part.Placement)), Err: cause,
	}
	if against := (*evidenceError)(nil); errors.As(cause, &against) {
		for _, line := range against.evidence {
			e.Evidence = append(e.Evidence, w.secretsOf(part).Text(line))
		}
	}
	// A run that was killed before it recorded them may have given them traffic.
	err := w.withoutInstances(ctx, recorded, part)
	if err == nil {
		err = w.removePart(ctx, w.state().LastAttempt, part)
	}
	if err != nil {
		e.Leftovers = []string{fmt.Sprintf("what was placed on %s is still there: %s", hosts, err)}
		return e
	}
	e.Restored = []string{fmt.Sprintf("%s is removed from %s; elsewhere it runs as before", part.ID, hosts)}
	return e
}
