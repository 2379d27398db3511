package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// rollBack makes a release carry the traffic again that is stable, or was and is kept ready: one probe of its
// instances, then all of the traffic at once. It ends the attempt.
func (s *stageWork) rollBack(ctx context.Context) error {
	release, err := s.rollBackTo(ctx, s.current())
	if err != nil {
		return err
	}
	s.exports.Slot = release.Placement.Slot
	s.exports.Promoted, s.exports.Finalized, s.exports.FinalizedAt = release.ID, release.ID, s.now()
	s.fillExports()
	s.closed = true
	return s.closeRollback(ctx, s.current(), s.passage())
}

// rollBackTo brings the attempt's release up and gives it the traffic, where machines answer. What carried it before is drained and
// stopped. A machine that stops to answer meanwhile is left out as well.
func (w *work) rollBackTo(ctx context.Context, a *ledger.Attempt) (service.Release, error) {
	release, found := w.state().Releases[a.Release]
	if !found {
		return release, fmt.Errorf("roll back to %s: the ledger has no record of it", a.Release)
	}
	for {
		known := len(w.silence.hosts)
		err := w.rollBackWhereAnswered(ctx, a, &release)
		moved := (*movedError)(nil)
		if err == nil || errors.As(err, &moved) || ctx.Err() != nil {
			return release, err
		}
		if _, _, silent := w.answering(ctx, release); !isSilent(silent) || len(w.silence.hosts) == known {
			return release, err
		}
	}
}

// rollBackWhereAnswered is one try of rollBackTo; release becomes what was brought up.
func (w *work) rollBackWhereAnswered(ctx context.Context, a *ledger.Attempt, release *service.Release) error {
	stable := w.state().StableRelease()
	if stable == nil || stable.ID == release.ID {
		if err := w.resumeStable(ctx, a, release); err != nil {
			return err
		}
		return w.afterMove(ctx, a)
	}
	slot := w.otherSlot()
	w.report(a.Number, service.StageRelease, 0, w.now(), "%s is started again in slot %s", release.ID, slot)
	placement, err := w.adapters.Platform.Placement(*release, slot)
	if err != nil {
		return fmt.Errorf("place %s: %w", release.ID, err)
	}
	release.Placement = placement
	if *release, err = w.mostOf(ctx, *release); err != nil {
		return err
	}
	if err := w.placeMost(ctx, a.Number, *release); err != nil {
		return err
	}
	if w.interrupts() {
		old := w.astrayOf(*stable)
		for n := range old {
			old[n] = without(old[n], w.silence.hosts)
		}
		err = w.replaceInWaves(ctx, a.Number, old, *release, healthAgain(*release))
	} else {
		err = w.startAgain(ctx, a.Number, *release)
	}
	if err != nil {
		return err
	}
	if err := w.verifyInstances(ctx, *release); err != nil {
		return err
	}
	if err := w.routerMostlySplits(ctx, w.besideStable(*release)...); err != nil {
		return err
	}
	if err := w.giveAll(ctx, a, *release); err != nil {
		return err
	}
	return w.afterMove(ctx, a)
}

// besideStable is a release, and the stable one on those of its hosts that are not known to be silent: it is on its way out, and needs no
// servers there.
func (w *work) besideStable(release service.Release) []service.Release {
	releases := []service.Release{release}
	if stable := w.state().StableRelease(); stable != nil && stable.ID != release.ID {
		if here := without(*stable, w.silence.hosts); len(here.Placement.Instances) > 0 {
			releases = append(releases, here)
		}
	}
	return releases
}

