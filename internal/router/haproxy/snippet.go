package haproxy

import (
	"fmt"
	"strings"

	"github.com/progressive-delivery/terraform-provider-deploy/internal/service"
)

// snippet is what belongs into haproxy.cfg for the split. Where a slot's addresses are not known, a remark stands in their place. One slot is
// disabled there, so that HAProxy starts with all of the traffic in the other.
func (r *Router) snippet(placements map[string]service.Placement) string {
	var text strings.Builder
	fmt.Fprintf(&text, "backend %s\n    balance roundrobin\n", r.backend)
	if r.dynamic != nil {
		return text.String()
	}
	if r.stateFile != "" {
		text.WriteString("    load-server-state-from-file global\n")
	}
	for _, slot := range []string{blue, green} {
		options := " check"
		if slot == green {
			options += " disabled"
		}
		p, known := placements[slot]
		if !known || len(p.Instances) == 0 {
			fmt.Fprintf(&text, "    server %s <address of slot %s>%s\n", r.serverName(slot, 0, 1), slot, options)
			continue
		}
		for i, instance := range p.Instances {
			fmt.Fprintf(&text, "    server %s %s%s\n", r.serverName(slot, i, len(p.Instances)), instance.Address, options)
		}
	}
	return text.String()
}

// serverName is the one that a slot's server has by the definition, or should be given.
func (r *Router) serverName(slot string, i, n int) string {
	names := r.servers[slot]
	switch {
	case i < len(names):
		return names[i]
	case len(names) == 0 && n == 1:
		return slot
	case len(names) == 0:
		return fmt.Sprintf("%s-%d", slot, i)
	}
	return fmt.Sprintf("<a name that servers.%s has>", slot)
}

// stateFileLines have HAProxy read servers' state from path when it starts.
func stateFileLines(path string) string {
	return fmt.Sprintf("global\n    server-state-file %s\ndefaults\n    load-server-state-from-file global\n", path)
}
