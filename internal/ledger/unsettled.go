package ledger

import (
	"slices"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// What may still run, or lie, where nothing needs it any more.

// Unsettled tells whether there may be something to stop or remove that nothing needs any more, and that nobody is about to: what a
// finalized release took the place of, a release that is neither stable nor kept, or whatever runs on a machine that a rollback left out, be
// it that of the stable release alone: what a kept one has there nobody could stop. While an attempt is open, or a restore has failed, it is
// not asked: those come first.
func (s *State) Unsettled() bool {
	if s.Broken != nil || s.OpenAttempt() != nil {
		return false
	}
	return s.Untidied() != nil || len(s.Beside()) > 0 || len(s.LeftOut) > 0
}

// Untidied is the attempt that was finalized last, where what its release took the place of is not known to be stopped: its run was lost
// before, or could not; nil if there is none. An attempt that came to nothing since then changes nothing of that.
func (s *State) Untidied() *Attempt {
	if s.Untidy == 0 || s.Broken != nil || s.OpenAttempt() != nil {
		return nil
	}
	return s.Attempt(s.Untidy)
}

// Beside are the releases that are placed, and neither stable nor kept, nor being introduced, in a fixed order.
func (s *State) Beside() []service.ReleaseID {
	var all []service.ReleaseID
	open := s.OpenAttempt()
	for id, r := range s.Releases {
		if r.Placement.Placed() && id != s.Stable && !slices.Contains(s.Kept, id) && (open == nil || open.Release != id) {
			all = append(all, id)
		}
	}
	slices.SortFunc(all, func(a, b service.ReleaseID) int { return strings.Compare(string(a), string(b)) })
	return all
}

// Unsettled is State.Unsettled, where nobody is at work who may be about to tidy.
func (v View) Unsettled() bool { return !v.Alive && v.State.Unsettled() }

// Untidied is State.Untidied, likewise.
func (v View) Untidied() *Attempt {
	if v.Alive {
		return nil
	}
	return v.State.Untidied()
}
