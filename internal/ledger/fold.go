package ledger

import (
	"fmt"
	"maps"
	"slices"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// NewerError refuses an event that only a newer binary can read.
type NewerError struct {
	Number, MinVersion int
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("event %d needs version %d of the ledger, this binary reads up to %d: upgrade the provider", e.Number, e.MinVersion, Version)
}

// Fold applies one event to a state. It is pure: the same events always come to the same state. It fails on an
// event that does not follow the state, and with *NewerError on one from a newer version.
func Fold(s State, e Event) (State, error) {
	if e.MinVersion > Version {
		return s, &NewerError{Number: e.Number, MinVersion: e.MinVersion}
	}
	if e.Number != s.Number+1 {
		return s, fmt.Errorf("event %d does not follow event %d", e.Number, s.Number)
	}
	s = s.clone()
	s.Number, s.Nonce = e.Number, e.Nonce
	if e.Number == 1 {
		s.Origin = e.Nonce
	}
	if apply, known := transitions[e.Type]; known {
		apply(&s, e)
	} else {
		return s, fmt.Errorf("event %d has the unknown type %q", e.Number, e.Type)
	}
	for _, channel := range e.Channels {
		if e.Notify != nil && e.Type != Notified {
			s.Due = append(s.Due, DueMessage{Channel: channel, Message: *e.Notify})
		}
	}
	s.prune()
	return s, nil
}

// admits refuses what a writer must not add to a state: it comes of a knowledge older than the state. Readers are not asked:
// what is written is written.
func (s State) admits(e Event) error {
	open := s.OpenAttempt()
	switch e.Type { //nolint:exhaustive // the others are facts at any time
	case AttemptOpened:
		if open != nil {
			return fmt.Errorf("attempt %d of %s is open already", open.Number, open.Release)
		}
		if e.Attempt != s.LastAttempt+1 {
			return fmt.Errorf("attempt %d does not follow attempt %d", e.Attempt, s.LastAttempt)
		}
	case AttemptClosed, StageOpened, StageFailed, RestoreStarted:
		if open == nil || open.Number != e.Attempt {
			return fmt.Errorf("attempt %d has ended", e.Attempt)
		}
	}
	return nil
}

// transitions says for each type what its events change.
var transitions = map[Type]func(*State, Event){
	ServiceDefined: func(s *State, e Event) {
		s.Definition, s.Arguments, s.Owner, s.Retired, s.DefinedRun = e.Definition, e.Arguments, e.Owner, false, e.Run
	},
	ServiceRetired: func(s *State, _ Event) { s.Owner, s.Retired = "", true },

	Adopted: adopt,

	CandidateJudged: func(*State, Event) {},

	LeftOutStopped: func(s *State, e Event) {
		for _, p := range e.LeftOut {
			s.settleLeftOut(p)
		}
	},

	LeaseAcquired: func(s *State, e Event) {
		if s.Lease != nil {
			s.lost(s.LeaseRun)
		}
		s.Epoch, s.Lease, s.LeaseRun, s.LeaseAcquired = e.Epoch, e.Lease, e.Run, e.Time
	},
	LeaseReleased: func(s *State, e Event) {
		if e.Lease != nil && e.Lease.Orphaned {
			s.lost(s.LeaseRun)
		}
		s.Lease, s.LeaseRun = nil, ""
	},

	AttemptOpened: func(s *State, e Event) {
		a := Attempt{Number: e.Attempt, Release: e.Release, Run: e.Run, FirstEvent: e.Number, OpenedAt: e.Time, Unmoved: true, Passages: map[service.Stage]Passage{}}
		if e.Opening != nil {
			a.Mode, a.Replaces, a.ByOperator, a.Reason, a.Data = e.Opening.Mode, e.Opening.Replaces, e.Opening.ByOperator, e.Opening.Reason, e.Opening.Data
		}
		s.Attempts = append(s.Attempts, a)
		s.LastAttempt = e.Attempt
		s.Tries[e.Release]++
	},
	AttemptClosed: closeAttempt,

	StageOpened: onAttempt(func(_ *State, a *Attempt, e Event) {
		a.Stage, a.StageOpenedAt, a.Deadline, a.Paused = e.Stage, e.Time, e.Deadline, ""
		if e.Stage == service.StageRelease {
			a.Executing = true
			a.MaxAttempts = e.MaxAttempts
		}
		if e.Stage == service.StageTrafficSplit {
			a.Split = e.Spec
		}
	}),
	StagePassed: onAttempt(func(_ *State, a *Attempt, e Event) {
		a.Stage = ""
		if e.Passage != nil {
			a.Passages[e.Stage] = *e.Passage
		}
	}),
	StagePaused: onAttempt(func(_ *State, a *Attempt, e Event) { a.Stage, a.Paused = "", e.Text }),
	StageFailed: onAttempt(func(_ *State, a *Attempt, e Event) {
		a.Failure = e.Failure
		a.Restoring = true
	}),
	StageForgotten: func(s *State, e Event) {
		for i := range s.Attempts {
			delete(s.Attempts[i].Passages, e.Stage)
		}
	},
	ArgumentsChanged: onAttempt(func(_ *State, a *Attempt, e Event) {
		if e.Passage != nil {
			a.Passages[e.Stage] = *e.Passage
		}
	}),

	ChangeIntended: func(s *State, e Event) {
		if e.Change != nil {
			s.Pending = append(s.Pending, *e.Change)
			s.LastChange = e.Change.ID
			switch a := s.Attempt(e.Attempt); {
			case a == nil:
			case e.Change.Action == ActionBackup:
				a.Saving = append(slices.Clone(a.Saving), e.Change.Place)
			case e.Change.Action == ActionWeights:
				a.Unmoved = false
			}
		}
	},
	ChangeMade: func(s *State, e Event) {
		if e.Change == nil {
			return
		}
		s.Pending = slices.DeleteFunc(s.Pending, func(c Change) bool {
			// Made anew, it does not matter any more what became of one that a killed run had intended.
			return c.ID == e.Change.ID || e.Change.Error == "" && c.Action == e.Change.Action && c.Target == e.Change.Target
		})
		if e.Change.Action == ActionDeleteBackup && e.Change.Error == "" {
			s.Discard = slices.DeleteFunc(s.Discard, func(place string) bool { return place == e.Change.Place })
		}
		a := s.Attempt(e.Attempt)
		if a != nil && e.Change.Data != "" && e.Change.Error == "" {
			a.DataRestored = append(slices.Clone(a.DataRestored), e.Change.Data)
		}
		if a != nil && e.Change.Unmoved {
			a.Unmoved = true
		}
	},
	ReleaseRecorded: func(s *State, e Event) {
		if e.Record != nil {
			s.Releases[e.Record.ID] = *e.Record
			s.settleLeftOut(e.Record.Placement)
			s.leaveOut(e.LeftOut)
		}
	},
	ReleaseRemoved: func(s *State, e Event) {
		delete(s.Releases, e.Release)
		if s.Stable == e.Release { // The service is being stopped: from here on there is nothing to go back to.
			s.Stable = ""
			for i := range s.Attempts {
				if a := &s.Attempts[i]; a.Release == e.Release && !a.Open() {
					a.Undone = true
				}
			}
		}
		s.Kept = slices.DeleteFunc(s.Kept, func(r service.ReleaseID) bool { return r == e.Release })
	},
	WeightReached: onAttempt(func(_ *State, a *Attempt, e Event) {
		if e.Weight == nil {
			return
		}
		a.Weight = *e.Weight
		if e.Judged || a.Judged > a.Weight {
			a.Judged = a.Weight
		}
	}),
	CheckpointTaken: onAttempt(func(s *State, a *Attempt, e Event) {
		if e.Checkpoint == nil {
			return
		}
		a.Checkpoint, a.Saving = e.Checkpoint, nil
		ref := CheckpointRef{ID: e.Checkpoint.ID, Attempt: a.Number, Location: e.Checkpoint.Location}
		for _, b := range e.Checkpoint.Backups {
			ref.Data = append(ref.Data, b.Directory)
		}
		s.Checkpoints = slices.DeleteFunc(s.Checkpoints, func(c CheckpointRef) bool {
			for _, place := range c.Data { // Of one that this takes the place of.
				if c.Attempt == a.Number && !slices.Contains(ref.Data, place) {
					s.Discard = append(s.Discard, place)
				}
			}
			return c.Attempt == a.Number
		})
		s.Checkpoints = append(s.Checkpoints, ref)
	}),
	CheckpointPruned: func(s *State, e Event) {
		// Pruned while its attempt is open it is about to be retaken: until then there is none.
		if a := s.Attempt(e.Attempt); a != nil && a.Open() && !a.Executing {
			a.Checkpoint = nil
			delete(a.Passages, service.StageCheckpoint)
		}
		s.Checkpoints = slices.DeleteFunc(s.Checkpoints, func(c CheckpointRef) bool {
			if c.Attempt == e.Attempt {
				s.Discard = append(s.Discard, c.Data...)
			}
			return c.Attempt == e.Attempt
		})
	},
	RestoreStarted: onAttempt(func(_ *State, a *Attempt, e Event) {
		a.Restoring = true
		if a.Failure == nil {
			a.Failure = e.Failure
		}
		if a.Ending == nil {
			a.Ending = e.Closing
		}
		if e.Unfinished != "" {
			a.Unfinished = e.Unfinished
		}
	}),
	Tidied: func(s *State, e Event) {
		if e.Attempt == s.Untidy {
			s.Untidy = 0
		}
		s.Pending = nil // What one of those that were killed at it had intended is done by now.
	},
	Recovered: func(s *State, e Event) {
		if e.Closing != nil && e.Closing.Hold {
			s.Held[e.Release] = e.Text
		}
		s.mend(e.Remaining)
	},
	Accepted: accept,
	Unheld: func(s *State, e Event) {
		delete(s.Held, e.Release)
		delete(s.Failures, e.Release)
	},
	ServiceStopped: func(s *State, e Event) {
		if a := s.OpenAttempt(); a != nil {
			a.End, a.EndedAt, a.Stage, a.Restoring = service.EndAbandoned, e.Time, "", false
			s.Discard, a.Saving = append(s.Discard, a.Saving...), nil
		}
		for i := range s.Attempts {
			s.Attempts[i].Undone = true
		}
		s.Stable, s.Kept, s.Releases, s.LeftOut, s.Pending, s.Broken = "", nil, map[service.ReleaseID]service.Release{}, nil, nil, nil
		s.Untidy = 0
	},
	Notified: func(s *State, e Event) {
		if e.Notify != nil {
			s.Due = slices.DeleteFunc(s.Due, func(d DueMessage) bool {
				return d.Message.ID == e.Notify.ID && slices.Contains(e.Channels, d.Channel)
			})
		}
	},
}

// onAttempt applies a transition to the attempt that the event names, if it is still known.
func onAttempt(apply func(*State, *Attempt, Event)) func(*State, Event) {
	return func(s *State, e Event) {
		if a := s.Attempt(e.Attempt); a != nil {
			apply(s, a, e)
		}
	}
}

// clone copies all that Fold changes, so that folding never writes into a state that somebody else holds.
func (s State) clone() State {
	s.LostRuns, s.Kept = slices.Clone(s.LostRuns), slices.Clone(s.Kept)
	s.Checkpoints, s.Pending, s.Due = slices.Clone(s.Checkpoints), slices.Clone(s.Pending), slices.Clone(s.Due)
	s.Discard, s.LeftOut = slices.Clone(s.Discard), slices.Clone(s.LeftOut)
	s.Attempts = slices.Clone(s.Attempts)
	for i := range s.Attempts {
		if s.Attempts[i].Passages = maps.Clone(s.Attempts[i].Passages); s.Attempts[i].Passages == nil {
			s.Attempts[i].Passages = map[service.Stage]Passage{}
		}
	}
	s.Releases, s.Held, s.Failures = cloned(s.Releases), cloned(s.Held), cloned(s.Failures)
	s.Tries, s.LastFailure = cloned(s.Tries), cloned(s.LastFailure)
	return s
}

func cloned[K comparable, V any](m map[K]V) map[K]V {
	if m == nil {
		return map[K]V{}
	}
	return maps.Clone(m)
}
