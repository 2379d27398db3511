package ledger

import (
	"fmt"
	"maps"
	"slices"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// How the ends of attempts change a state, and what an operator says of them.

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
	a.Restored, a.Leftovers, a.Unfinished = e.Closing.Restored, e.Closing.Leftovers, ""
	if a.Failure == nil {
		a.Failure = e.Failure
	}
	s.Pending = nil
	s.Discard, a.Saving = append(s.Discard, a.Saving...), nil
	s.leaveOut(e.LeftOut)
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

// accept takes what carries the traffic, if the event names it, for the stable release. What runs beside it is to stay, too.
func accept(s *State, e Event) {
	if e.Closing != nil {
		s.Kept = slices.Clone(e.Closing.Kept)
	}
	s.Untidy = 0
	if e.Release != "" && e.Release != s.Stable {
		s.Stable = e.Release
		if a := s.Attempt(e.Attempt); a != nil && a.Release == e.Release {
			a.Accepted = true
		}
	}
	s.mend(e.Remaining)
}

// adopt begins a state with what was seen running. A candidate's introduction is under way by nobody: it is recovered.
func adopt(s *State, e Event) {
	if e.Adoption == nil || e.Definition == nil {
		return
	}
	a := *e.Adoption
	s.Definition, s.Owner, s.Retired, s.DefinedRun, s.AdoptedFrom = e.Definition, e.Owner, false, e.Run, a.Was
	s.Stable, s.Kept, s.Releases, s.Untidy = a.Stable, slices.Clone(a.Kept), cloned(a.Releases), 0
	last := s.LastAttempt // Of a service that was taken over when its releases were gone.
	s.LastAttempt = max(a.Attempt, last)
	if a.Stable != "" {
		s.LastAttempt = max(a.Attempt, last+1)
		s.Attempts = append(s.Attempts, Attempt{
			Number: s.LastAttempt, Release: a.Stable, Mode: service.ModeInstall, Run: e.Run, FirstEvent: e.Number, OpenedAt: e.Time, EndedAt: e.Time,
			TakenOver: a.Was == "", End: service.EndFinalized, Weight: 100, Judged: 100, Executing: true, StageOpenedAt: e.Time, Passages: renumbered(a.Passages, s.LastAttempt),
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

// mend notes that world and record are together again: nothing is there but stable and kept releases, and those that remain.
func (s *State) mend(remaining []service.ReleaseID) {
	s.Broken, s.Pending = nil, nil
	if s.OpenAttempt() == nil {
		maps.DeleteFunc(s.Releases, func(id service.ReleaseID, _ service.Release) bool {
			return id != s.Stable && !slices.Contains(s.Kept, id) && !slices.Contains(remaining, id)
		})
	}
}

// finalize makes the attempt's release the stable one, and what it took the place of is to be tidied away. A rollback undoes the attempts of
// what it takes out.
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
	s.Untidy = a.Number
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

// lostRunsKept bounds LostRuns.
const lostRunsKept = 20

// lost notes a run whose last answers may have reached nobody.
func (s *State) lost(run string) {
	if run == "" || slices.Contains(s.LostRuns, run) {
		return
	}
	s.LostRuns = append(s.LostRuns, run)
	if len(s.LostRuns) > lostRunsKept {
		s.LostRuns = s.LostRuns[len(s.LostRuns)-lostRunsKept:]
	}
}
