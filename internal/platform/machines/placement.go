package machines

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// record is what a placement keeps, so that it can be worked on whatever becomes of the definition that it was made by.
type record struct {
	Directory    string           `json:"directory"`
	DrainTimeout service.Duration `json:"drain_timeout"`
	Scope        string           `json:"scope"`
	Sudo         bool             `json:"sudo,omitempty"`
	// Hosts of the instances by name.
	Hosts map[string]service.Host `json:"hosts,omitempty"`
	// Machine and User are where it is and whose, where there are no hosts.
	Machine *host.Machine `json:"machine,omitempty"`
	User    *int          `json:"user,omitempty"`
	// Existing is the unit that a user wrote, in place of ours.
	Existing string `json:"existing,omitempty"`
}

// instance is one of a placement, and where it is.
type instance struct {
	service.Instance
	// host's name, empty for this machine.
	host string
	slot string
	// number of the instance on its host.
	number int
	port   int
	unit   string
}

// part is what of a placement is on one machine.
type part struct {
	record
	// host's name, empty for this machine.
	host      string
	machine   Machine
	release   service.ReleaseID
	slot      string
	address   string
	instances []instance
}

// instancePattern reads the name of an instance: slot, host or nothing, number.
var instancePattern = regexp.MustCompile(`^(blue|green)/(?:([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)/)?([0-9]{1,5})$`)

// unitName of an instance of ours.
func unitName(id service.ID, slot string, number int) string {
	return id.Environment() + "-" + id.Name() + "-" + slot + "-" + strconv.Itoa(number) + ".service"
}

// Placement implements delivery.Platform.
func (m *Machines) Placement(r service.Release, slot string) (service.Placement, error) {
	d := m.definition
	if _, found := d.Slots[slot]; !found {
		return service.Placement{}, fmt.Errorf("%s has no slot %q, only %q", m.id, slot, m.Slots())
	}
	if !r.Placement.Placed() {
		return m.placement(r.ID, slot, "")
	}
	before, err := m.recordOf(r.Placement)
	if err != nil {
		return service.Placement{}, err
	}
	if before.Existing != "" && slot != r.Placement.Slot {
		return service.Placement{}, fmt.Errorf("%s is the unit %s, which listens on the ports of slot %s: it cannot come to slot %s; release its program as an artifact, or wait until slot %s is free",
			r.ID, before.Existing, r.Placement.Slot, slot, r.Placement.Slot)
	}
	// Whether what answers is this unit is told by the definition: an instance is asked by its address alone.
	if e := d.Existing; before.Existing != "" && (e == nil || e.Unit != before.Existing || e.Slot != slot) {
		return service.Placement{}, fmt.Errorf("%s is the unit %s in slot %s, and platform.host.existing has to name it as long as it is stable or kept ready", r.ID, before.Existing, slot)
	}
	p, err := m.placement(r.ID, slot, before.Existing)
	if err != nil {
		return p, err
	}
	return m.remembering(p, before)
}

// remembering is a placement that also knows the hosts of a record before it which the definition has no more.
func (m *Machines) remembering(p service.Placement, before record) (service.Placement, error) {
	kept, err := m.recordOf(p)
	if err != nil {
		return p, err
	}
	for name, h := range before.Hosts {
		if _, known := kept.Hosts[name]; !known && kept.Hosts != nil {
			kept.Hosts[name] = h
		}
	}
	if p.Platform, err = json.Marshal(kept); err != nil {
		return p, fmt.Errorf("record the placement of %s: %w", p.Release, err)
	}
	return p, nil
}

func (m *Machines) placement(id service.ReleaseID, slot, existing string) (service.Placement, error) {
	d := m.definition
	kept := record{Directory: d.Directory, DrainTimeout: d.DrainTimeout, Scope: d.Systemd.Scope, Sudo: d.Systemd.Sudo, Existing: existing}
	p := service.Placement{Release: id, Slot: slot}
	if len(d.Hosts) == 0 {
		user := os.Geteuid()
		kept.Machine, kept.User = &m.options.This, &user
		for n, port := range d.Slots[slot].Ports {
			p.Instances = append(p.Instances, service.Instance{Name: slot + "/" + strconv.Itoa(n), Address: net.JoinHostPort(d.Address, strconv.Itoa(port))})
		}
	} else {
		kept.Hosts = map[string]service.Host{}
	}
	for _, name := range slices.Sorted(maps.Keys(d.Hosts)) {
		h := d.Hosts[name]
		kept.Hosts[name] = service.Host{SSH: h.SSH, Address: h.Address}
		for n, port := range portsOf(d, h, slot) {
			p.Instances = append(p.Instances, service.Instance{
				Name: slot + "/" + name + "/" + strconv.Itoa(n), Address: net.JoinHostPort(h.Address, strconv.Itoa(port)), Host: name,
			})
		}
	}
	platform, err := json.Marshal(kept)
	if err != nil {
		return service.Placement{}, fmt.Errorf("record the placement of %s: %w", id, err)
	}
	p.Platform = platform
	return p, nil
}

