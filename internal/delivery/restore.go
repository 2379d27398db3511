package delivery

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const (
	// restoreTimeout bounds a restore; its parts have deadlines of their own.
	restoreTimeout = 10 * time.Minute
	// closingTimeout bounds the writing of an attempt's end, which is not given up in the middle: nobody could tell whether it is there.
	closingTimeout = time.Minute
)

// putBackResult is what a restore did, and what it could not do.
type putBackResult struct {
	done     []string
	failures []string
	// evidence is what the candidate left, taken before its removal.
	evidence []string
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
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), restoreTimeout)
	defer cancel()
	if !a.Executing {
		return w.closeUntouched(ctx, a, failure)
	}
	result := &putBackResult{}
	// Traffic first, before anything is written: the entry that opened the stage authorises it, also while the lease runs out.
	safe := w.trafficToStable(ctx, a, result)
	ctx, stop := w.whileHeld(ctx, func() {})
	defer stop()
	journal := ledger.Event{Type: ledger.StageFailed, Attempt: a.Number, Stage: a.Stage, Release: a.Release, Failure: &failure, Text: failure.Reason}
	if !a.Restoring {
		if err := w.append(ctx, journal); err != nil {
			w.procedure.owed = &journal
			result.fail("the failure could not be recorded: %s", err)
		}
	}
	if safe {
		w.takeCandidateAway(ctx, a, result)
	}
	return w.closeRestored(ctx, w.attempt(a.Number), failure, result)
}

// trafficToStable moves all traffic to stable, if stable answers; false if it does not: then nothing else may be done.
// Without a router it starts stable in its slot again.
func (w *work) trafficToStable(ctx context.Context, a *ledger.Attempt, result *putBackResult) bool {
	stable := w.stable(a)
	if stable == nil {
		return true // The first release: there is nothing to go back to.
	}
	if candidate := w.recorded(a); w.adapters.Router == nil || candidate != nil && candidate.Placement.Slot == stable.Placement.Slot {
		return w.stableInPlace(ctx, a, *stable, result)
	}
	// Where a machine is gone, so is the candidate's instance there: users are not kept from what answers on the others.
	part, err := w.serving(ctx, *stable)
	if err != nil && !part {
		// It may only have been stopped: finalization had begun, or it died meanwhile.
		if err = w.startedAgain(ctx, a.Number, *stable); err != nil {
			part, _ = w.serving(ctx, *stable)
		}
		if err != nil && !part {
			result.fail("traffic was not moved: stable %s does not answer: %s", stable.ID, err)
			return false
		}
		if err == nil {
			result.did("stable %s was started again", stable.ID)
		}
	}
	if err := w.setWeightsFirst(ctx, alone(stable.Placement.Slot)); err != nil {
		result.fail("traffic could not be moved to %s: %s", stable.ID, err)
		return false
	}
	result.did("all traffic is with %s in slot %s, read back from the router", stable.ID, stable.Placement.Slot)
	if part {
		w.completeStable(ctx, a, *stable, result)
	}
	return true
}

// stableInPlace starts stable again where no router splits the traffic: beside the candidate, or in its place.
func (w *work) stableInPlace(ctx context.Context, a *ledger.Attempt, stable service.Release, result *putBackResult) bool {
	if w.serves(ctx, stable) == nil {
		return true
	}
	candidate := w.recorded(a)
	if candidate != nil && candidate.Placement.Slot == stable.Placement.Slot {
		*candidate, _ = w.hosted(*candidate)
		result.evidence = w.remains(ctx, *candidate)
	} else {
		candidate = nil
	}
	stopped, started := w.backInPlace(ctx, a, stable, candidate)
	if (stopped != nil || started != nil) && w.silent(ctx, stable) {
		// What answers serves again already; the rest does when it is back.
		w.awaitMachines(ctx, stable)
		stopped, started = w.backInPlace(ctx, a, stable, candidate)
	}
	if stopped != nil {
		result.fail("candidate %s could not be stopped: %s", candidate.ID, stopped)
	}
	if started != nil {
		result.fail("stable %s does not run again: %s", stable.ID, started)
	}
	if stopped != nil || started != nil {
		return false
	}
	result.did("stable %s runs again in slot %s", stable.ID, stable.Placement.Slot)
	return true
}

// backInPlace stops the candidate that has stable's slot, nil for none, and starts stable. Where the one is stopped, the other comes back,
// whatever became of other machines.
func (w *work) backInPlace(ctx context.Context, a *ledger.Attempt, stable service.Release, candidate *service.Release) (stopped, started error) {
	if candidate != nil {
		stopped = w.stop(ctx, a.Number, *candidate)
	}
	return stopped, w.startAgain(ctx, a.Number, stable)
}

