package delivery

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/store"
)

// CheckpointID is the id of the checkpoint that is taken for a release: known as soon as the release's is.
func CheckpointID(release service.ReleaseID) string { return string(release) + "/checkpoint" }

// Checkpoint is step 2: what runs is recorded, data is backed up and verified, and the way back is written down.
func (p *Procedure) Checkpoint(ctx context.Context, request Request, spec CheckpointSpec) (Outcome, error) {
	return p.runStage(ctx, service.StageCheckpoint, request, spec, func(ctx context.Context, s *stageWork) error {
		s.validFor = spec.ValidFor.D()
		backups := spec.Backups
		if s.standing || s.current().Executing {
			// What one would go back to is recorded already.
			s.exports.CheckpointID = CheckpointID(request.Release)
			if taken := s.current().Checkpoint; taken != nil {
				s.exports.Location, s.exports.Procedure = taken.Location, taken.Procedure
			}
			return nil
		}
		if s.current().Mode == service.ModeRollback {
			backups = nil // A rollback does not wait for a backup.
		}
		checkpoint, err := s.takeCheckpoint(ctx, backups)
		if err != nil {
			return err
		}
		s.exports.CheckpointID, s.exports.Location, s.exports.Procedure = checkpoint.ID, checkpoint.Location, checkpoint.Procedure
		return s.pruneCheckpoints(ctx, spec.Retain)
	})
}

// takeCheckpoint records the stable release, the weights and the data, and writes the document.
func (s *stageWork) takeCheckpoint(ctx context.Context, backups map[string]service.Backup) (*service.Checkpoint, error) {
	checkpoint := &service.Checkpoint{
		ID: CheckpointID(s.request.Release), For: s.request.Release, Attempt: s.number,
		Stable: s.state().StableRelease(), TakenAt: s.now(),
	}
	if s.adapters.Router != nil {
		weights, err := s.adapters.Router.Weights(ctx)
		if err != nil && s.current().Mode != service.ModeRollback { // One is not kept from going back by a part of the router that is gone.
			return nil, fmt.Errorf("read the weights for the checkpoint: %w", err)
		}
		checkpoint.Weights = weights
	}
	names := make([]string, 0, len(backups))
	for name := range backups {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		saved, err := s.backUp(ctx, name, backups[name])
		if err != nil {
			return nil, err
		}
		checkpoint.Backups = append(checkpoint.Backups, saved)
	}
	key := checkpointKey(s.procedure.id, s.number)
	checkpoint.Location = store.Location(s.procedure.run.store, key)
	procedure, err := s.writeProcedure(checkpoint)
	if err != nil {
		return nil, err
	}
	checkpoint.Procedure = procedure
	document, err := json.MarshalIndent(checkpoint, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the checkpoint: %w", err)
	}
	if err := s.procedure.run.store.Put(ctx, key, document); err != nil {
		return nil, fmt.Errorf("write the checkpoint to %s: %w", checkpoint.Location, err)
	}
	return checkpoint, s.append(ctx, ledger.Event{
		Type: ledger.CheckpointTaken, Attempt: s.number, Release: s.request.Release, Checkpoint: checkpoint,
		Text: fmt.Sprintf("checkpoint of %s taken for %s", orNothing(s.state().Stable), s.request.Release),
	})
}

// backUp saves one piece of data and verifies it: an unverified backup is none.
func (s *stageWork) backUp(ctx context.Context, name string, definition service.Backup) (service.SavedBackup, error) {
	saved := service.SavedBackup{
		Name: name, Definition: definition, Directory: s.procedure.run.connector.BackupPlace(s.procedure.id, s.number, name),
	}
	backup, err := s.procedure.run.connector.Backup(name, definition)
	if err != nil {
		return saved, fmt.Errorf("back up %s: %w", name, err)
	}
	// What an earlier try of this attempt left there was never a backup, or is an old one, which counts no longer from here on.
	if s.current().Checkpoint != nil {
		if err := s.append(ctx, ledger.Event{Type: ledger.CheckpointPruned, Attempt: s.number}); err != nil {
			return saved, err
		}
	}
	if err := s.deleteBackup(ctx, s.number, saved.Directory); err != nil {
		return saved, err
	}
	s.report(s.number, s.stage, 0, s.now(), "%s is backed up to %s", name, saved.Directory)
	if saved.Files, err = s.saveBackup(ctx, s.number, name, backup, saved.Directory); err != nil {
		return saved, err
	}
	if err := backup.Verify(ctx, saved.Directory, saved.Files); err != nil {
		return saved, fmt.Errorf("verify the backup of %s: %w", name, err)
	}
	return saved, nil
}

// writeProcedure writes how to restore by hand: comments for people, commands for a shell.
func (s *stageWork) writeProcedure(c *service.Checkpoint) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "# Restore %s to what it was before %s, by hand. Run the commands in order, in bash.\n", s.procedure.id, c.For)
	if c.Stable == nil {
		b.WriteString("# There was no release before: nothing to go back to.\n")
	} else {
		fmt.Fprintf(&b, "# 1. Traffic and instances: %s back in slot %s.\n", c.Stable.ID, c.Stable.Placement.Slot)
		if variables := credentialVariables(c.Stable.Content); len(variables) > 0 {
			fmt.Fprintf(&b, "#    To be started again it needs its secrets, in the environment: %s.\n", strings.Join(variables, ", "))
		}
		fmt.Fprintf(&b, "%s rollback %s --to %s --yes --store '%s'\n", operatorBinary, s.procedure.id, c.Stable.ID, s.procedure.run.store.URL())
	}
	for i, saved := range c.Backups {
		backup, err := s.procedure.run.connector.Backup(saved.Name, saved.Definition)
		if err != nil {
			return "", fmt.Errorf("write the procedure for %s: %w", saved.Name, err)
		}
		fmt.Fprintf(&b, "# %d. Data %s, as it was at %s; what was written since is lost.\n", i+2, saved.Name, c.TakenAt.Format("2006-01-02 15:04:05 MST"))
		b.WriteString(strings.Join(backup.Procedure(saved.Directory), "\n") + "\n")
	}
	return b.String(), nil
}

// credentialVariables are the variables that the secrets of a content can be given in.
func credentialVariables(c service.Content) []string {
	var variables []string
	for _, credential := range c.Secrets {
		variables = append(variables, service.CredentialVariable(credential))
	}
	slices.Sort(variables)
	return slices.Compact(variables)
}

// operatorBinary is what people call the provider's binary.
const operatorBinary = "terraform-provider-deploy"

// pruneCheckpoints forgets the oldest checkpoints, with their data, beyond retain.
func (s *stageWork) pruneCheckpoints(ctx context.Context, retain int) error {
	checkpoints := s.state().Checkpoints
	for len(checkpoints) > max(retain, 1) && checkpoints[0].Attempt != s.number {
		oldest := checkpoints[0]
		checkpoints = checkpoints[1:]
		// First it is listed no more, then it goes: what is listed is whole.
		if err := s.append(ctx, ledger.Event{Type: ledger.CheckpointPruned, Attempt: oldest.Attempt}); err != nil {
			return err
		}
	}
	s.discard(ctx)
	return nil
}

// discard deletes backups that no checkpoint lists. What cannot be deleted now is tried again with the next release.
func (w *work) discard(ctx context.Context) {
	state := w.state()
	for _, place := range state.Discard {
		if err := w.deleteBackup(ctx, state.LastAttempt, place); err != nil {
			w.warn("Backup Not Deleted", fmt.Sprintf("A backup that no checkpoint lists is still at %s: %s.", place, err))
		}
	}
}
