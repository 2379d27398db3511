package service

import "testing"

// An instance that is about to be gone runs its release, and makes it no complete one.
func TestComplete(t *testing.T) {
	t.Parallel()
	r := Release{ID: "production/web/1-a", Placement: Placement{Slot: "blue", Instances: []Instance{{Name: "blue/0"}, {Name: "blue/1"}}}}
	for name, c := range map[string]struct {
		second                     InstanceState
		runs, complete, supervised bool
	}{
		"runs":                {InstanceState{Running: true, Release: r.ID}, true, true, true},
		"is being stopped":    {InstanceState{Running: true, Release: r.ID, Stopping: true}, true, false, false},
		"is not looked after": {InstanceState{Running: true, Release: r.ID, Unsupervised: true}, true, true, false},
		"does not run":        {InstanceState{Release: r.ID}, false, false, false},
		"runs another":        {InstanceState{Running: true, Release: "production/web/2-b"}, false, false, false},
	} {
		c.second.Name = "blue/1"
		s := Snapshot{Instances: []InstanceState{{Instance: r.Placement.Instances[0], Running: true, Release: r.ID}, c.second}}
		if c.second.Runs(r.ID) != c.runs || s.Complete(r) != c.complete || s.Supervised(r) != c.supervised {
			t.Errorf("%s: runs %t, complete %t, supervised %t", name, c.second.Runs(r.ID), s.Complete(r), s.Supervised(r))
		}
	}
}
