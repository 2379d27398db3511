package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// What commands are about to do, in words: from which release to which.

// recoveryWords says what a recovery comes to; empty where there is nothing to do.
func recoveryWords(view ledger.View) string {
	state := &view.State
	a := view.Interrupted()
	switch {
	case state.Broken != nil:
		text := fmt.Sprintf("the restore of attempt %d, which failed, is tried again: %s", state.Broken.Attempt, backTo(state.Stable))
		if a != nil {
			text = fmt.Sprintf("the restore of attempt %d of %s, which failed, is tried again: %s", a.Number, a.Release, backTo(state.Stable))
		}
		if len(state.Broken.Leftovers) > 0 {
			text += "; it had left: " + strings.Join(state.Broken.Leftovers, "; ")
		}
		return text
	case a != nil && view.Void() == 0 && a.Unfinished != "":
		return fmt.Sprintf("the rollback from %s to %s is finished: %s; it was not before: %s", orNone(a.Replaces), a.Release, backTo(a.Release), a.Unfinished)
	case a != nil && a.Restoring && a.Unfinished != "":
		return fmt.Sprintf("that %s (attempt %d) is taken out is finished: %s; it was not before: %s", a.Release, a.Number, backTo(state.Stable), a.Unfinished)
	case a != nil && view.Void() == 0:
		return fmt.Sprintf("the rollback from %s to %s, which was interrupted, is finished: %s", orNone(a.Replaces), a.Release, backTo(a.Release))
	case a != nil && a.Restoring:
		return fmt.Sprintf("the restore after attempt %d of %s, which was interrupted, is finished: %s", a.Number, a.Release, backTo(state.Stable))
	case a != nil:
		return fmt.Sprintf("the introduction of %s (attempt %d, at %d %%), which was interrupted, is taken back: %s", a.Release, a.Number, a.Weight, backTo(state.Stable))
	}
	if words := orderWords(view); words != "" {
		return words
	}
	switch {
	case view.Alive:
		return fmt.Sprintf("%s is at work on it: it is waited for, and what it leaves unfinished is put right", state.Lease.Holder)
	case len(state.Due) > 0:
		return "nothing was interrupted; the messages that are due are sent"
	}
	return ""
}

// orderWords says what a recovery puts in order where nothing was interrupted; empty where all is.
func orderWords(view ledger.View) string {
	var parts []string
	if untidied := view.Untidied(); untidied != nil {
		parts = append(parts, fmt.Sprintf("what %s took the place of is stopped", untidied.Release))
	} else if view.Unsettled() {
		parts = append(parts, "what earlier releases may have left is stopped")
	}
	if !view.Alive && delivery.Unsized(&view.State) {
		parts = append(parts, "what runs is brought to the hosts that the service has")
	}
	return strings.Join(parts, "; ")
}

func backTo(stable service.ReleaseID) string {
	if stable == "" {
		return "nothing runs then"
	}
	return fmt.Sprintf("%s has all of the traffic then", stable)
}

func orNone(r service.ReleaseID) string {
	if r == "" {
		return "no release"
	}
	return string(r)
}

// guardWords says what a guard watches over; found is false where nothing is open, and then the words say so.
func guardWords(view ledger.View) (words string, found bool) {
	state := &view.State
	a := state.OpenAttempt()
	if a == nil {
		words = "nothing is parked"
		if n := len(state.Attempts); n > 0 {
			last := state.Attempts[n-1]
			words = fmt.Sprintf("nothing is parked: attempt %d of %s ended %s", last.Number, last.Release, last.End)
		}
		return words, false
	}
	return fmt.Sprintf("%s (attempt %d, at %d %%) is judged while it is parked; on evidence against it it is rolled back: %s", a.Release, a.Number, a.Weight, backTo(state.Stable)), true
}

// heldOf lists the releases that are held, each with the reason.
func heldOf(held map[service.ReleaseID]string) string {
	names := make([]string, 0, len(held))
	for _, r := range slices.Sorted(maps.Keys(held)) {
		names = append(names, fmt.Sprintf("%s (%s)", r, held[r]))
	}
	return strings.Join(names, ", ")
}
