package service

import (
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// A refresh asks the hosts as they are recorded: those that are reached in another way now are asked by the plan.
func TestSameHosts(t *testing.T) {
	hosts := func(key string, names ...string) service.HostPlatform {
		h := service.HostPlatform{Hosts: map[string]service.Host{}}
		for _, name := range names {
			h.Hosts[name] = service.Host{SSH: service.SSH{Address: name + ".example", HostKey: key}}
		}
		return h
	}
	const id = service.ReleaseID("production/web/1-00000001")
	recorded := hosts("ssh-ed25519 AAAA", "a", "b")
	state := ledger.State{
		Definition: &service.Definition{Platform: service.Platform{Host: &recorded}}, Stable: id,
		Releases: map[service.ReleaseID]service.Release{id: {ID: id, Placement: service.Placement{Instances: []service.Instance{{Host: "a"}, {Host: "b"}}}}},
	}
	for name, test := range map[string]struct {
		wanted service.HostPlatform
		same   bool
	}{
		"the same":         {hosts("ssh-ed25519 AAAA", "b", "a"), true},
		"another key":      {hosts("ssh-ed25519 BBBB", "a", "b"), false},
		"one more":         {hosts("ssh-ed25519 AAAA", "a", "b", "c"), false},
		"another":          {hosts("ssh-ed25519 AAAA", "a", "c"), false},
		"one that is gone": {hosts("ssh-ed25519 AAAA", "a"), false},
	} {
		if got := sameHosts(test.wanted, state); got != test.same {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
