package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const (
	// restoreTimeout bounds a restore; its parts have deadlines of their own.
	restoreTimeout = 10 * time.Minute
	// closingTimeout bounds the writing of an attempt's end, which is not given up in the middle: nobody could tell whether it is there. It
	// is a time of its own: a restore that used up all that it had has to say so.
	closingTimeout = time.Minute
)

// putBackResult is what a restore did, and what it could not do.
type putBackResult struct {
	done     []string
	failures []string
	// evidence is what the candidate left, taken before its removal.
	evidence []string
	// movedAgain: weights that were others after they had been set were set once more.
	movedAgain bool
	// untold is which parts of the router do not answer, where stable has the traffic of all others; nil: there are none, or that is not so.
	untold *SilentParts
}

func (r *putBackResult) err() error {
	if len(r.failures) == 0 {
		return nil
	}
	errs := make([]error, len(r.failures))
	for i, f := range r.failures {
		errs[i] = errors.New(f)
	}
	return errors.Join(errs...)
}

func (r *putBackResult) did(format string, args ...any) {
	r.done = append(r.done, fmt.Sprintf(format, args...))
}
func (r *putBackResult) fail(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

// restore puts back what the attempt's checkpoint recorded, verifies it, ends the attempt and says what happened.
// It runs under a deadline of its own, whatever became of the stage's context.
func (w *work) restore(ctx context.Context, a *ledger.Attempt, failure ledger.Failure) *Error {
	if failure.DecidedAt.IsZero() {
		failure.DecidedAt = w.now()
	}
	failure = w.withoutSecrets(a, failure)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.procedure.run.restoring)
	defer cancel()
	if !a.Executing || w.untouched(ctx, a) {
		return w.closeUntouched(ctx, a, failure)
	}
	result := &putBackResult{}
	// Traffic first, before anything is written: the entry that opened the stage authorises it, also while the lease runs out.
	safe := w.trafficToStable(ctx, a, result)
	ctx, stop := w.whileHeld(ctx, func() {})
	defer stop()
	journal := ledger.Event{Type: ledger.StageFailed, Attempt: a.Number, Stage: a.Stage, Release: a.Release, Failure: &failure, Text: failure.Reason}
	// Also in a rollback that was being finished: from here on it is not finished any more, but taken back.
	if a.Failure == nil {
		if err := w.append(ctx, journal); err != nil {
			w.procedure.owed = &journal
			result.fail("the failure could not be recorded: %s", err)
		}
	}
	if safe {
		w.takeCandidateAway(ctx, a, result)
	}
	if result.untold != nil && a.Ending != nil {
		return w.unfinishedRestore(ctx, w.attempt(a.Number), failure, result)
	}
	return w.closeRestored(ctx, w.attempt(a.Number), failure, result)
}

// untouched tells whether an attempt whose execution began was refused before anything was changed: the journal has no change since then, its
// release was put nowhere, and the router does not say that the traffic is elsewhere. One that does not answer says nothing.
func (w *work) untouched(ctx context.Context, a *ledger.Attempt) bool {
	if w.began != (beginning{a.Number, w.state().LastChange}) || a.Restoring || w.recorded(a) != nil {
		return false
	}
	stable := w.stable(a)
	if stable == nil || w.adapters.Router == nil {
		return true
	}
	weight, err := w.weightOf(ctx, stable.Placement.Slot)
	return err != nil || weight == 100
}

// recorded is the attempt's release as the ledger recorded it; nil if it was not placed.
func (w *work) recorded(a *ledger.Attempt) *service.Release {
	r, found := w.state().Releases[a.Release]
	if !found || !r.Placement.Placed() {
		return nil
	}
	return &r
}

// takeCandidateAway drains and removes the candidate, restores data that the checkpoint says so of, and inspects.
func (w *work) takeCandidateAway(ctx context.Context, a *ledger.Attempt, result *putBackResult) {
	gone := true
	if candidate := w.recorded(a); candidate != nil && candidate.ID != w.state().Stable {
		here, elsewhere := w.hosted(*candidate)
		if len(result.evidence) == 0 {
			result.evidence = w.remains(ctx, here)
		}
		gone = w.dismiss(ctx, a, here, result)
		if gone && a.Mode != service.ModeRollback && len(elsewhere.Placement.Instances) > 0 {
			w.leave(ctx, a.Number, elsewhere)
		}
	}
	switch {
	case gone: // One that is still there would write over it.
		w.restoreData(ctx, a, result)
	case discards(a):
		result.fail("data was not restored: that waits until the candidate is gone")
	}
	w.inspectRestored(ctx, a, result)
}

