package release

import (
	"fmt"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/provider/stage"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// warn tells the reader of the plan what the ledger knows beside it. All stages of a service know the same, so this one
// alone speaks: Terraform folds similar warnings into one.
func warn(p stage.Planning[model]) {
	if p.View == nil || p.View.State.LeaseRun == p.Run {
		return // At apply, the plan has said it.
	}
	state := &p.View.State
	switch interrupted := p.View.Interrupted(); {
	case state.Broken != nil:
		p.Warn("Restore Unfinished", brokenText(state))
		return // What else is to be said of its last attempt is in there, and what becomes of it is seen after the restore.
	case interrupted != nil:
		p.Warn("Release Interrupted", interruptedText(*interrupted))
	case p.View.Alive && state.Lease != nil:
		p.Warn("Service In Progress", progressText(*p.View))
	}
	if p.ReleaseChanges != stage.Changed {
		return
	}
	release := service.ReleaseID(p.Plan.Release.ValueString())
	if reason, held := state.Held[release]; held {
		p.Warn("Release Held", fmt.Sprintf("%s is held: %s.%s\n\nAn apply will refuse to introduce it.\n\nNext: give the release other content; or, when the reason is gone, run `terraform-provider-deploy unhold %s`.%s",
			release, reason, failureText(state, release), release.Service(), outside))
		return
	}
	if last, failed := state.LastFailure[release]; failed {
		how, note := ended(state.Attempt(last.Attempt))
		p.Warn("Release Failed Before", fmt.Sprintf("%s was tried %s, and the last attempt, number %d, %s.%s%s",
			release, times(state.Tries[release]), last.Attempt, how, failureText(state, release), note))
		return
	}
	if p.Mode == service.ModeRollback && p.Prior != nil && p.Prior.Mode.ValueString() == string(service.ModeRollback) {
		// `mode` stays as it is, so the plan does not show it.
		p.Warn("Rollback Planned", fmt.Sprintf("%s is kept ready, and is rolled back to once more: one probe of its instances, then all of the traffic of %s at once. "+
			"Checks, window, backups and steps are not asked for.", release, p.Facts.Carries))
	}
}

// ended says how an attempt that failed ended, and why Terraform may wonder; nil: it is not kept any more.
func ended(a *ledger.Attempt) (how, note string) {
	switch {
	case a == nil:
		return "failed", outside
	case a.Accepted:
		return "could not be restored, and an operator accepted what ran then", ""
	case a.End == service.EndRestoreFailed:
		return "could not be restored at first, and was later", outside
	case a.End == service.EndRolledBack:
		return "was rolled back", outside
	case a.End == service.EndAbandoned:
		return "was abandoned", outside
	case a.Undone:
		return "was taken back by a rollback", outside
	}
	return "was undone", outside
}

// outside explains the heading that Terraform gives such a plan.
const outside = "\n\nTerraform may say that objects have changed outside of Terraform: when the attempt was undone, what ran before was put back, and the state now says so."

func failureText(state *ledger.State, release service.ReleaseID) string {
	last, failed := state.LastFailure[release]
	if !failed {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n\nReason: %s", last.Failure.Reason)
	if last.Stage != "" {
		fmt.Fprintf(&b, " (stage %s)", last.Stage)
	}
	for _, evidence := range last.Failure.Evidence {
		fmt.Fprintf(&b, "\n  - %s", strings.ReplaceAll(strings.TrimRight(evidence, "\n"), "\n", "\n    "))
	}
	if last.Record != "" {
		fmt.Fprintf(&b, "\n\nRecord: %s", last.Record)
	}
	return b.String()
}

func interruptedText(a ledger.Attempt) string {
	next := "The apply puts back what ran before, then goes on with this plan."
	if a.Mode == service.ModeRollback {
		next = "The apply finishes the rollback, then goes on with this plan."
	}
	doing := "its stage " + string(a.Stage)
	if a.Restoring {
		doing = "its restore"
	}
	if a.Unfinished != "" {
		return fmt.Sprintf("Attempt %d is not finished: %s. The plan is made as if it were already.\n\nThe apply finishes it, if what was in its way is mended, then goes on with this plan.%s",
			a.Number, a.Unfinished, outside)
	}
	return fmt.Sprintf("A run ended in the middle: attempt %d of %s, in %s. The plan is made as if that had been put right already.\n\n%s%s", a.Number, a.Release, doing, next, outside)
}

func brokenText(state *ledger.State) string {
	var b strings.Builder
	fmt.Fprintf(&b, "The restore of attempt %d failed, and these are left over:", state.Broken.Attempt)
	for _, leftover := range state.Broken.Leftovers {
		fmt.Fprintf(&b, "\n  - %s", leftover)
	}
	b.WriteString("\n\nThe apply tries the restore again, and introduces a release only after it.")
	return b.String()
}

func progressText(view ledger.View) string {
	text := fmt.Sprintf("Another run is at work on this service: %s, since %s, last seen %s ago.",
		view.State.Lease.Holder, view.State.LeaseAcquired.Format(time.RFC3339), view.Seen.Round(time.Second))
	if view.Progress != nil && view.Progress.Text != "" {
		text += " It says: " + view.Progress.Text + "."
	}
	return text + "\n\nAn apply waits for it, and refuses should it have changed what this plan was made for."
}

func times(n int) string {
	if n <= 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
