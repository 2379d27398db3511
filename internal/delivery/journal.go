package delivery

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/crashpoint"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/fence"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Every change of the outside world goes through this file: the intent is in the ledger before it, the outcome after
// it. A test sees to it that no other file calls an adapter's method that changes something.

// change journals one change of the outside world and makes it.
func (w *work) change(ctx context.Context, attempt int, action, target string, make func(context.Context) error) error {
	return w.changeData(ctx, attempt, ledger.Change{Action: action, Target: target}, make)
}

// unheardOutcome bounds how long the record of an outcome keeps back a caller who has given up: traffic has to move. A recovery
// copes without it.
const unheardOutcome = 300 * time.Millisecond

// recording is the context of writing a fact: it goes on for unheardOutcome when the caller gives up meanwhile.
func recording(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(unheardOutcome, cancel) })
	return longer, func() { stop(); cancel() }
}

// changeData is change; intent says more of it.
func (w *work) changeData(ctx context.Context, attempt int, intent ledger.Change, make func(context.Context) error) error {
	action, target := intent.Action, intent.Target
	intent.ID = w.state().LastChange + 1
	a := w.state().Attempt(attempt)
	unmoved := a != nil && a.Unmoved
	if err := w.append(ctx, ledger.Event{Type: ledger.ChangeIntended, Attempt: attempt, Change: &intent}); err != nil {
		return fmt.Errorf("%s %s: %w", action, target, err)
	}
	err := w.made(ctx, action, make)
	outcome := intent
	if err != nil {
		outcome.Error = err.Error()
		putBack := (*Unmoved)(nil)
		outcome.Unmoved = unmoved && errors.As(err, &putBack)
	}
	// The outcome is a fact, also when the caller has given up meanwhile, or does while it is written.
	recording, cancel := recording(ctx)
	defer cancel()
	if journalErr := w.append(recording, ledger.Event{Type: ledger.ChangeMade, Attempt: attempt, Change: &outcome}); journalErr != nil && err == nil {
		return fmt.Errorf("%s %s: %w", action, target, journalErr)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", action, target, err)
	}
	return nil
}

// made makes a change. The entry before it may have taken long: the lease is asked once more, whatever the adapter does.
func (w *work) made(ctx context.Context, action string, make func(context.Context) error) error {
	ctx = w.fenced(ctx, w.lease.Valid)
	if err := fence.Check(ctx, "change "+action); err != nil {
		return err
	}
	return make(ctx)
}

// fenced has the epoch of the lease go with a change; valid is asked once more right before its effect.
func (w *work) fenced(ctx context.Context, valid func() bool) context.Context {
	return fence.With(ctx, fence.Fence{Ledger: w.state().Origin, Epoch: w.lease.Epoch(), Valid: valid})
}

func target(r service.Release) string {
	text := string(r.ID) + " in slot " + r.Placement.Slot
	if hosts := hostsOf(r.Placement); len(hosts) > 0 {
		text += " on " + strings.Join(hosts, ", ")
	}
	return text
}

// place records where the release will be, then puts its files there: killed in the middle, a restore knows where to look.
func (w *work) place(ctx context.Context, attempt int, r service.Release, slot string) (service.Release, error) {
	placement, err := w.adapters.Platform.Placement(r, slot)
	if err != nil {
		return r, fmt.Errorf("place %s: %w", r.ID, err)
	}
	r.Placement = placement
	return r, w.placeAt(ctx, attempt, r)
}

// placeAt is place where r's placement says.
func (w *work) placeAt(ctx context.Context, attempt int, r service.Release) error {
	if err := w.append(ctx, ledger.Event{Type: ledger.ReleaseRecorded, Attempt: attempt, Release: r.ID, Record: &r}); err != nil {
		return fmt.Errorf("record %s: %w", r.ID, err)
	}
	return w.placeAgain(ctx, attempt, r)
}

// placeAgain puts the files of a recorded release where its instances find them.
func (w *work) placeAgain(ctx context.Context, attempt int, r service.Release) error {
	return w.change(ctx, attempt, "place", target(r), func(ctx context.Context) error {
		err := w.clock.untimed(func() error {
			_, err := w.adapters.Platform.Place(ctx, r, r.Placement.Slot)
			return err
		})
		return w.withoutOldFiles(r, err)
	})
}

func (w *work) start(ctx context.Context, attempt int, r service.Release) error {
	environment, err := w.environment(r.Content)
	if err != nil {
		return fmt.Errorf("start %s: %w", r.ID, err)
	}
	return w.change(ctx, attempt, "start", target(r), func(ctx context.Context) error {
		// What did not start may say why in words of its own.
		return w.scrubbed(w.adapters.Platform.Start(ctx, r, environment), r)
	})
}

func (w *work) stop(ctx context.Context, attempt int, r service.Release) error {
	return w.change(ctx, attempt, "stop", target(r), func(ctx context.Context) error {
		return w.adapters.Platform.Stop(ctx, r.Placement)
	})
}

// removePart removes a release from some of its hosts: it stays in the ledger.
func (w *work) removePart(ctx context.Context, attempt int, part service.Release) error {
	return w.change(ctx, attempt, "remove", target(part), func(ctx context.Context) error {
		return w.adapters.Platform.Remove(ctx, part.Placement)
	})
}

