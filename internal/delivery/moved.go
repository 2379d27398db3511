package delivery

import (
	"fmt"
	"maps"
	"net"
	"slices"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// MovedHosts refuses a definition by which hosts are not the machines that releases were placed on: a name that means another machine now,
// or a machine that has another name. What runs is recorded, and found, by name and address. nil: it may be.
func MovedHosts(state *ledger.State, wanted service.Definition) *Error {
	if state.Definition == nil || state.Definition.Platform.Host == nil || wanted.Platform.Host == nil {
		return nil
	}
	before, after := state.Definition.Platform.Host.Hosts, wanted.Platform.Host.Hosts
	for _, r := range remaining(state) {
		on := addressesByHost(r.Placement)
		for _, name := range slices.Sorted(maps.Keys(on)) {
			if h, stays := after[name]; stays && h.Address != "" && h.Address != on[name] && h.Address != before[name].Address {
				return replacedHost(name, on[name], h.Address, r.ID)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(after)) {
			if _, there := on[name]; there {
				continue
			}
			for _, old := range slices.Sorted(maps.Keys(on)) {
				if _, stays := after[old]; !stays && sameMachine(before[old], on[old], after[name]) {
					return renamedHost(old, name, on[old], r.ID)
				}
			}
		}
	}
	return nil
}

func replacedHost(name, from, to string, r service.ReleaseID) *Error {
	e := refuse("Host In Use", fmt.Sprintf("%s was placed on host %s at %s, and would be looked for at %s", r, name, from, to),
		fmt.Sprintf("Keep the address %[1]s. For a new machine in its place, add that under another name, and remove %[2]s, in one apply. Where it is the same machine that has another address, "+
			"take %[2]s out in one apply, and add it again in the next. Where %[2]s is the only host, put another one beside it before that; or, once nothing answers at %[1]s any more, "+
			"add the machine under another name, and remove %[2]s, in one apply.", from, name))
	e.Path = []string{"platform", "host", "hosts", name}
	return e
}

func renamedHost(old, name, address string, r service.ReleaseID) *Error {
	e := refuse("Host In Use", fmt.Sprintf("Host %s is the machine %s, on which %s runs as host %s: to remove %s would stop it there", name, address, r, old, old),
		fmt.Sprintf("Keep the name %[1]s; or take it out in one apply, and add it as %[2]s in the next. Where %[1]s is the only host, put another one beside it before that; or, which stops the service "+
			"until the last of these, apply deletion_protection = false of its deploy_release, with the name %[1]s still there, `terraform destroy -target=deploy_release.<name>`, and apply with the name %[2]s.", old, name))
	e.Path = []string{"platform", "host", "hosts", name}
	return e
}

// sameMachine tells whether a host is the machine that old is, or was, at an address.
func sameMachine(old service.Host, address string, h service.Host) bool {
	return h.Address != "" && h.Address == address || h.SSH.Address != "" && old.SSH.Machine() == h.SSH.Machine()
}

// addressesByHost are the addresses, without a port, that a placement's hosts were reached at.
func addressesByHost(p service.Placement) map[string]string {
	all := map[string]string{}
	for _, i := range p.Instances {
		if address, _, err := net.SplitHostPort(i.Address); err == nil && i.Host != "" {
			all[i.Host] = address
		}
	}
	return all
}

// remaining are the releases that are placed, or may run where a rollback left them out, stable first, but for a candidate that a recovery is
// about to take away: a wrong address of a host may be what it has to be recovered from.
func remaining(state *ledger.State) []service.Release {
	return slices.Concat(recordedPlaces(state), leftOutPlaces(state))
}

// recordedPlaces are the remaining releases where they are recorded.
func recordedPlaces(state *ledger.State) []service.Release {
	unfinished := inTheMiddle(state)
	var all []service.Release
	for _, id := range placedIn(state) {
		if unfinished && id != state.Stable && !slices.Contains(state.Kept, id) {
			continue
		}
		all = append(all, state.Releases[id])
	}
	return all
}

// leftOutPlaces are releases where rollbacks left them out, and there alone.
func leftOutPlaces(state *ledger.State) []service.Release {
	var all []service.Release
	for _, p := range state.LeftOut {
		all = append(all, service.Release{ID: p.Release, Placement: p})
	}
	return all
}
