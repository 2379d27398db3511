package story

import (
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/tools/demo/internal/operator"
)

// The words of the ledger that outcomes are read from.
const (
	eventAttemptOpened  = "attempt_opened"
	eventAttemptClosed  = "attempt_closed"
	eventStageOpened    = "stage_opened"
	eventStageFailed    = "stage_failed"
	eventRestoreStarted = "restore_started"
	eventRecovered      = "recovered"
	eventChangeIntended = "change_intended"

	endFinalized = "finalized"
	endRestored  = "restored"
	modeRollback = "rollback"
	stageRelease = "release"
)

// outcome reads from the exit code of a chapter's last apply, and from what the chapter added to the ledger, how it
// ended.
func outcome(exitCode int, events []operator.Event) Outcome {
	modes := map[int]string{}
	restored, changed := false, false
	var last *operator.Event
	for i, e := range events {
		switch {
		case e.Type == eventAttemptOpened && e.Opening != nil:
			modes[e.Attempt] = e.Opening.Mode
		case e.Type == eventAttemptClosed && e.Closing != nil:
			last = &events[i]
			restored = restored || e.Closing.End == endRestored
		case e.Type == eventRecovered:
			restored = true
		case e.Type == eventChangeIntended:
			changed = true
		}
	}
	switch {
	case exitCode != 0 && !changed && (len(modes) == 0 || last != nil && last.Closing.End == endRestored):
		return Refused
	case last == nil:
		return Failed
	case exitCode != 0 && last.Closing.End == endRestored:
		return Restored
	case exitCode != 0 || last.Closing.End != endFinalized:
		return Failed
	case modes[last.Attempt] == modeRollback:
		return RolledBack
	case restored:
		return Recovered
	}
	return Succeeded
}

// failedAt is the stage at which the last attempt that was restored had failed; empty if none was.
func failedAt(events []operator.Event) (stage string) {
	for _, e := range events {
		if e.Type == eventAttemptClosed && e.Closing != nil && e.Closing.End == endRestored {
			stage = e.Stage
		}
	}
	return stage
}

// decision is when the ledger says that it was decided that a release gives up its traffic: its stage failed (the entry comes after
// the traffic has moved, and says when that was decided), its restore began, or, in a rollback, the stage that replaces it was
// opened. False if nothing of the kind happened.
func decision(events []operator.Event) (time.Time, bool) {
	rollback := map[int]bool{}
	for _, e := range events {
		switch {
		case e.Type == eventStageFailed && e.Failure != nil && !e.Failure.DecidedAt.IsZero():
			return e.Failure.DecidedAt, true
		case e.Type == eventStageFailed || e.Type == eventRestoreStarted:
			return e.Time, true
		case e.Type == eventAttemptOpened && e.Opening != nil:
			rollback[e.Attempt] = e.Opening.Mode == modeRollback
		case e.Type == eventStageOpened && e.Stage == stageRelease && rollback[e.Attempt]:
			return e.Time, true
		}
	}
	return time.Time{}, false
}