// startAgain starts what is missing of a release that ran before, and waits for one good answer of each instance. What
// it wrote, and how often it was started, while it ran before is no sign of a bad start now. Where a machine does not answer, it is
// started on the others before that is said.
func (w *work) startAgain(ctx context.Context, attempt int, r service.Release) error {
	instances, silent := w.adapters.Platform.Inspect(ctx, r.Placement)
	if outOfReach(silent) {
		return fmt.Errorf("inspect %s: %w", r.ID, silent)
	}
	restarted := map[string]int{}
	for _, i := range r.Placement.Instances {
		restarted[i.Name] = math.MaxInt // How often those were that are not seen is not known.
	}
	for _, i := range instances {
		restarted[i.Name] = 0
		if i.Running && i.Release == r.ID {
			restarted[i.Name] = i.Restarts
		}
	}
	if err := w.start(ctx, attempt, r); err != nil {
		return err
	}
	return w.awaitHealthy(ctx, r, healthAgain(r), restarted)
}

// healthAgain is how a release that ran before is waited for: one good answer of each instance does, and what it wrote before is no
// sign of a bad start.
func healthAgain(r service.Release) service.Health {
	health := r.Health
	health.MinHealthyTime, health.DenyLogs = 0, nil
	return health
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
	if w.stable(a) == nil {
		// The router has nowhere else to send requests to: they do not end before the release does.
	} else if err := w.drain(ctx, candidate); err != nil {
		// Requests that are still under way after the drain timeout do not keep a bad release alive.
		result.did("draining %s ended early: %s", candidate.ID, err)
	}
	act, done := w.remove, "removed"
	if a.Mode == service.ModeRollback {
		act, done = w.stop, "stopped"
	}
	if err := act(ctx, a.Number, candidate); err != nil {
		result.fail("candidate %s is still there: %s", candidate.ID, err)
		return false
	}
	result.did("candidate %s is %s", candidate.ID, done)
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
	snapshot, err := w.inspect(ctx, *stable)
	switch {
	case err != nil:
		result.fail("what runs could not be inspected: %s", err)
	case !snapshot.Complete(*stable):
		result.fail("stable %s is not complete: %s", stable.ID, describe(snapshot.Instances))
	case snapshot.Weights != nil && snapshot.Weights[stable.Placement.Slot] != 100:
		result.fail("the router's weights are %s, not all with %s", shares(snapshot.Weights), stable.Placement.Slot)
	default:
		result.did("every instance of %s runs it (%d of %d)", stable.ID, len(stable.Placement.Instances), len(stable.Placement.Instances))
	}
}

// closeUntouched ends an attempt that failed before it touched anything.
func (w *work) closeUntouched(ctx context.Context, a *ledger.Attempt, failure ledger.Failure) *Error {
	stage := a.Stage
	e := &Error{
		Summary: stageTitle(stage) + " Failed", What: failure.Reason, Evidence: failure.Evidence,
		Restored: []string{"nothing had been changed"}, Running: w.running(ctx), Next: nextAfter(failure),
	}
	if failure.Cause == ledger.CauseCancelled || failure.Cause == ledger.CauseInterrupted {
		e.Summary = "Release Cancelled"
	}
	closing := wantedEnd(a, ledger.Closing{End: service.EndRestored, Restored: e.Restored})
	closing.Record = w.writeRecord(ctx, a, failure, &putBackResult{done: e.Restored}, closing.End)
	e.Record = closing.Record
	if err := w.append(ctx, ledger.Event{
		Type: ledger.AttemptClosed, Attempt: a.Number, Stage: stage, Release: a.Release, Failure: &failure, Closing: &closing, Text: failure.Reason,
		Notify:   w.message(a.Number, "rolled_back", fmt.Sprintf("%s: %s was not introduced: %s", w.procedure.id, a.Release.Label(), failure.Reason), closing.Record),
		Channels: w.channelsOf(closing, "rolled_back"),
	}); err != nil {
		e.Leftovers = append(e.Leftovers, fmt.Sprintf("the end of attempt %d could not be recorded: %s", a.Number, err))
		return e
	}
	w.discard(ctx)
	return e
}