// dismiss removes the candidate; one that was stable before and is kept ready is only stopped. It tells whether it is gone.
func (w *work) dismiss(ctx context.Context, a *ledger.Attempt, candidate service.Release, result *putBackResult) bool {
	if stable := w.stable(a); stable == nil {
		// The router has nowhere else to send requests to: they do not end before the release does.
	} else if weight := w.emptied(ctx, candidate, *stable, result); weight > 0 {
		result.fail("candidate %s is still there: the router gives it %d %% of the traffic again", candidate.ID, weight)
		return false
	}
	if a.Mode != service.ModeRollback {
		if err := w.remove(ctx, a.Number, candidate); err != nil {
			result.fail("candidate %s is still there: %s", candidate.ID, err)
			return false
		}
		result.did("candidate %s is removed", candidate.ID)
		return true
	}
	left, err := w.stopMost(ctx, a.Number, candidate)
	if err != nil {
		result.fail("candidate %s is still there: %s", candidate.ID, err)
		return false
	}
	result.did("%s", alsoSaying(fmt.Sprintf("candidate %s is stopped", candidate.ID), left))
	return true
}

// discards tells whether a restore puts back data, and discards what was written since.
func discards(a *ledger.Attempt) bool {
	return a.Checkpoint != nil && slices.ContainsFunc(a.Checkpoint.Backups, func(b service.SavedBackup) bool { return b.Definition.OnRestore == "discard" })
}

// restoreData puts back each piece of data once in an attempt: what stable has written since then is not lost by a recovery.
func (w *work) restoreData(ctx context.Context, a *ledger.Attempt, result *putBackResult) {
	if a.Checkpoint == nil {
		return
	}
	for _, saved := range a.Checkpoint.Backups {
		if saved.Definition.OnRestore != "discard" {
			continue
		}
		if slices.Contains(w.attempt(a.Number).DataRestored, saved.Name) {
			result.did("data %s was put back before, and what was written since then stays", saved.Name)
			continue
		}
		if err := w.putBackData(ctx, w.attempt(a.Number), saved); err != nil {
			result.fail("data %s was not restored from %s: %s", saved.Name, saved.Directory, err)
			continue
		}
		result.did("data %s is as in the checkpoint; what was written since is lost", saved.Name)
	}
}

// putBackData restores one backup, verified before, unless the attempt has done so already. One that was begun and did not come to its
// end is begun again: half of it is nothing.
func (w *work) putBackData(ctx context.Context, a *ledger.Attempt, saved service.SavedBackup) error {
	if slices.Contains(a.DataRestored, saved.Name) {
		return nil
	}
	backup, err := w.procedure.run.connector.Backup(saved.Name, saved.Definition)
	if err != nil {
		return err
	}
	if err := backup.Verify(ctx, saved.Directory, saved.Files); err != nil {
		return fmt.Errorf("verify the backup: %w", err)
	}
	return w.restoreBackup(ctx, a.Number, saved, backup)
}

// inspectRestored compares the world with the checkpoint.
func (w *work) inspectRestored(ctx context.Context, a *ledger.Attempt, result *putBackResult) {
	stable := w.stable(a)
	if stable == nil {
		result.did("the service has no release, as before")
		return
	}
	if w.adapters.Router != nil {
		w.staysWith(ctx, *stable, result)
	}
	snapshot, err := w.inspect(ctx, *stable)
	silent := (*silentError)(nil)
	// That the router does not answer is said with the traffic, where that is no reason to call a person.
	unread := err != nil && w.attempt(a.Number).Unmoved && !errors.As(err, &silent)
	switch {
	case err != nil && !unread:
		result.fail("what runs could not be inspected: %s", err)
	case !snapshot.Complete(*stable):
		result.fail("stable %s is not complete: %s", stable.ID, describe(snapshot.Instances))
	case snapshot.Weights != nil && snapshot.Weights[stable.Placement.Slot] != 100:
		result.fail("the router's weights are %s, not all with %s", shares(snapshot.Weights), stable.Placement.Slot)
	default:
		result.did("every instance of %s runs it (%d of %d)", stable.ID, len(stable.Placement.Instances), len(stable.Placement.Instances))
	}
}
