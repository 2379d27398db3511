// Package host runs releases as processes of this machine: a directory a release, two slots with their ports, and a
// supervisor an instance (package supervisor), which outlives us and keeps it running.
//
// Everything that touches the machine is in files for Linux; elsewhere those methods say that they need it.
//
// Below the definition's directory:
//
//	service                           the service that the directory belongs to
//	artifacts/<sha256>/artifact       a file artifact, kept as long as a release in used-by/ is
//	releases/<label>/                 the artifact's files
//	run/<slot>/<n>/status.json, lock  what runs in the place of an instance
//	run/<slot>/<n>/stopping.json      whose supervisor was asked to stop it
//	run/<slot>/<n>/<label>/log/       what a release wrote there since its last start
//	bin/supervisor-<sha256>           the supervisor's program
package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/artifact"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Options are what does not come from the service's definition.
type Options struct {
	// Supervisor is the path of the program that is copied and started as the supervisor; empty: this one.
	Supervisor string
	// SupervisorArgs make that program call Supervise with the arguments behind them; empty: "supervise".
	SupervisorArgs []string
	// Limits of what an artifact may unpack to; zero: artifact's own.
	Limits artifact.Limits
	// Machine that this is; zero: as the operating system says.
	Machine Machine
}

// Host is this machine as the platform of one service.
type Host struct {
	definition service.HostPlatform
	id         service.ID
	options    Options
}

var _ delivery.Platform = (*Host)(nil)

// DefaultAddress is where instances are reached if the definition does not say.
const DefaultAddress = "127.0.0.1"

// DefaultLog bounds an instance's log files if the definition does not.
var DefaultLog = service.HostLog{MaxSize: 10, MaxFiles: 5}

// New makes the platform of the service id. An incomplete definition is completed with the defaults; an error says what
// is wrong with it.
func New(definition service.HostPlatform, id service.ID, options Options) (*Host, error) {
	if definition.Address == "" {
		definition.Address = DefaultAddress
	}
	if definition.Log == (service.HostLog{}) {
		definition.Log = DefaultLog
	}
	if len(options.SupervisorArgs) == 0 {
		options.SupervisorArgs = []string{"supervise"}
	}
	if options.Machine == (Machine{}) {
		options.Machine = ThisMachine()
	}
	problems := Unusable(definition)
	errs := make([]error, len(problems))
	for i, p := range problems {
		errs[i] = p
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("platform host of %s: %w", id, err)
	}
	return &Host{definition: definition, id: id, options: options}, nil
}

// Slots implements delivery.Platform.
func (h *Host) Slots() []string {
	slots := make([]string, 0, len(slotNames))
	for _, name := range slotNames {
		if _, found := h.definition.Slots[name]; found {
			slots = append(slots, name)
		}
	}
	return slots
}

// record is what a placement keeps of the definition that it was made by.
type record struct {
	Directory string `json:"directory"`
	// Machine is nil in what was placed before machines were told apart.
	Machine *Machine `json:"machine,omitempty"`
	// User is the number of the one who placed it.
	User *int `json:"user,omitempty"`
}

// Placement implements delivery.Platform.
func (h *Host) Placement(r service.Release, slot string) (service.Placement, error) {
	s, found := h.definition.Slots[slot]
	if !found {
		return service.Placement{}, fmt.Errorf("%s has no slot %q, only %q", h.id, slot, h.Slots())
	}
	user := os.Geteuid()
	platform, err := json.Marshal(record{Directory: h.definition.Directory, Machine: &h.options.Machine, User: &user})
	if err != nil {
		return service.Placement{}, fmt.Errorf("record the placement of %s: %w", r.ID, err)
	}
	p := service.Placement{Release: r.ID, Slot: slot, Platform: platform}
	for n, port := range s.Ports {
		p.Instances = append(p.Instances, service.Instance{
			Name:    slot + "/" + strconv.Itoa(n),
			Address: net.JoinHostPort(h.definition.Address, strconv.Itoa(port)),
		})
	}
	return p, nil
}

// recordOf reads what a placement keeps.
func (h *Host) recordOf(p service.Placement) (record, error) {
	kept := record{Directory: h.definition.Directory}
	if len(p.Platform) > 0 {
		if err := json.Unmarshal(p.Platform, &kept); err != nil {
			return record{}, fmt.Errorf("read where %s was placed: %w", p.Release, err)
		}
	}
	return kept, nil
}

// where finds the directory that a placement was made in; an error where that is not on this machine.
func (h *Host) where(p service.Placement) (layout, error) {
	kept, err := h.recordOf(p)
	if err != nil {
		return "", err
	}
	if !slices.Contains(slotNames, p.Slot) || kept.Directory == "" {
		return "", fmt.Errorf("%s was not placed on platform host: its slot is %q in the directory %q", p.Release, p.Slot, kept.Directory)
	}
	l := layout(kept.Directory)
	return l, h.here(l, kept.Machine)
}
