// Package machines runs releases as units of systemd: on other machines over SSH, or on this one. Nothing of ours stays on a
// machine but what an administrator would look for: files below the service's directory, and a unit an instance.
//
//	existing                   that the user's own unit is kept ready, and whether it was enabled
//	service                    the service that the directory belongs to
//	epoch, lock                which run had the lease last; who works there holds the lock
//	artifacts/, releases/      what package transfer keeps
//	current                    a link to the files of the release that runs, of two the one that was there first
//	records/<label>.json       what a release is that was placed and not removed
//	slots/<slot>/<n>/          what the unit of an instance was started with last:
//	  unit, release            its name, the release's id
//	  environment              variables, secrets among them, that the manager of units reads
//	  credentials/<name>       secrets, where they come as credentials
//	  since, stopped           when it was started and stopped, in seconds of the machine's clock
//
// Each call is one shell script a machine, which holds the lock and compares the epoch before it changes anything.
package machines

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/artifact"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/delivery"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/machines/limits"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// Machine is where instances run.
type Machine interface {
	// String is for people.
	String() string
	// Run runs a POSIX shell script with stdin, which may be nil, and returns its standard output. A script that exits with
	// another status than 0 is an error, which holds the last of its standard error.
	Run(ctx context.Context, script string, stdin io.Reader) ([]byte, error)
	// Dial opens a connection from the machine.
	Dial(ctx context.Context, network, address string) (net.Conn, error)
}

// Options are what does not come from the service's definition.
type Options struct {
	// Limits of what an artifact may unpack to; zero: artifact's own.
	Limits artifact.Limits
	// Patience is how long nothing may arrive at a machine before a release that is brought there is given up; zero: transfer's own.
	Patience time.Duration
	// This is the machine that we run on; zero: as the operating system says.
	This host.Machine
}

// Machines are the hosts of one service, or this machine, as its platform.
type Machines struct {
	definition service.HostPlatform
	id         service.ID
	machine    func(name string, s service.SSH) Machine
	local      Machine
	options    Options

	mu sync.Mutex
	// known are hosts of placements that the definition no longer has.
	known map[string]service.Host
	// tunnelled by host tells that the network does not lead there; own by instance is the socket that was seen to be its own.
	tunnelled map[string]bool
	own       map[string]string
}

var _ delivery.Platform = (*Machines)(nil)

// The defaults of a definition.
const (
	DefaultKeepReleases = 3
	DefaultRestart      = "always"
	DefaultRestartDelay = service.Duration(time.Second)
)

// New makes the platform of the service id. machine finds the one that a host's definition logs in to; local is this machine, which is
// worked on where the definition has no hosts. An incomplete definition is completed with the defaults; an error says what is wrong with it.
func New(definition service.HostPlatform, id service.ID, machine func(name string, s service.SSH) Machine, local Machine, options Options) (*Machines, error) {
	definition = complete(definition)
	if options.This == (host.Machine{}) {
		options.This = host.ThisMachine()
	}
	problems := unusable(definition)
	for name, value := range definition.Systemd.Limits {
		if !limits.Safe(name, value) {
			problems.add(fmt.Sprintf("%s=%q is no limit of systemd", name, value), "systemd", "limits", name)
		}
	}
	errs := make([]error, len(problems.all))
	for i, p := range problems.all {
		errs[i] = p
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("platform host of %s: %w", id, err)
	}
	return &Machines{
		definition: definition, id: id, machine: machine, local: local, options: options,
		known: map[string]service.Host{}, tunnelled: map[string]bool{}, own: map[string]string{},
	}, nil
}

// complete fills in the defaults.
func complete(d service.HostPlatform) service.HostPlatform {
	if d.Supervisor == "" && len(d.Hosts) > 0 {
		d.Supervisor = service.SupervisorSystemd
	}
	if d.Address == "" && len(d.Hosts) == 0 {
		d.Address = host.DefaultAddress
	}
	if d.Log == (service.HostLog{}) {
		d.Log = host.DefaultLog
	}
	systemd := service.Systemd{}
	if d.Systemd != nil {
		systemd = *d.Systemd
	}
	systemd.Scope = or(systemd.Scope, service.ScopeSystem)
	systemd.Secrets = or(systemd.Secrets, service.SecretsEnvironment)
	systemd.Restart = or(systemd.Restart, DefaultRestart)
	systemd.RestartDelay = or(systemd.RestartDelay, DefaultRestartDelay)
	d.Systemd = &systemd
	d.MaxParallel = or(d.MaxParallel, 1)
	d.MaxUnavailable = or(d.MaxUnavailable, 1)
	d.KeepReleases = or(d.KeepReleases, DefaultKeepReleases)
	d.Reach = or(d.Reach, service.ReachAuto)
	return d
}

func or[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}

// Slots implements delivery.Platform.
func (m *Machines) Slots() []string { return slices.Sorted(maps.Keys(m.definition.Slots)) }
