package delivery

import (
	"slices"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// runs tells whether a release is stable, or a candidate that is being introduced.
func runs(state *ledger.State, id service.ReleaseID) bool {
	a := state.OpenAttempt()
	return id == state.Stable || a != nil && a.Release == id && a.Executing && state.Releases[id].Placement.Placed()
}

func definedHosts(d *service.Definition) []string {
	if d == nil || d.Platform.Host == nil {
		return nil
	}
	var all []string
	for name := range d.Platform.Host.Hosts {
		all = append(all, name)
	}
	return all
}

// hostsOf are the names of the hosts that a placement is on, none where they have no names.
func hostsOf(p service.Placement) []string {
	var all []string
	for _, i := range p.Instances {
		if i.Host != "" && !slices.Contains(all, i.Host) {
			all = append(all, i.Host)
		}
	}
	return all
}

// atHosts is the attribute that names hosts: the one, or all of them.
func atHosts(hosts []string) []string {
	at := []string{"platform", "host", "hosts"}
	if len(hosts) == 1 {
		at = append(at, hosts[0])
	}
	return at
}

// parted is a release on the hosts that are wanted, and on others.
func parted(r service.Release, wanted []string) (stays, goes service.Release) {
	stays, goes = r, r
	stays.Placement.Instances, goes.Placement.Instances = nil, nil
	for _, i := range r.Placement.Instances {
		if i.Host == "" || slices.Contains(wanted, i.Host) {
			stays.Placement.Instances = append(stays.Placement.Instances, i)
		} else {
			goes.Placement.Instances = append(goes.Placement.Instances, i)
		}
	}
	return stays, goes
}

// placedReleases in a fixed order, stable first.
func (w *work) placedReleases() []service.ReleaseID { return placedIn(w.state()) }

func placedIn(state *ledger.State) []service.ReleaseID {
	var all []service.ReleaseID
	for id, r := range state.Releases {
		if r.Placement.Placed() {
			all = append(all, id)
		}
	}
	slices.SortFunc(all, func(a, b service.ReleaseID) int {
		if (a == state.Stable) != (b == state.Stable) {
			return map[bool]int{true: -1, false: 1}[a == state.Stable]
		}
		return strings.Compare(string(a), string(b))
	})
	return all
}