// giveAll gives all of the traffic to a release, where the router answers. Parts of it that do not keep nobody else waiting: what carried the
// traffic before stays up for them, until a recovery finishes the rollback.
func (w *work) giveAll(ctx context.Context, a *ledger.Attempt, r service.Release) error {
	if w.adapters.Router == nil {
		return nil
	}
	slot := r.Placement.Slot
	err := w.splitAs(ctx, a.Number, Split{Weights: alone(slot), Placements: w.inSlotsBut(r), Partly: true})
	if silent := (*SilentParts)(nil); err == nil || errors.As(err, &silent) {
		return movedBut(err)
	}
	if weight, unread := w.weightOf(ctx, slot); unread == nil && weight == 100 {
		return movedBut(err) // Only its record failed.
	}
	return err
}

// afterMove is what follows in a rollback when the traffic is where it was wanted.
func (w *work) afterMove(ctx context.Context, a *ledger.Attempt) error {
	err := w.fullWeight(ctx, a)
	if err == nil {
		err = w.wantedData(ctx, a)
	}
	return movedBut(err)
}

// wantedData puts back the data that an operator wants with the release, once. Traffic comes first.
func (w *work) wantedData(ctx context.Context, a *ledger.Attempt) error {
	if a.Data == nil {
		return nil
	}
	for _, saved := range a.Data.Backups {
		w.report(a.Number, service.StageRelease, 100, w.now(), "data %s is put back from %s", saved.Name, saved.Directory)
		if err := w.putBackData(ctx, w.attempt(a.Number), saved); err != nil {
			return fmt.Errorf("put back data %s of the checkpoint %s: %w", saved.Name, a.Data.ID, err)
		}
	}
	return nil
}

// resumeStable gives all traffic to the release that is stable already: its candidate was taken away before.
func (w *work) resumeStable(ctx context.Context, a *ledger.Attempt, release *service.Release) error {
	part, err := w.mostOf(ctx, *release)
	if err != nil {
		return err
	}
	*release = part
	if err := w.serves(ctx, *release); err != nil {
		if err := w.startAgain(ctx, a.Number, *release); err != nil {
			return err
		}
	}
	return w.giveAll(ctx, a, *release)
}

func (w *work) fullWeight(ctx context.Context, a *ledger.Attempt) error {
	weight := 100
	return w.append(ctx, ledger.Event{
		Type: ledger.WeightReached, Attempt: a.Number, Release: a.Release, Weight: &weight, Judged: true,
		Text: fmt.Sprintf("%s has all of the traffic", a.Release),
	})
}

// closeRollback ends the attempt of a rollback; what it took out is drained and removed.
func (w *work) closeRollback(ctx context.Context, a *ledger.Attempt, passage *ledger.Passage) error {
	ctx, cancel := w.rescue(ctx, closingTimeout)
	defer cancel()
	kept := slices.DeleteFunc(slices.Clone(w.state().Kept), func(r service.ReleaseID) bool { return r == a.Release })
	closing := ledger.Closing{End: service.EndFinalized, Kept: kept}
	result := &putBackResult{}
	result.did("%s carries all of the traffic", a.Release)
	leaving := w.leaving(w.state().Releases[a.Release])
	var hosts []string
	for _, p := range leaving {
		hosts = append(hosts, hostsOf(p)...)
	}
	left := w.leftOutOn(a.Release, hosts)
	if left != "" {
		result.did("%s", left)
		w.warn("Host Left Out", left+".")
	}
	closing.Record = w.writeRecord(ctx, a, ledger.Failure{}, result, closing.End)
	replaced := a.Replaces
	err := w.append(ctx, ledger.Event{
		Type: ledger.AttemptClosed, Attempt: a.Number, Stage: service.StageRelease, Release: a.Release, Closing: &closing, Passage: passage, LeftOut: leaving,
		Text:     alsoSaying(fmt.Sprintf("rolled back to %s", a.Release), left),
		Notify:   w.message(a.Number, "rolled_back", alsoSaying(fmt.Sprintf("%s: rolled back to %s, from %s", w.procedure.id, a.Release.Label(), orNothing(replaced)), left), closing.Record),
		Channels: w.channels("rolled_back"),
	})
	if err != nil {
		return err
	}
	w.tidy(ctx)
	return nil
}
