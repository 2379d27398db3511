package ledger

import (
	"fmt"
	"maps"
	"slices"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

const (
	endedAttemptsKept = 5
	lostRunsKept      = 20
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
		a := Attempt{Number: e.Attempt, Release: e.Release, Run: e.Run, FirstEvent: e.Number, OpenedAt: e.Time, Passages: map[service.Stage]Passage{}}
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
			if a := s.Attempt(e.Attempt); a != nil && e.Change.Action == ActionBackup {
				a.Saving = append(slices.Clone(a.Saving), e.Change.Place)
			}
		}
	},
	ChangeMade: func(s *State, e Event) {
		if e.Change == nil {
			return
		}
		s.Pending = slices.DeleteFunc(s.Pending, func(c Change) bool { return c.ID == e.Change.ID })
		if e.Change.Action == ActionDeleteBackup && e.Change.Error == "" {
			s.Discard = slices.DeleteFunc(s.Discard, func(place string) bool { return place == e.Change.Place })
		}
		if a := s.Attempt(e.Attempt); a != nil && e.Change.Data != "" && e.Change.Error == "" {
			a.DataRestored = append(slices.Clone(a.DataRestored), e.Change.Data)
		}
	},
	ReleaseRecorded: func(s *State, e Event) {
		if e.Record != nil {
			s.Releases[e.Record.ID] = *e.Record
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
	}),
	Tidied: onAttempt(func(s *State, a *Attempt, _ Event) {
		a.Tidied = true
		s.Pending = nil // What one of those that were killed at it had intended is done by now.
	}),
	Recovered: func(s *State, e Event) {
		if e.Closing != nil && e.Closing.Hold {
			s.Held[e.Release] = e.Text
		}
		s.mend()
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
		s.Stable, s.Kept, s.Releases, s.Pending, s.Broken = "", nil, map[service.ReleaseID]service.Release{}, nil, nil
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

func closeAttempt(s *State, e Event) {
	a := s.Attempt(e.Attempt)
	if a == nil || e.Closing == nil || a.End != "" {
		return
	}
	stage := a.Stage
	if e.Passage != nil {
		a.Passages[e.Stage] = *e.Passage
	}
	a.End, a.EndedAt, a.EndedRun, a.Stage, a.Restoring, a.Record = e.Closing.End, e.Time, e.Run, "", false, e.Closing.Record
	a.Restored, a.Leftovers = e.Closing.Restored, e.Closing.Leftovers
	if a.Failure == nil {
		a.Failure = e.Failure
	}
	s.Pending = nil
	s.Discard, a.Saving = append(s.Discard, a.Saving...), nil
	switch a.End {
	case service.EndFinalized:
		s.finalize(a, e.Closing.Kept)
	case service.EndRestored, service.EndRestoreFailed:
		s.failed(a, stage)
		if a.End == service.EndRestoreFailed {
			s.Broken = &Broken{Attempt: a.Number, Leftovers: e.Closing.Leftovers}
		}
	case service.EndAbandoned, service.EndRolledBack:
		if e.Closing.Kept != nil {
			s.Kept = slices.Clone(e.Closing.Kept)
		}
	}
	if e.Closing.Hold {
		s.Held[a.Release] = e.Text
	}
	if a.End == service.EndRolledBack {
		s.LastFailure[a.Release] = LastFailure{Attempt: a.Number, Stage: stage, Failure: Failure{Cause: CauseCancelled, Reason: e.Text}}
	}
	s.forgetCandidate(a)
}

// accept takes what carries the traffic, if the event names it, for the stable release.
func accept(s *State, e Event) {
	if e.Closing != nil {
		s.Kept = slices.Clone(e.Closing.Kept)
	}
	a := s.Attempt(e.Attempt)
	if a != nil {
		a.Tidied = true // What runs beside it is to stay, too.
	}
	if e.Release != "" && e.Release != s.Stable {
		s.Stable = e.Release
		if a != nil && a.Release == e.Release {
			a.Accepted = true
		}
	}
	s.mend()
}

// adopt begins a state with what was seen running. A candidate's introduction is under way by nobody: it is recovered.
func adopt(s *State, e Event) {
	if e.Adoption == nil || e.Definition == nil {
		return
	}
	a := *e.Adoption
	s.Definition, s.Owner, s.Retired, s.DefinedRun, s.AdoptedFrom = e.Definition, e.Owner, false, e.Run, a.Was
	s.Stable, s.Kept, s.Releases = a.Stable, slices.Clone(a.Kept), cloned(a.Releases)
	s.LastAttempt = a.Attempt
	if a.Stable != "" {
		s.LastAttempt = max(a.Attempt, 1)
		s.Attempts = append(s.Attempts, Attempt{
			Number: s.LastAttempt, Release: a.Stable, Mode: service.ModeInstall, Run: e.Run, FirstEvent: e.Number, OpenedAt: e.Time, EndedAt: e.Time,
			End: service.EndFinalized, Tidied: true, Weight: 100, Judged: 100, Executing: true, StageOpenedAt: e.Time, Passages: renumbered(a.Passages, s.LastAttempt),
		})
	}
	if a.Candidate != "" {
		s.LastAttempt++
		s.Attempts = append(s.Attempts, Attempt{
			Number: s.LastAttempt, Release: a.Candidate, Mode: service.ModeUpdate, Replaces: a.Stable, Run: e.Run, FirstEvent: e.Number, OpenedAt: e.Time,
			Stage: service.StageTrafficSplit, StageOpenedAt: e.Time, Executing: true, Passages: map[service.Stage]Passage{},
		})
	}
}

func renumbered(passages map[service.Stage]Passage, attempt int) map[service.Stage]Passage {
	all := make(map[service.Stage]Passage, len(passages))
	for stage, p := range passages {
		p.Attempt = attempt
		all[stage] = p
	}
	return all
}

// mend notes that world and record are together again: nothing but stable and kept releases is there.
func (s *State) mend() {
	s.Broken, s.Pending = nil, nil
	if s.OpenAttempt() == nil {
		maps.DeleteFunc(s.Releases, func(id service.ReleaseID, _ service.Release) bool {
			return id != s.Stable && !slices.Contains(s.Kept, id)
		})
	}
}

// finalize makes the attempt's release the stable one. A rollback undoes the attempts of what it takes out.
func (s *State) finalize(a *Attempt, kept []service.ReleaseID) {
	if a.Mode == service.ModeRollback {
		s.undoSince(a)
	}
	if a.ByOperator && a.Replaces != "" && a.Replaces != a.Release {
		reason := "an operator rolled it back"
		if a.Reason != "" {
			reason += ": " + a.Reason
		}
		s.Held[a.Replaces] = reason
		s.LastFailure[a.Replaces] = LastFailure{Attempt: a.Number, Failure: Failure{Cause: CauseCancelled, Reason: reason}}
	}
	s.Stable, s.Kept = a.Release, slices.DeleteFunc(slices.Clone(kept), func(r service.ReleaseID) bool { return r == a.Release })
	delete(s.Tries, a.Release)
	delete(s.Failures, a.Release)
	delete(s.LastFailure, a.Release)
}

// undoSince has a rollback take back every attempt since the one in which its release last came to stand.
func (s *State) undoSince(rollback *Attempt) {
	since := 0
	for i := len(s.Attempts) - 1; i >= 0 && since == 0; i-- {
		a := &s.Attempts[i]
		if a.Number != rollback.Number && a.Release == rollback.Release && (a.End == service.EndFinalized || a.Accepted) && len(a.Passages) > 0 {
			since, a.Undone = a.Number, false
		}
	}
	for i := range s.Attempts {
		// Where it is not known when the release stood, as in a ledger that was begun anew, none of another release stands.
		if a := &s.Attempts[i]; a.Number > since && a.Number != rollback.Number && (since > 0 || a.Release != rollback.Release) {
			a.Undone = true
		}
	}
}

// failed counts a restored attempt against its release where it failed on evidence.
func (s *State) failed(a *Attempt, stage service.Stage) {
	if a.Failure == nil {
		return
	}
	s.LastFailure[a.Release] = LastFailure{Attempt: a.Number, Stage: stage, Failure: *a.Failure, Record: a.Record}
	if a.Failure.Cause != CauseEvidence || !a.Executing {
		return
	}
	s.Failures[a.Release]++
	limit := a.MaxAttempts
	if limit == 0 {
		limit = DefaultMaxAttempts
	}
	if s.Failures[a.Release] >= limit {
		s.Held[a.Release] = fmt.Sprintf("it failed on evidence %d times, the last time because %s", s.Failures[a.Release], a.Failure.Reason)
	}
}

// DefaultMaxAttempts is how often a release may fail on evidence before it is held.
const DefaultMaxAttempts = 3

// forgetCandidate drops the record of a release that is neither stable nor kept after its attempt ended well enough
// for it to be gone.
func (s *State) forgetCandidate(a *Attempt) {
	if a.End == service.EndFinalized || a.End == service.EndRestoreFailed || a.Release == s.Stable || slices.Contains(s.Kept, a.Release) {
		return
	}
	delete(s.Releases, a.Release)
}

func (s *State) lost(run string) {
	if run == "" || slices.Contains(s.LostRuns, run) {
		return
	}
	s.LostRuns = append(s.LostRuns, run)
	if len(s.LostRuns) > lostRunsKept {
		s.LostRuns = s.LostRuns[len(s.LostRuns)-lostRunsKept:]
	}
}

// prune drops attempts that can no longer matter, so that the state does not grow with the history.
func (s *State) prune() {
	matters := s.mattering()
	ended := 0
	for i := len(s.Attempts) - 1; i >= 0; i-- {
		if matters[s.Attempts[i].Number] {
			continue
		}
		if ended++; ended > endedAttemptsKept {
			s.Attempts = slices.Delete(s.Attempts, i, i+1)
		}
	}
	forgotten := func(release service.ReleaseID) bool {
		_, held := s.Held[release]
		return !held && !s.known(release)
	}
	maps.DeleteFunc(s.Tries, func(r service.ReleaseID, _ int) bool { return forgotten(r) })
	maps.DeleteFunc(s.Failures, func(r service.ReleaseID, _ int) bool { return forgotten(r) })
	maps.DeleteFunc(s.LastFailure, func(r service.ReleaseID, _ LastFailure) bool { return forgotten(r) })
}

// mattering are the attempts that a read can still come back to: the open and the broken one, the newest of each
// release that runs or is kept, and for each stage the newest that passed it, finalized or not.
func (s *State) mattering() map[int]bool {
	matters := map[int]bool{}
	releases, stages, finalized := map[service.ReleaseID]bool{}, map[service.Stage]bool{}, map[service.Stage]bool{}
	for i := len(s.Attempts) - 1; i >= 0; i-- {
		a := s.Attempts[i]
		if a.Open() || s.Broken != nil && s.Broken.Attempt == a.Number {
			matters[a.Number] = true
		}
		// Also one that a rollback took back: its release is kept, and may be wanted again.
		if (a.Release == s.Stable || slices.Contains(s.Kept, a.Release)) && !releases[a.Release] && len(a.Passages) > 0 && (a.Stands() || a.Undone) {
			releases[a.Release] = true
			matters[a.Number] = true
		}
		if !a.Stands() {
			continue
		}
		for stage := range a.Passages {
			if !stages[stage] || !finalized[stage] && a.End == service.EndFinalized {
				matters[a.Number] = true
			}
			stages[stage] = true
			finalized[stage] = finalized[stage] || a.End == service.EndFinalized
		}
	}
	return matters
}

func (s *State) known(release service.ReleaseID) bool {
	return slices.ContainsFunc(s.Attempts, func(a Attempt) bool { return a.Release == release })
}

// clone copies all that Fold changes, so that folding never writes into a state that somebody else holds.
func (s State) clone() State {
	s.LostRuns, s.Kept = slices.Clone(s.LostRuns), slices.Clone(s.Kept)
	s.Checkpoints, s.Pending, s.Due = slices.Clone(s.Checkpoints), slices.Clone(s.Pending), slices.Clone(s.Due)
	s.Discard = slices.Clone(s.Discard)
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
