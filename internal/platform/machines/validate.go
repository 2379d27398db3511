package machines

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/host"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/platform/machines/limits"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

var (
	directoryPattern = regexp.MustCompile(`^/[A-Za-z0-9/._@+,=:-]*$`)
	accountPattern   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,30}\$?$|^[0-9]{1,10}$`)
	dropInPattern    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.conf$`)
	existingPattern  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9:_.@-]{0,200}\.service$`)
	restarts         = []string{"no", "on-success", "on-failure", "on-abnormal", "on-watchdog", "on-abort", "always"}
)

type problems struct {
	all []service.Problem
}

func (p *problems) add(detail string, path ...string) {
	p.all = append(p.all, service.Problem{Path: path, Detail: detail})
}

// Validate lists what is wrong with a definition whose defaults are filled in; paths are relative to it. How one logs in is not looked at.
func Validate(d service.HostPlatform) []service.Problem {
	p := unusable(d)
	if detail := host.DirectoryProblem(d.Directory); detail != "" {
		p.add(detail, "directory")
	}
	if detail := host.AddressProblem(d.Address); detail != "" && len(d.Hosts) == 0 {
		p.add(detail, "address")
	}
	for _, name := range slices.Sorted(maps.Keys(d.Hosts)) {
		if detail := host.AddressProblem(d.Hosts[name].Address); detail != "" {
			p.add(detail, "hosts", name, "address")
		}
	}
	if d.Systemd != nil {
		p.before(d)
		for _, name := range slices.Sorted(maps.Keys(d.Systemd.Limits)) {
			if detail := limits.Problem(name, d.Systemd.Limits[name]); detail != "" {
				p.add(detail, "systemd", "limits", name)
			}
		}
	}
	return p.all
}

// before looks at the commands that run before the program.
func (p *problems) before(d service.HostPlatform) {
	for n, command := range d.Systemd.Before {
		if len(command) == 0 || command[0] == "" {
			continue // unusable says it.
		}
		if _, err := commandLine(program(command[0], d.Directory), command[1:]); err != nil {
			p.add("the command: "+err.Error(), "systemd", "before", strconv.Itoa(n))
		}
	}
}

// unusable lists what nothing can be done with. That systemd would leave out a limit, or a path is written in a roundabout way, is no such
// thing: a service whose ledger has that from before is still looked at and restored.
func unusable(d service.HostPlatform) *problems {
	p := &problems{}
	if d.Supervisor != service.SupervisorSystemd {
		if len(d.Hosts) > 0 {
			p.add("hosts over SSH run units of systemd; process is for this machine: write systemd, or leave it out", "supervisor")
		} else {
			p.add(fmt.Sprintf("%q supervises nothing here: write systemd", d.Supervisor), "supervisor")
		}
	}
	alone := d
	if len(d.Hosts) > 0 {
		if d.Address != "" {
			p.add("each host has an address of its own: leave this one out", "address")
		}
		alone.Address = host.DefaultAddress
	}
	p.all = append(p.all, host.Unusable(alone)...)
	if filepath.IsAbs(d.Directory) && !directoryPattern.MatchString(d.Directory) {
		p.add(fmt.Sprintf("%q has characters that units of systemd and shells read as more than a path: use letters, digits and ._@+,=:-", d.Directory), "directory")
	}
	p.hosts(d)
	p.systemd(d)
	p.existing(d)
	for _, bound := range []struct {
		name  string
		value int
		what  string
	}{
		{"max_parallel", d.MaxParallel, "on how many hosts a release is started at a time"},
		{"max_unavailable", d.MaxUnavailable, "how many hosts may be without a running instance at a time"},
		{"keep_releases", d.KeepReleases, "how many releases' files stay on a machine, that which runs among them"},
	} {
		if bound.value < 1 {
			p.add(fmt.Sprintf("%d is below 1: write %s, 1 or more", bound.value, bound.what), bound.name)
		}
	}
	if !slices.Contains([]string{service.ReachAuto, service.ReachNetwork, service.ReachSSH}, d.Reach) {
		p.add(fmt.Sprintf("%q is no way to reach instances: write auto, network or ssh", d.Reach), "reach")
	}
	return p
}

func (p *problems) hosts(d service.HostPlatform) {
	taken, machines := map[string]string{}, map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(d.Hosts)) {
		h := d.Hosts[name]
		path := []string{"hosts", name}
		if err := service.ValidateName(name); err != nil {
			p.add(err.Error(), path...)
		}
		if h.Address == "" || strings.ContainsAny(h.Address, "/[] \t") || strings.Count(h.Address, ":") == 1 {
			p.add(fmt.Sprintf("%q is not an address: write an IP address or a host name, without a port, such as 10.0.0.11", h.Address), "hosts", name, "address")
		}
		if h.SSH.Address != "" {
			machine := h.SSH.Machine()
			if other, found := machines[machine]; found {
				p.add(fmt.Sprintf("it is the machine of host %s already, %s: a machine is one host, since units and directories are named by the service; for more instances there, give its slots more ports", other, machine), path...)
				continue
			}
			machines[machine] = name
		}
		if h.Slots != nil {
			p.hostSlots(d, h, path)
		}
		for _, slot := range slices.Sorted(maps.Keys(d.Slots)) {
			for _, port := range portsOf(d, h, slot) {
				at := h.Address + ":" + strconv.Itoa(port)
				if other, found := taken[at]; found && other != name {
					p.add(fmt.Sprintf("port %d of %s is that of host %s already: give each its own address, or ports where they share one", port, h.Address, other), path...)
				}
				taken[at] = name
			}
		}
	}
}

// hostSlots looks at a host's own ports: the same rules as for those of all, and the same slots.
func (p *problems) hostSlots(d service.HostPlatform, h service.Host, path []string) {
	own := d
	own.Address, own.Slots = host.DefaultAddress, h.Slots
	for _, problem := range host.Validate(own) {
		if problem.Path[0] == "slots" {
			p.add(problem.Detail, append(slices.Clone(path), problem.Path...)...)
		}
	}
	if !slices.Equal(slices.Sorted(maps.Keys(h.Slots)), slices.Sorted(maps.Keys(d.Slots))) {
		p.add(fmt.Sprintf("it has other slots than the platform, which has %q: write the ports of each of them", slices.Sorted(maps.Keys(d.Slots))), append(slices.Clone(path), "slots")...)
	}
}

func (p *problems) systemd(d service.HostPlatform) {
	s := d.Systemd
	if s == nil {
		return
	}
	if s.Scope != service.ScopeSystem && s.Scope != service.ScopeUser {
		p.add(fmt.Sprintf("%q is no scope: write system or user", s.Scope), "systemd", "scope")
	}
	if s.Scope == service.ScopeUser && s.Sudo {
		p.add("the user's own manager needs no sudo: leave it out, or write scope = \"system\"", "systemd", "sudo")
	}
	for name, account := range map[string]string{"user": s.User, "group": s.Group} {
		switch {
		case account == "":
		case s.Scope == service.ScopeUser:
			p.add("the user's own manager runs units as that user alone: leave it out", "systemd", name)
		case !accountPattern.MatchString(account):
			p.add(fmt.Sprintf("%q is not the name of a %s: write one such as web, or its number", account, name), "systemd", name)
		}
	}
	if s.Secrets != service.SecretsEnvironment && s.Secrets != service.SecretsCredentials {
		p.add(fmt.Sprintf("%q is no way to hand over secrets: write environment or credentials", s.Secrets), "systemd", "secrets")
	}
	if !slices.Contains(restarts, s.Restart) {
		p.add(fmt.Sprintf("%q is no policy of systemd: write one of %s", s.Restart, strings.Join(restarts, ", ")), "systemd", "restart")
	}
	if s.RestartDelay < 0 {
		p.add(fmt.Sprintf("%s is below 0: write how long to wait, such as \"1s\"", s.RestartDelay), "systemd", "restart_delay")
	}
	for n, path := range s.Writable {
		if !filepath.IsAbs(path) || strings.ContainsAny(path, "\n\x00") {
			p.add(fmt.Sprintf("%q is not an absolute path: write one that is on each of the machines, such as /var/lib/web", path), "systemd", "writable", strconv.Itoa(n))
		}
	}
	for n, command := range s.Before {
		if len(command) == 0 || command[0] == "" {
			p.add("give the program and its arguments", "systemd", "before", strconv.Itoa(n))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.DropIns)) {
		if !dropInPattern.MatchString(name) {
			p.add(fmt.Sprintf("%q is not the name of a drop-in: they end in .conf, such as 10-memory.conf", name), "systemd", "drop_ins", name)
		}
	}
}

func (p *problems) existing(d service.HostPlatform) {
	e := d.Existing
	if e == nil {
		return
	}
	if !existingPattern.MatchString(e.Unit) {
		p.add(fmt.Sprintf("%q is not the name of a unit: write one such as web.service", e.Unit), "existing", "unit")
	}
	content := service.Content{Version: e.Version}
	for _, problem := range content.Validate() {
		p.add(problem.Detail, "existing", "version")
	}
	if _, found := d.Slots[e.Slot]; !found {
		p.add(fmt.Sprintf("there is no slot %q: write the one whose ports the unit listens on", e.Slot), "existing", "slot")
	}
}
