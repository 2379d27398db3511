package ledger

import (
	"maps"
	"slices"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// endedAttemptsKept is how many attempts that ended are kept beside those that matter.
const endedAttemptsKept = 5

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

// mattering are the attempts that a read can still come back to: the open and the broken one, the one that left something
// to be tidied away, the newest of each release that runs or is kept, and for each stage the newest that passed it, finalized or not.
func (s *State) mattering() map[int]bool {
	matters := map[int]bool{}
	releases, stages, finalized := map[service.ReleaseID]bool{}, map[service.Stage]bool{}, map[service.Stage]bool{}
	for i := len(s.Attempts) - 1; i >= 0; i-- {
		a := s.Attempts[i]
		if a.Open() || s.Broken != nil && s.Broken.Attempt == a.Number || s.Untidy == a.Number {
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