// portsOf a host in a slot.
func portsOf(d service.HostPlatform, h service.Host, slot string) []int {
	if h.Slots != nil {
		return h.Slots[slot].Ports
	}
	return d.Slots[slot].Ports
}

// recordOf reads what a placement keeps.
func (m *Machines) recordOf(p service.Placement) (record, error) {
	d := m.definition
	kept := record{Directory: d.Directory, DrainTimeout: d.DrainTimeout, Scope: d.Systemd.Scope, Sudo: d.Systemd.Sudo}
	if len(p.Platform) > 0 {
		kept = record{}
		if err := json.Unmarshal(p.Platform, &kept); err != nil {
			return record{}, fmt.Errorf("read where %s was placed: %w", p.Release, err)
		}
	}
	if kept.Directory == "" || p.Slot == "" {
		return record{}, fmt.Errorf("%s was not placed on platform host: its slot is %q in the directory %q", p.Release, p.Slot, kept.Directory)
	}
	return kept, nil
}

// parts takes a placement apart by machine, in the order of the instances.
func (m *Machines) parts(p service.Placement) ([]part, error) {
	kept, err := m.recordOf(p)
	if err != nil {
		return nil, err
	}
	var parts []part
	at := map[string]int{}
	for _, i := range p.Instances {
		it, err := m.read(i, p.Release.Service())
		if err != nil {
			return nil, err
		}
		if kept.Existing != "" {
			it.unit = kept.Existing
		}
		n, seen := at[it.host]
		if !seen {
			machine, err := m.reached(it.host, kept.Hosts)
			if err != nil {
				return nil, err
			}
			n = len(parts)
			at[it.host] = n
			address, _, _ := net.SplitHostPort(i.Address) // read has seen that it is one
			parts = append(parts, part{record: m.now(kept, it.host), host: it.host, machine: machine, release: p.Release, slot: p.Slot, address: address})
		}
		parts[n].instances = append(parts[n].instances, it)
	}
	return parts, nil
}

// now is a record as one works by it: whether sudo is needed hangs on who logs in, which is as the definition says now.
func (m *Machines) now(kept record, host string) record {
	_, found := m.definition.Hosts[host]
	if (found || host == "") && m.definition.Systemd.Scope == kept.Scope {
		kept.Sudo = m.definition.Systemd.Sudo
	}
	return kept
}

// read takes an instance's name and address apart. They come from a record, and are not trusted.
func (m *Machines) read(i service.Instance, id service.ID) (instance, error) {
	found := instancePattern.FindStringSubmatch(i.Name)
	if found == nil {
		return instance{}, fmt.Errorf("%q is no instance of platform host: they are called blue/0, or green/a/1 on the host a", i.Name)
	}
	number, err := strconv.Atoi(found[3])
	if err != nil {
		return instance{}, fmt.Errorf("read the name of %s: %w", i.Name, err)
	}
	_, text, err := net.SplitHostPort(i.Address)
	var port int
	if err == nil {
		port, err = strconv.Atoi(text)
	}
	if err != nil {
		return instance{}, fmt.Errorf("read the address of %s: %w", i.Name, err)
	}
	return instance{Instance: i, slot: found[1], host: found[2], number: number, port: port, unit: unitName(id, found[1], number)}, nil
}

// reached is the machine of a host: as the definition has it now, since its port or key may have changed, else as recorded.
func (m *Machines) reached(name string, recorded map[string]service.Host) (Machine, error) {
	if name == "" {
		if m.local == nil {
			return nil, fmt.Errorf("%s is on hosts, and an instance was placed on a machine without a name", m.id)
		}
		return m.local, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if h, found := recorded[name]; found {
		m.known[name] = h
	}
	h, found := m.definition.Hosts[name]
	if !found {
		h, found = m.known[name]
	}
	if !found {
		return nil, fmt.Errorf("%s has no host %q, and nothing says how to log in there", m.id, name)
	}
	return m.machine(name, h.SSH), nil
}
