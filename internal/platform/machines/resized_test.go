package machines

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// of is the platform of a definition with these hosts; nobody is logged in to.
func of(t *testing.T, existing *service.ExistingUnit, hosts ...string) *Machines {
	t.Helper()
	d := service.HostPlatform{
		Directory: "/srv/web", Slots: map[string]service.HostSlot{"blue": {Ports: []int{8080}}, "green": {Ports: []int{8081}}},
		Hosts: map[string]service.Host{}, Existing: existing,
	}
	for _, name := range hosts {
		d.Hosts[name] = service.Host{Address: "10.0.0." + name, SSH: service.SSH{Address: "10.0.0." + name, Port: 22, User: "deploy", Agent: true, HostKey: "ssh-ed25519 AAAA"}}
	}
	m, err := New(d, "production/web", func(string, service.SSH) Machine { return nil }, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func names(p service.Placement) string {
	var all []string
	for _, i := range p.Instances {
		all = append(all, i.Name+"@"+i.Host)
	}
	return strings.Join(all, " ")
}

// A placement on other hosts than before still says how to log in to those that it leaves.
func TestPlacementRemembersHostsThatAreGone(t *testing.T) {
	t.Parallel()
	r := service.Release{ID: "production/web/1-00000000"}
	before, err := of(t, nil, "1", "2").Placement(r, "blue")
	if err != nil {
		t.Fatal(err)
	}
	if got := names(before); got != "blue/1/0@1 blue/2/0@2" {
		t.Errorf("placed at %s", got)
	}
	r.Placement = before
	after := of(t, nil, "2", "3")
	p, err := after.Placement(r, "blue")
	if err != nil || names(p) != "blue/2/0@2 blue/3/0@3" {
		t.Fatalf("placed at %s, %v", names(p), err)
	}
	kept, err := after.recordOf(p)
	if err != nil || len(kept.Hosts) != 3 || kept.Hosts["1"].SSH.Address != "10.0.0.1" {
		t.Errorf("it knows %v, %v", kept.Hosts, err)
	}
	again := r
	again.Placement = p
	if same, err := after.Placement(again, "blue"); err != nil || !cmp.Equal(p, same) {
		t.Errorf("placed once more it is %v, %v", same, err)
	}
}

// What hosts recorded at different times is one release, where the service is now.
func TestRecordsOfAddedAndRemovedHosts(t *testing.T) {
	t.Parallel()
	m := of(t, nil, "2", "3")
	at := func(slot string, second int64, hosts ...string) placed {
		r := service.Release{ID: "production/web/1-00000000", Placement: service.Placement{Slot: slot}}
		for _, host := range hosts {
			r.Placement.Instances = append(r.Placement.Instances, service.Instance{Name: slot + "/" + host + "/0", Host: host})
		}
		return placed{r, time.Unix(second, 0)}
	}
	got := m.merged([]placed{at("blue", 9, "3"), at("blue", 5, "1", "2"), at("green", 1, "1", "2")})
	if len(got) != 1 || got[0].Placement.Slot != "blue" || names(got[0].Placement) != "blue/2/0@2 blue/3/0@3" {
		t.Errorf("merged %v", got)
	}
}

// A unit that the user wrote listens on the ports of its slot, wherever it is wanted.
func TestExistingUnitStaysInItsSlot(t *testing.T) {
	t.Parallel()
	m := of(t, &service.ExistingUnit{Unit: "web.service", Version: "1", Slot: "blue"}, "1", "2")
	r := service.Release{ID: "production/web/1-00000000", Content: service.Content{Version: "1"}}
	var err error
	if r.Placement, err = m.placement(r.ID, "blue", "web.service"); err != nil {
		t.Fatal(err)
	}
	if p, err := m.Placement(r, "blue"); err != nil || !cmp.Equal(p, r.Placement) {
		t.Errorf("placed again it is %v, %v", p, err)
	}
	if p, err := m.Place(t.Context(), r, "blue"); err != nil || !cmp.Equal(p, r.Placement) {
		t.Errorf("it is placed at %v, %v", p, err)
	}
	if _, err := m.Placement(r, "green"); err == nil || !strings.Contains(err.Error(), "web.service") || !strings.Contains(err.Error(), "slot blue") {
		t.Errorf("in the other slot: %v", err)
	}
	// Its probes would take its answers for those of another program.
	for _, other := range []*service.ExistingUnit{nil, {Unit: "api.service", Version: "1", Slot: "blue"}, {Unit: "web.service", Version: "1", Slot: "green"}} {
		if _, err := of(t, other, "1", "2").Placement(r, "blue"); err == nil || !strings.Contains(err.Error(), "platform.host.existing has to name it") {
			t.Errorf("where the definition names %v: %v", other, err)
		}
	}
}
