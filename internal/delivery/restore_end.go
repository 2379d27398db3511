package delivery

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// How a restored attempt ends, and what is said of it.

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
	writing, cancel := w.rescue(ctx, closingTimeout)
	defer cancel()
	closing.Record = w.writeRecord(writing, a, failure, &putBackResult{done: e.Restored}, closing.End)
	e.Record = closing.Record
	if err := w.append(writing, ledger.Event{
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
		w.louden(e, a, result)
	}
	writing, cancel := w.rescue(ctx, closingTimeout)
	defer cancel()
	closing.Record = w.writeRecord(writing, a, failure, result, closing.End)
	e.Record = closing.Record
	if err := w.append(writing, ledger.Event{
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
func (w *work) louden(e *Error, a *ledger.Attempt, result *putBackResult) {
	e.Summary = "Restore Failed"
	if result.untold != nil {
		e.Next = "A person is needed. " + w.nextUntold() + " Until then the service takes no release."
		return
	}
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
