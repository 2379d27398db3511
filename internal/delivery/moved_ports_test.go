package delivery_test

import (
	"strings"
	"testing"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/ledger"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// What runs keeps its ports until a new release takes its place: no other slot can have them until then.
func TestPortsOfWhatRunsAreNoOtherSlots(t *testing.T) {
	t.Parallel()
	slots := func(blue, green int) map[string]service.HostSlot {
		return map[string]service.HostSlot{"blue": {Ports: []int{blue}}, "green": {Ports: []int{green}}}
	}
	at := func(id service.ReleaseID, slot, host, address string) service.Release {
		name := slot + "/"
		if host != "" {
			name += host + "/"
		}
		return service.Release{ID: id, Placement: service.Placement{Release: id, Slot: slot, Instances: []service.Instance{{Name: name + "0", Address: address, Host: host}}}}
	}
	const stable, kept = "production/web/2-00000000", "production/web/1-00000000"
	here := service.HostPlatform{Address: "127.0.0.1", Slots: slots(8081, 8082)}
	hosts := service.HostPlatform{Slots: slots(8081, 8082), Hosts: map[string]service.Host{"a": {Address: "10.0.0.1"}, "b": {Address: "10.0.0.2"}}}
	changed := func(h service.HostPlatform, change func(*service.HostPlatform)) service.HostPlatform {
		change(&h)
		return h
	}
	with := func(blue, green int) func(*service.HostPlatform) {
		return func(h *service.HostPlatform) { h.Slots = slots(blue, green) }
	}
	hostB := func(b service.Host) func(*service.HostPlatform) {
		return func(h *service.HostPlatform) { h.Hosts = map[string]service.Host{"a": h.Hosts["a"], "b": b} }
	}
	onB := at(stable, "blue", "b", "10.0.0.2:8081")
	for name, c := range map[string]struct {
		before, after service.HostPlatform
		state         ledger.State
		at, want      string
	}{
		"nothing":                        {before: here, after: here},
		"others":                         {before: here, after: changed(here, with(9081, 9082))},
		"of the other slot":              {before: here, after: changed(here, with(8082, 9082))},
		"its own, in its slot":           {before: changed(here, with(7081, 8082)), after: here},
		"swapped":                        {before: here, after: changed(here, with(8082, 8081)), at: "platform host slots green", want: "Port 8081 would be that of slot green, and " + stable + " listens on it as blue/0"},
		"swapped while it was so before": {before: changed(here, with(9081, 8081)), after: changed(here, with(9083, 8081))},
		"swapped on hosts":               {before: hosts, after: changed(hosts, with(8082, 8081)), state: running(onB), at: "platform host slots green", want: "slot green on host b, and " + stable},
		"on one host alone": {before: hosts, after: changed(hosts, hostB(service.Host{Address: "10.0.0.2", Slots: slots(9082, 8081)})), state: running(onB),
			at: "platform host hosts b slots green", want: "slot green on host b"},
		"at another address": {before: hosts, after: changed(hosts, with(9081, 8081)), state: running(at(stable, "blue", "b", "10.0.0.3:8081"))},
		"of a host that shares an address": {before: hosts, after: changed(hosts, hostB(service.Host{Address: "10.0.0.1", Slots: slots(8081, 9082)})), state: running(at(stable, "blue", "a", "10.0.0.1:8081")),
			at: "platform host hosts b slots blue", want: "slot blue on host b, and " + stable + " listens on it as blue/a/0"},
		"what is kept does not run": {before: here, after: changed(here, with(9081, 8082)), state: func() ledger.State {
			s := running(at(stable, "blue", "", "127.0.0.1:7001"))
			old := at(kept, "blue", "", "127.0.0.1:8082")
			s.Releases[kept], s.Kept = old, []service.ReleaseID{kept}
			return s
		}()},
		"what may run where it was left out": {before: hosts, after: changed(hosts, with(9081, 8081)), state: func() ledger.State {
			s := running(at(stable, "blue", "a", "10.0.0.1:7001"))
			s.LeftOut = []service.Placement{at(kept, "blue", "b", "10.0.0.2:8081").Placement}
			return s
		}(), at: "platform host slots green", want: kept + " listens on it"},
		"what is kept does not run where it was not left out": {before: hosts, after: changed(hosts, with(9081, 8081)), state: func() ledger.State {
			s := running(at(stable, "blue", "a", "10.0.0.1:7001"))
			s.Releases[kept], s.Kept = at(kept, "blue", "a", "10.0.0.1:8081"), []service.ReleaseID{kept}
			s.LeftOut = []service.Placement{at(kept, "blue", "b", "10.0.0.2:7081").Placement}
			return s
		}()},
	} {
		if c.state.Releases == nil {
			c.state = running(at(stable, "blue", "", "127.0.0.1:8081"))
		}
		c.state.Definition = &service.Definition{Platform: service.Platform{Host: &c.before}}
		refused := delivery.MovedPorts(&c.state, service.Definition{Platform: service.Platform{Host: &c.after}})
		switch {
		case c.want == "" && refused != nil:
			t.Errorf("%s: refused: %v", name, refused)
		case c.want != "" && (refused == nil || strings.Join(refused.Path, " ") != c.at || !strings.Contains(refused.What, c.want) || !strings.Contains(refused.Next, "two steps")):
			t.Errorf("%s: got %v at %v, want %q at %s", name, refused, refused, c.want, c.at)
		}
	}
}

// running is the state of a service whose stable release is r.
func running(r service.Release) ledger.State {
	return ledger.State{Stable: r.ID, Releases: map[service.ReleaseID]service.Release{r.ID: r}}
}
