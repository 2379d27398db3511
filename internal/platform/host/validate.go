package host

import (
	"fmt"
	"maps"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// slotNames in their order.
var slotNames = []string{"blue", "green"}

// The bounds of log files: MaxSize in MiB, MaxFiles beside the one that is written to.
const (
	maxLogSize  = 10_240
	maxLogFiles = 1_000
)

// Validate lists what is wrong with a definition whose defaults are filled in; paths are relative to it.
func Validate(d service.HostPlatform) []service.Problem {
	problems := Unusable(d)
	if detail := DirectoryProblem(d.Directory); detail != "" {
		problems = append(problems, service.Problem{Path: []string{"directory"}, Detail: detail})
	}
	if detail := AddressProblem(d.Address); detail != "" {
		problems = append(problems, service.Problem{Path: []string{"address"}, Detail: detail})
	}
	return problems
}

// DirectoryProblem says what is wrong with an absolute path of which something can be made all the same; empty: nothing. Two services whose
// directories are one under two names would not see it.
func DirectoryProblem(directory string) string {
	if clean := filepath.Clean(directory); filepath.IsAbs(directory) && clean != directory && clean != string(filepath.Separator) {
		return fmt.Sprintf("%q is another way to write %q: write that", directory, clean)
	}
	return ""
}

// AddressProblem says what is wrong with an address that one may listen at, and that is nobody's; empty: nothing.
func AddressProblem(address string) string {
	if ip, err := netip.ParseAddr(address); err == nil && ip.Unmap().IsUnspecified() {
		return fmt.Sprintf("%q stands for all addresses of a machine, and instances are reached at one: write the machine's own, such as 10.0.0.11, or 127.0.0.1 for this one", address)
	}
	return ""
}

// Unusable lists what nothing can be done with, paths as Validate has them. A service whose ledger has the rest from before is still worked with.
func Unusable(d service.HostPlatform) []service.Problem {
	var problems []service.Problem
	add := func(detail string, path ...string) {
		problems = append(problems, service.Problem{Path: path, Detail: detail})
	}
	if !filepath.IsAbs(d.Directory) {
		add(fmt.Sprintf("%q is not an absolute path: write where releases are kept on the machine, such as /srv/web", d.Directory), "directory")
	} else if filepath.Clean(d.Directory) == string(filepath.Separator) {
		add("the root directory cannot be a service's own: write one such as /srv/web", "directory")
	}
	if d.Address == "" || strings.ContainsAny(d.Address, "/[] \t") || strings.Count(d.Address, ":") == 1 {
		add(fmt.Sprintf("%q is not an address: write an IP address or a host name, without a port, such as 127.0.0.1", d.Address), "address")
	}
	if d.DrainTimeout < 0 {
		add(fmt.Sprintf("%s is below 0: write how long an instance may take to stop, such as \"30s\"", d.DrainTimeout), "drain_timeout")
	}
	if d.Log.MaxSize < 1 || d.Log.MaxSize > maxLogSize {
		add(fmt.Sprintf("%d is not between 1 and %d MiB", d.Log.MaxSize, maxLogSize), "log", "max_size")
	}
	if d.Log.MaxFiles < 1 || d.Log.MaxFiles > maxLogFiles {
		add(fmt.Sprintf("%d is not between 1 and %d files", d.Log.MaxFiles, maxLogFiles), "log", "max_files")
	}
	return append(problems, validateSlots(d.Slots)...)
}

func validateSlots(slots map[string]service.HostSlot) []service.Problem {
	var problems []service.Problem
	add := func(detail string, path ...string) {
		problems = append(problems, service.Problem{Path: append([]string{"slots"}, path...), Detail: detail})
	}
	if len(slots) == 0 {
		add("there is no slot: write blue, or blue and green, each with the ports that its instances listen on")
	}
	used := map[int]string{}
	instances := -1
	for _, name := range slices.Sorted(maps.Keys(slots)) {
		ports := slots[name].Ports
		if !slices.Contains(slotNames, name) {
			add(fmt.Sprintf("%q is not a slot: there are blue and green", name), name)
			continue
		}
		if len(ports) == 0 {
			add("there is no port: write one for each instance", name, "ports")
			continue
		}
		for n, port := range ports {
			place := fmt.Sprintf("slot %s", name)
			if port < 1 || port > 65535 {
				add(fmt.Sprintf("%d is not a port: write a number from 1 to 65535", port), name, "ports", strconv.Itoa(n))
			} else if other, taken := used[port]; taken {
				add(fmt.Sprintf("port %d is in %s already: each instance of either slot needs its own", port, other), name, "ports", strconv.Itoa(n))
			}
			used[port] = place
		}
		if instances >= 0 && len(ports) != instances {
			add(fmt.Sprintf("slot %s has %d ports and the other slot %d: both take the same release, with the same number of instances", name, len(ports), instances), name, "ports")
		}
		instances = len(ports)
	}
	return problems
}
