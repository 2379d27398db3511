package delivery

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// MovedPorts refuses a definition that gives a slot a port on which something runs in another one: what runs stays where it is until a new release
// takes its place, and that would find its port held, by this very service. nil: it may be.
func MovedPorts(state *ledger.State, wanted service.Definition) *Error {
	if state.Definition == nil || state.Definition.Platform.Host == nil || wanted.Platform.Host == nil {
		return nil
	}
	before := placesOf(*state.Definition.Platform.Host)
	for _, at := range placesOf(*wanted.Platform.Host) {
		if slices.ContainsFunc(before, at.same) {
			continue // Which was said when it came to be so.
		}
		for _, r := range mayRun(state) {
			for _, i := range r.Placement.Instances {
				if i.Address == at.address && (i.Host != at.host || r.Placement.Slot != at.slot) {
					return portInUse(at, i, r)
				}
			}
		}
	}
	return nil
}

// place of a definition that an instance may have.
type place struct {
	host, slot string
	// address with its port.
	address string
	// own: the host has ports of its own.
	own bool
}

func (p place) same(q place) bool {
	return p.host == q.host && p.slot == q.slot && p.address == q.address
}

// placesOf a definition, in a fixed order.
func placesOf(h service.HostPlatform) []place {
	var all []place
	add := func(p place, address string, slots map[string]service.HostSlot) {
		for _, slot := range slices.Sorted(maps.Keys(slots)) {
			for _, port := range slots[slot].Ports {
				p.slot, p.address = slot, net.JoinHostPort(address, strconv.Itoa(port))
				all = append(all, p)
			}
		}
	}
	if len(h.Hosts) == 0 {
		add(place{}, h.Address, h.Slots)
	}
	for _, name := range slices.Sorted(maps.Keys(h.Hosts)) {
		host := h.Hosts[name]
		if len(host.Slots) > 0 {
			add(place{host: name, own: true}, host.Address, host.Slots)
		} else {
			add(place{host: name}, host.Address, h.Slots)
		}
	}
	return all
}

// mayRun are the releases that run, where they are recorded, and those that may where a rollback left them out. What else is recorded is stopped, or
// is before the next release.
func mayRun(state *ledger.State) []service.Release {
	running := slices.DeleteFunc(recordedPlaces(state), func(r service.Release) bool { return !runs(state, r.ID) })
	return slices.Concat(running, leftOutPlaces(state))
}

func portInUse(at place, i service.Instance, r service.Release) *Error {
	_, port, _ := net.SplitHostPort(at.address) // Made by JoinHostPort.
	where := ""
	if at.host != "" {
		where = " on host " + at.host
	}
	e := refuse("Port In Use", fmt.Sprintf("Port %s would be that of slot %s%s, and %s listens on it as %s: the next release could not start there", port, at.slot, where, r.ID, i.Name),
		"Take a port that no slot has now. To swap ports, do it in two steps: apply others first, and introduce a release, which then runs on them; apply these after that.")
	e.Path = []string{"platform", "host", "slots", at.slot}
	if at.own {
		e.Path = []string{"platform", "host", "hosts", at.host, "slots", at.slot}
	}
	return e
}
