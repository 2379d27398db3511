package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// checkpointKey is where the document of an attempt's checkpoint lies.
func checkpointKey(id service.ID, attempt int) string {
	return fmt.Sprintf("%s/checkpoints/%04d.json", id, attempt)
}

// RestorePlan says what RestoreCheckpoint is about to do. It changes nothing.
func (p *Procedure) RestorePlan(ctx context.Context, name string, data bool) (string, error) {
	view, err := p.readDefined(ctx)
	if err != nil {
		return "", err
	}
	checkpoint, err := p.findCheckpoint(ctx, &view.State, name)
	if err != nil {
		return "", err
	}
	var parts []string
	if a := view.Interrupted(); a != nil {
		parts = append(parts, fmt.Sprintf("attempt %d of %s, which was interrupted, is recovered first", a.Number, a.Release))
	} else {
		r, err := p.decideRollback(&view.State, checkpoint.Stable.ID)
		if err != nil {
			return "", err
		}
		parts = append(parts, r.words(&view.State))
	}
	taken := checkpoint.TakenAt.UTC().Format("2006-01-02 15:04:05 MST")
	switch names := backupNames(checkpoint); {
	case names == "":
		parts = append(parts, "the checkpoint has no data")
	case data:
		parts = append(parts, fmt.Sprintf("data %s becomes what it was at %s: WHAT WAS WRITTEN SINCE IS LOST", names, taken))
	default:
		parts = append(parts, fmt.Sprintf("data %s stays as it is: to put back what it was at %s, add --data", names, taken))
	}
	return strings.Join(parts, "; "), nil
}

func backupNames(c *service.Checkpoint) string {
	names := make([]string, len(c.Backups))
	for i, b := range c.Backups {
		names[i] = b.Name
	}
	return strings.Join(names, ", ")
}

// RestoreCheckpoint brings back what a checkpoint recorded: its release carries all of the traffic, and where data says so its
// data is put back. name is the checkpoint's id, or its attempt's number. What is taken out is held. It is a rollback like
// any other: journalled, verified, finished by a recovery.
func (p *Procedure) RestoreCheckpoint(ctx context.Context, name string, data bool, reason string) (string, error) {
	ctx, cancel := p.stageContext(ctx)
	defer cancel()
	w, end, err := p.begin(ctx)
	if err != nil {
		return "", err
	}
	defer end()
	defer w.deliverDue(context.WithoutCancel(ctx))
	// Whether it is there, before anything is touched.
	checkpoint, err := p.findCheckpoint(ctx, w.state(), name)
	if err != nil {
		return "", err
	}
	wanted := checkpoint
	if !data || len(checkpoint.Backups) == 0 {
		wanted = nil
	}
	if err := w.verifyData(ctx, wanted); err != nil {
		return "", err
	}
	interrupted := w.state().OpenAttempt()
	settled, err := w.settle(ctx)
	if err != nil {
		return "", err
	}
	if bringsBack(interrupted, checkpoint, wanted) {
		return w.lastEnd(), nil // Done a second time, it would lose what was written since.
	}
	r, err := p.decideRollback(w.state(), checkpoint.Stable.ID)
	if err != nil {
		return "", after(settled, err)
	}
	if err := w.mayRollBack(ctx, checkpoint.Stable.ID); err != nil {
		return "", after(settled, err)
	}
	if err := w.sweepBeforeRollback(ctx, r.to); err != nil {
		return "", err
	}
	if r.takeOut != nil {
		if _, err := w.takeOut(ctx, r.takeOut, reason); err != nil {
			return "", err
		}
	}
	done, err := w.rollBackByOperator(ctx, checkpoint.Stable.ID, "checkpoint "+checkpoint.ID+because(reason), wanted)
	if err != nil || wanted == nil {
		return done, err
	}
	return fmt.Sprintf("%s; data %s is as it was at %s", done, backupNames(checkpoint), checkpoint.TakenAt.UTC().Format("2006-01-02 15:04:05 MST")), nil
}

// bringsBack tells whether an attempt that was interrupted, and is finished now, did what is wanted again.
func bringsBack(interrupted *ledger.Attempt, checkpoint, data *service.Checkpoint) bool {
	a := interrupted
	return a != nil && a.ByOperator && a.Executing && a.Failure == nil && a.Release == checkpoint.Stable.ID &&
		(data == nil || a.Data != nil && a.Data.ID == data.ID && a.Data.Attempt == data.Attempt)
}

// verifyData refuses a checkpoint of which one backup is not whole, before anything is touched; nil: no data is wanted.
func (w *work) verifyData(ctx context.Context, checkpoint *service.Checkpoint) error {
	if checkpoint == nil {
		return nil
	}
	for _, saved := range checkpoint.Backups {
		backup, err := w.procedure.run.connector.Backup(saved.Name, saved.Definition)
		if err == nil {
			err = backup.Verify(ctx, saved.Directory, saved.Files)
		}
		if err != nil {
			return refuse("Backup Not Whole", fmt.Sprintf("Data %s of the checkpoint %s cannot be put back: %s", saved.Name, checkpoint.ID, err),
				"Put the backup back from a copy of the store; or restore without --data, or another checkpoint.")
		}
	}
	return nil
}

// findCheckpoint reads a retained checkpoint that has a release to go back to.
func (p *Procedure) findCheckpoint(ctx context.Context, state *ledger.State, name string) (*service.Checkpoint, error) {
	ref := slices.IndexFunc(state.Checkpoints, func(c ledger.CheckpointRef) bool { return c.ID == name || strconv.Itoa(c.Attempt) == name })
	for i, c := range state.Checkpoints { // the newest of several with one id
		if c.ID == name {
			ref = i
		}
	}
	if ref < 0 {
		known := make([]string, len(state.Checkpoints))
		for i, c := range state.Checkpoints {
			known[i] = fmt.Sprintf("%s (attempt %d)", c.ID, c.Attempt)
		}
		what := "it has none"
		if len(known) > 0 {
			what = "it has " + strings.Join(known, ", ")
		}
		return nil, refuse("Checkpoint Not Found", fmt.Sprintf("%s retains no checkpoint %s: %s", p.id, name, what), "Name one of those.")
	}
	key := checkpointKey(p.id, state.Checkpoints[ref].Attempt)
	object, err := p.run.store.Get(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, refuse("Checkpoint Not Found", fmt.Sprintf("The document of %s is gone from %s", name, store.Location(p.run.store, key)), "Put it back from a backup of the store.")
	}
	if err != nil {
		return nil, fmt.Errorf("read the checkpoint %s: %w", name, err)
	}
	var checkpoint service.Checkpoint
	if err := json.Unmarshal(object.Data, &checkpoint); err != nil {
		return nil, fmt.Errorf("read the checkpoint %s: %w", name, &ledger.DamagedError{Location: store.Location(p.run.store, key), Err: err})
	}
	if checkpoint.Stable == nil {
		return nil, refuse("Nothing To Restore", fmt.Sprintf("Before %s, for which %s was taken, %s had no release", checkpoint.For, checkpoint.ID, p.id),
			"Destroy the release by its HCL, if nothing is to run.")
	}
	return &checkpoint, nil
}
