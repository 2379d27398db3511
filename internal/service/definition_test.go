package service

import (
	"testing"
)

func TestWaves(t *testing.T) {
	t.Parallel()
	hosts := func(n int) map[string]Host {
		all := map[string]Host{}
		for i := range n {
			all[string(rune('a'+i))] = Host{}
		}
		return all
	}
	for name, c := range map[string]struct {
		p                  HostPlatform
		starting, replaced int
	}{
		"this machine":         {HostPlatform{}, 1, 1},
		"nothing is written":   {HostPlatform{Hosts: hosts(3)}, 3, 3},
		"two at a time":        {HostPlatform{Hosts: hosts(5), MaxParallel: 2}, 3, 5},
		"two may be gone":      {HostPlatform{Hosts: hosts(5), MaxParallel: 4, MaxUnavailable: 2}, 2, 3},
		"more than there are":  {HostPlatform{Hosts: hosts(2), MaxParallel: 9, MaxUnavailable: 9}, 1, 1},
		"unavailable is above": {HostPlatform{Hosts: hosts(4), MaxParallel: 1, MaxUnavailable: 4}, 4, 4},
	} {
		if got := c.p.Waves(false); got != c.starting {
			t.Errorf("%s: %d waves, want %d", name, got, c.starting)
		}
		if got := c.p.Waves(true); got != c.replaced {
			t.Errorf("%s: replaced in %d waves, want %d", name, got, c.replaced)
		}
	}
}