// closeRestored ends an attempt with what its restore came to.
func (w *work) closeRestored(ctx context.Context, a *ledger.Attempt, failure ledger.Failure, result *putBackResult) *Error {
	stage := a.Stage
	for _, line := range result.evidence {
		if !slices.ContainsFunc(failure.Evidence, func(known string) bool { return sameKind(known, line) }) {
			failure.Evidence = append(failure.Evidence, line)
		}
	}
	e := &Error{
		Summary:  "Release Rolled Back",
		What:     fmt.Sprintf("%s failed at its %s: %s", a.Release, stageWords(stage), failure.Reason),
		Evidence: failure.Evidence, Restored: result.done, Leftovers: result.failures, Next: nextAfter(failure),
	}
	switch {
	case a.Ending != nil:
		e.What = fmt.Sprintf("%s is taken out: %s", a.Release, failure.Reason)
	case failure.Cause == ledger.CauseCancelled:
		e.What = fmt.Sprintf("The introduction of %s was interrupted during its %s", a.Release, stageWords(stage))
	}
	closing := wantedEnd(a, ledger.Closing{End: service.EndRestored, Restored: result.done, Leftovers: result.failures})
	event, text := "rolled_back", "was rolled back: "+failure.Reason
	if !w.lease.Valid() {
		return w.overtaken(ctx, a, failure, result)
	}
	if result.err() != nil {
		closing.End, event, text = service.EndRestoreFailed, "restore_failed", "failed, and so did the restore: "+result.failures[0]
		w.louden(e, a)
	}
	closing.Record = w.writeRecord(ctx, a, failure, result, closing.End)
	e.Record = closing.Record
	if err := w.append(ctx, ledger.Event{
		Type: ledger.AttemptClosed, Attempt: a.Number, Stage: stage, Release: a.Release, Failure: &failure, Closing: &closing, Text: failure.Reason,
		Notify:   w.message(a.Number, event, fmt.Sprintf("%s: %s %s", w.procedure.id, a.Release.Label(), text), closing.Record),
		Channels: w.channelsOf(closing, event),
	}); err != nil {
		e.Leftovers = append(e.Leftovers, fmt.Sprintf("the end of attempt %d could not be recorded; the next run finds it interrupted and looks again: %s", a.Number, err))
		e.Running = w.seen(ctx, a)
		return e
	}
	e.Running = w.running(ctx)
	return e
}

// overtaken ends a restore under a lease that was lost meanwhile: what became of it is told by who has the lease now.
func (w *work) overtaken(ctx context.Context, a *ledger.Attempt, failure ledger.Failure, result *putBackResult) *Error {
	e := &Error{
		Summary: "Lease Lost", What: fmt.Sprintf("%s failed: %s. The restore of attempt %d was cut short: the lease on %s was lost", a.Release, failure.Reason, a.Number, w.procedure.id),
		Evidence: failure.Evidence,
		Restored: result.done, Leftovers: result.failures, Running: w.seen(ctx, a), Err: ledger.ErrLost,
		Next: fmt.Sprintf("Another run may be at work: see `%s history %s`. Then run plan again: it shows what is left.", operatorBinary, w.procedure.id),
	}
	if len(e.Leftovers) == 0 {
		e.Leftovers = []string{"the end of the attempt is not recorded by this run"}
	}
	return e
}

// sameKind tells whether two pieces of evidence are of one kind, such as the last log lines: the failing stage has
// captured it already.
func sameKind(a, b string) bool {
	a, _, _ = strings.Cut(a, ":")
	b, _, _ = strings.Cut(b, ":")
	return a == b
}

// louden makes the error of a restore that failed.
func (w *work) louden(e *Error, a *ledger.Attempt) {
	e.Summary = "Restore Failed"
	e.Next = fmt.Sprintf("A person is needed. Mend what is named under NOT restored, then run `terraform-provider-deploy recover %s` or apply again; "+
		"or, if things are fine as they are, `terraform-provider-deploy accept %s`. Until then the service takes no release.", w.procedure.id, w.procedure.id)
	if a.Checkpoint != nil {
		e.Next += "\n\nBy hand:\n" + a.Checkpoint.Procedure
	}
}

// wantedEnd is how a restored attempt ends: as restored, or as whoever took it away wanted.
func wantedEnd(a *ledger.Attempt, closing ledger.Closing) ledger.Closing {
	if a.Ending != nil {
		closing.End, closing.Hold = a.Ending.End, a.Ending.Hold
	}
	return closing
}

// channelsOf are those that are told of an attempt's end; an abandoned one is nobody's news, its successor is.
func (w *work) channelsOf(closing ledger.Closing, event string) []string {
	if closing.End == service.EndAbandoned {
		return nil
	}
	return w.channels(event)
}

func stageWords(stage service.Stage) string {
	switch stage {
	case service.StageRelease:
		return "start"
	case service.StageSmokeTest:
		return "smoke test"
	case service.StageTrafficSplit:
		return "traffic split"
	case "":
		return "introduction"
	}
	return string(stage)
}

func nextAfter(f ledger.Failure) string {
	switch f.Cause {
	case ledger.CauseCancelled, ledger.CauseInterrupted:
		return "Apply again to introduce it anew, or revert the change."
	case ledger.CauseRefused, ledger.CauseFault:
		return "Mend what is named, and apply again."
	case ledger.CauseEvidence:
	}
	return "Find the cause in the evidence and the record, then release other content; or apply again if the cause was elsewhere."
}
