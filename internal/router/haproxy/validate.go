package haproxy

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	api "github.com/progressive-delivery/terraform-provider-deploy/internal/haproxy"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/router/bluegreen"
	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// nameForm is what HAProxy takes as the name of a proxy or a server.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9_.:-]+$`)

// Validate lists what is wrong with d as the router between slots; paths are relative to it, and empty where the service has the wrong
// slots. It looks at no disk and asks nobody.
func Validate(d service.HAProxyRouter, slots []string) []service.Problem {
	problems := unusable(d, slots)
	validateStateFilePlaces(d, func(detail string, path ...string) {
		problems = append(problems, service.Problem{Path: path, Detail: detail})
	})
	return problems
}

// unusable lists what nothing can be done with. That a state file comes to the wrong place is no such thing: a service whose ledger has it from
// before is still looked at and restored.
func unusable(d service.HAProxyRouter, slots []string) []service.Problem {
	problems := bluegreen.Validate(slots)
	add := func(detail string, path ...string) {
		problems = append(problems, service.Problem{Path: path, Detail: detail})
	}
	switch {
	case d.Backend == "":
		add("must name the backend of haproxy.cfg whose servers the traffic is split between", "backend")
	case !nameForm.MatchString(d.Backend):
		add(fmt.Sprintf("%q is no name of a backend: HAProxy takes letters, digits, hyphens, underscores, dots and colons", d.Backend), "backend")
	}
	validateNodes(d, add)
	validateServers(d, add)
	validateStateFile(d, add)
	if d.DrainTimeout < 0 {
		add("must not be negative", "drain_timeout")
	}
	if d.Timeout < 0 {
		add("must not be negative", "timeout")
	}
	return problems
}

// validateNodes: each process is named once and reached in one way. What is wrong with two nodes together lies at all of them: it may come of
// what is not known yet of either.
func validateNodes(d service.HAProxyRouter, add func(detail string, path ...string)) {
	if len(d.Nodes) == 0 {
		add(`must name at least one HAProxy process, such as { main = { socket = "/run/haproxy/admin.sock" } }`, "nodes")
	}
	seen := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(d.Nodes)) {
		n := d.Nodes[name]
		if name == "" {
			add("a node needs a name", "nodes")
		}
		switch {
		case n.Socket == "" && n.Address == "":
			add("must have a socket or an address, those of a `stats socket … level admin` in haproxy.cfg", "nodes", name)
		case n.Socket != "" && n.Address != "":
			add("must have a socket or an address, not both", "nodes", name)
		case n.Socket != "" && !filepath.IsAbs(n.Socket):
			add("must be the absolute path of a stats socket, such as /run/haproxy/admin.sock", "nodes", name, "socket")
		case n.Address != "" && !isHostPort(n.Address):
			add(fmt.Sprintf("%q is not host:port, such as 10.0.0.5:9999", n.Address), "nodes", name, "address")
		}
		if at := n.Socket + n.Address; at != "" {
			where := machineOf(n) + " " + at
			if other, twice := seen[where]; twice {
				add(fmt.Sprintf("node %s is the same process as node %s; name it once", name, other), "nodes")
			}
			seen[where] = name
		}
	}
}

// machineOf names the machine that a node's socket, address and files are seen from.
func machineOf(n service.HAProxyNode) string {
	if n.SSH == nil {
		return "this machine"
	}
	return n.SSH.Machine()
}

func isHostPort(address string) bool {
	host, port, err := net.SplitHostPort(address)
	n, wrong := strconv.Atoi(port)
	return err == nil && wrong == nil && host != "" && n > 0 && n < 1<<16
}

// validateServers: a server is of one slot, and the servers are the user's or our own.
func validateServers(d service.HAProxyRouter, add func(detail string, path ...string)) {
	if d.Dynamic != nil && len(d.Servers) > 0 {
		add("must be left out where servers are dynamic: those are added here, and the others are left alone", "servers")
	}
	slotOf := map[string]string{}
	for _, slot := range slices.Sorted(maps.Keys(d.Servers)) {
		if slot != blue && slot != green {
			add(fmt.Sprintf("there is no slot %q, only %s and %s", slot, blue, green), "servers", slot)
		}
		if len(d.Servers[slot]) == 0 {
			add("must name the slot's servers, or be left out: then they are those that are called "+slot+", alone or followed by a hyphen, an underscore or a number", "servers", slot)
		}
		for _, server := range d.Servers[slot] {
			if !nameForm.MatchString(server) {
				add(fmt.Sprintf("%q is no name of a server: HAProxy takes letters, digits, hyphens, underscores, dots and colons", server), "servers", slot)
			}
			if other, twice := slotOf[server]; twice {
				add(fmt.Sprintf("server %s is named twice, here and in slot %s", server, other), "servers", slot)
			}
			slotOf[server] = slot
		}
	}
	if d.Dynamic != nil {
		if err := validateOptions(d.Dynamic.Options); err != nil {
			add(err.Error(), "dynamic", "options")
		}
	}
}

func validateStateFile(d service.HAProxyRouter, add func(detail string, path ...string)) {
	switch {
	case d.StateFile == "":
	case d.Dynamic != nil:
		add("must be left out where servers are dynamic: HAProxy keeps the state of those alone that are in its configuration", "state_file")
	case !filepath.IsAbs(d.StateFile):
		add("must be the absolute path that `server-state-file` in haproxy.cfg names", "state_file")
	case strings.HasSuffix(d.StateFile, "/"):
		add("must be the path of a file, not of a directory", "state_file")
	case strings.ContainsAny(d.StateFile, "\n\r\x00"):
		add("must hold no line breaks", "state_file")
	}
}

// validateStateFilePlaces: each node's state file is on its own machine, and nobody else's.
func validateStateFilePlaces(d service.HAProxyRouter, add func(detail string, path ...string)) {
	if d.StateFile == "" || d.Dynamic != nil {
		return
	}
	nodes := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(d.Nodes)) {
		n := d.Nodes[name]
		if n.SSH == nil && isHostPort(n.Address) && !isLoopback(n.Address) {
			add(fmt.Sprintf("must say how to log in to the machine of %s, by ssh, where there is a state_file: HAProxy reads it there, and without ssh it would be written on this machine. "+
				"Then address is as that machine sees it, which its own is as well. Or, where that is this machine, write its `socket`, or an address of 127.0.0.0/8, which HAProxy has to bind", n.Address), "nodes", name, "ssh")
			continue
		}
		machine := machineOf(n)
		if other, twice := nodes[machine]; twice && n.Socket+n.Address != d.Nodes[other].Socket+d.Nodes[other].Address {
			add(fmt.Sprintf("node %s would write the same state_file as node %s, %s on %s, and each overwrite what the other has: leave state_file out, or have one process on a machine", name, other, d.StateFile, machine), "nodes")
		}
		nodes[machine] = name
	}
}

// isLoopback tells whether host:port is on the machine that it is dialled from.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(api.NormalHost(host))
	return err == nil && ip.IsLoopback()
}
