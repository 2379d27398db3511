package delivery

import (
	"context"
	"fmt"
	"slices"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// What may run where no record says so (ledger.State.LeftOut): on machines that did not answer when a rollback went on without them. All of
// it is stopped when they answer, but for what stable has there: that is started, and recorded, when the release comes to the machine (grow).

// isLeftOut tells whether a rollback went on without a host, and nothing has come there since. A host that was added is none of those.
func isLeftOut(state *ledger.State, host string) bool {
	return slices.Contains(leftOutHosts(state), host)
}

// leftOutHosts are the machines that rollbacks left out.
func leftOutHosts(state *ledger.State) []string {
	var all []string
	for _, p := range state.LeftOut {
		all = append(all, hostsOf(p)...)
	}
	return all
}

// ofStable tells whether a placement is the stable release in its slot.
func ofStable(state *ledger.State, p service.Placement) bool {
	stable := state.StableRelease()
	return stable != nil && stable.ID == p.Release && stable.Placement.Slot == p.Slot
}

// leaving is what a rollback to r leaves out: r on the machines that do not answer, also where it was not started.
func (w *work) leaving(r service.Release) []service.Placement {
	var all []service.Placement
	var hosts []string
	leave := func(p service.Placement) {
		p.Instances = slices.DeleteFunc(slices.Clone(p.Instances), func(i service.Instance) bool {
			return !slices.Contains(w.silence.hosts, i.Host) || slices.Contains(hosts, i.Host)
		})
		if len(p.Instances) > 0 {
			all, hosts = append(all, p), append(hosts, hostsOf(p)...)
		}
	}
	for _, part := range w.astrayOf(r) {
		leave(part.Placement)
	}
	if defined, err := w.adapters.Platform.Placement(r, r.Placement.Slot); err == nil {
		leave(defined)
	}
	return all
}

// astrayOf is r, and what may run of it in its slot on machines that are left out: where another release takes its place it goes there as
// well. What the platform keeps of one placement says nothing of where another is.
func (w *work) astrayOf(r service.Release) []service.Release {
	all := []service.Release{r}
	for _, p := range w.state().LeftOut {
		if p.Release == r.ID && p.Slot == r.Placement.Slot {
			all = append(all, w.at(p))
		}
	}
	return all
}

// at is a release where a placement says. Of one that is not recorded any more nothing else is known.
func (w *work) at(p service.Placement) service.Release {
	r := w.state().Releases[p.Release]
	r.ID, r.Placement = p.Release, p
	return r
}

// sweepAstray stops what runs astray, and forgets it, where machines answer; that others do not is a *silentError.
func (w *work) sweepAstray(ctx context.Context) error {
	var silent error
	state := w.state()
	for _, p := range state.LeftOut {
		if ofStable(state, p) {
			continue
		}
		part, instances, err := w.answering(ctx, w.at(p))
		if isSilent(err) {
			silent = err
		} else if err != nil {
			return err
		}
		if len(part.Placement.Instances) == 0 {
			continue
		}
		if err := w.stopAstray(ctx, part, runsAny(part, instances)); err != nil {
			return err
		}
	}
	return silent
}

// stopAstray stops, or removes, a part of a release that is not stable's, and forgets it. One that does not run may be about to, as its machine
// boots.
func (w *work) stopAstray(ctx context.Context, part service.Release, running bool) error {
	if running {
		if err := w.withoutRequests(ctx, part); err != nil {
			return err
		}
	}
	state, end := w.state(), w.removePart
	if part.ID == state.Stable || slices.Contains(state.Kept, part.ID) {
		end = w.stop
	}
	if err := end(ctx, state.LastAttempt, part); err != nil {
		return err
	}
	return w.forgetAstray(ctx, part, "is stopped")
}

// forgetAstray records that what a rollback left of a release has come to its end, which how says.
func (w *work) forgetAstray(ctx context.Context, part service.Release, how string) error {
	text := fmt.Sprintf("what a rollback left of %s %s", target(part), how)
	if err := w.append(ctx, ledger.Event{
		Type: ledger.LeftOutStopped, Attempt: w.state().LastAttempt, Release: part.ID, LeftOut: []service.Placement{part.Placement}, Text: text,
	}); err != nil {
		return fmt.Errorf("record that %s: %w", text, err)
	}
	return nil
}

// shrinkAstray removes what may run astray from hosts that the service has no more, as far as they answer. What stable had there was removed
// before the definition changed (dropUnsized).
func (w *work) shrinkAstray(ctx context.Context, wanted []string) error {
	state := w.state()
	for _, p := range state.LeftOut {
		_, goes := parted(w.at(p), wanted)
		if len(goes.Placement.Instances) == 0 {
			continue
		}
		if !ofStable(state, p) {
			if err := w.removePart(ctx, state.LastAttempt, goes); err != nil && ctx.Err() != nil {
				return err
			} else if err != nil {
				w.warnUntidied(goes, err)
			}
		}
		if err := w.forgetAstray(ctx, goes, "is no concern any more: that is no host of the service"); err != nil {
			return err
		}
	}
	return nil
}