func (w *work) remove(ctx context.Context, attempt int, r service.Release) error {
	if err := w.removePart(ctx, attempt, r); err != nil {
		return err
	}
	return w.append(ctx, ledger.Event{Type: ledger.ReleaseRemoved, Attempt: attempt, Release: r.ID})
}

// shares writes weights for people: "blue 75 %, green 25 %".
func shares(weights map[string]int) string {
	parts := make([]string, 0, len(weights))
	for _, slot := range slices.Sorted(maps.Keys(weights)) {
		parts = append(parts, fmt.Sprintf("%s %d %%", slot, weights[slot]))
	}
	return strings.Join(parts, ", ")
}

// totalOf weights is 100, 0 or, where parts of the router differ, between (Router.Weights).
func totalOf(weights map[string]int) (sum int) {
	for _, weight := range weights {
		sum += weight
	}
	return sum
}

func (w *work) setWeights(ctx context.Context, attempt int, weights map[string]int) error {
	return w.splitAmong(ctx, attempt, weights, w.inSlots())
}

// splitAmong is setWeights for other instances than those that the ledger has in the slots.
func (w *work) splitAmong(ctx context.Context, attempt int, weights map[string]int, placements []service.Placement) error {
	return w.splitAs(ctx, attempt, Split{Weights: weights, Placements: placements})
}

func (w *work) splitAs(ctx context.Context, attempt int, split Split) error {
	return w.change(ctx, attempt, ledger.ActionWeights, shares(split.Weights), func(ctx context.Context) error {
		return w.adapters.Router.SetWeights(ctx, split)
	})
}

// inSlots are the placements of what is in the slots by the ledger: the candidate's or the stable release's, or else the last that was
// there and is kept.
func (w *work) inSlots() []service.Placement {
	state := w.state()
	bySlot := map[string]service.Placement{}
	note := func(r service.Release) {
		if r.Placement.Placed() {
			here, _ := w.hosted(r)
			bySlot[r.Placement.Slot] = here.Placement
		}
	}
	for _, id := range slices.Backward(state.Kept) {
		note(state.Releases[id])
	}
	if stable := state.StableRelease(); stable != nil {
		note(*stable)
	}
	if a := state.OpenAttempt(); a != nil && a.Release != state.Stable {
		note(state.Releases[a.Release])
	}
	placements := make([]service.Placement, 0, len(bySlot))
	for _, slot := range slices.Sorted(maps.Keys(bySlot)) {
		placements = append(placements, bySlot[slot])
	}
	return placements
}

// setWeightsFirst moves traffic to stable without an entry of its own: the entry that opened the stage authorises its
// owner to, so that a store that does not answer never stands between users and the stable release.
func (w *work) setWeightsFirst(ctx context.Context, weights map[string]int) error {
	if !w.lease.MayGiveBack() {
		return fmt.Errorf("set the weights to %s: %w", shares(weights), ledger.ErrLost)
	}
	crashpoint.Reach("before traffic first")
	split := Split{Weights: weights, Placements: w.inSlots(), Back: true}
	if err := w.adapters.Router.SetWeights(w.fenced(ctx, w.lease.MayGiveBack), split); err != nil {
		return fmt.Errorf("set the weights to %s: %w", shares(weights), err)
	}
	crashpoint.Reach("after traffic first")
	return nil
}

func (w *work) saveBackup(ctx context.Context, attempt int, name string, b Backup, dir string) (files []service.BackupFile, err error) {
	intent := ledger.Change{Action: ledger.ActionBackup, Target: name + " to " + dir, Place: dir}
	err = w.changeData(ctx, attempt, intent, func(ctx context.Context) error {
		files, err = b.Save(ctx, dir)
		return err
	})
	return files, err
}

func (w *work) restoreBackup(ctx context.Context, attempt int, b service.SavedBackup, backup Backup) error {
	intent := ledger.Change{Action: "restore", Target: b.Name + " from " + b.Directory, Data: b.Name}
	return w.changeData(ctx, attempt, intent, func(ctx context.Context) error {
		return backup.Restore(ctx, b.Directory)
	})
}

// environment of a release: its configuration, and its secrets by the named credentials. The error names every one that cannot be had.
func (w *work) environment(c service.Content) (map[string]string, error) {
	environment := make(map[string]string, len(c.Config)+len(c.Secrets))
	for name, value := range c.Config {
		environment[name] = value
	}
	var missing []string
	for _, name := range slices.Sorted(maps.Keys(c.Secrets)) {
		value, err := w.procedure.run.connector.Credentials().Lookup(c.Secrets[name])
		if err != nil {
			missing = append(missing, fmt.Sprintf("secret %s: %s", name, err))
			continue
		}
		environment[name] = value
	}
	if len(missing) > 0 {
		return nil, errors.New(strings.Join(missing, "; "))
	}
	return environment, nil
}

func (w *work) deleteBackup(ctx context.Context, attempt int, dir string) error {
	intent := ledger.Change{Action: ledger.ActionDeleteBackup, Target: dir, Place: dir}
	return w.changeData(ctx, attempt, intent, func(ctx context.Context) error {
		return w.procedure.run.connector.DeleteBackup(ctx, dir)
	})
}
