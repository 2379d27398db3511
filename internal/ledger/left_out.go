package ledger

import (
	"bytes"
	"slices"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// What may run on machines that a rollback went on without. An instance is in the record of its release or in State.LeftOut, never in both.

// leaveOut takes placements out of the records of their releases, and remembers them.
func (s *State) leaveOut(placements []service.Placement) {
	for _, p := range placements {
		if r, found := s.Releases[p.Release]; found && r.Placement.Slot == p.Slot {
			r.Placement = elsewhere(r.Placement, p)
			s.Releases[p.Release] = r
		}
		s.settleLeftOut(p)
		// What the platform keeps of one placement says nothing of where another is.
		if n := slices.IndexFunc(s.LeftOut, func(q service.Placement) bool {
			return q.Release == p.Release && q.Slot == p.Slot && bytes.Equal(q.Platform, p.Platform)
		}); n >= 0 {
			p.Instances = slices.Concat(s.LeftOut[n].Instances, p.Instances)
			s.LeftOut[n] = p
		} else {
			s.LeftOut = append(s.LeftOut, p)
		}
	}
}

// settleLeftOut forgets what may run of a release in a slot on the machines of p: it is recorded there, or it is stopped.
func (s *State) settleLeftOut(p service.Placement) {
	for n, q := range s.LeftOut {
		if q.Release == p.Release && q.Slot == p.Slot {
			s.LeftOut[n] = elsewhere(q, p)
		}
	}
	s.LeftOut = slices.DeleteFunc(s.LeftOut, func(q service.Placement) bool { return len(q.Instances) == 0 })
}

// elsewhere is p on other machines than those of q.
func elsewhere(p, q service.Placement) service.Placement {
	p.Instances = slices.DeleteFunc(slices.Clone(p.Instances), func(i service.Instance) bool {
		return slices.ContainsFunc(q.Instances, func(j service.Instance) bool { return i.Host == j.Host })
	})
	return p
}
